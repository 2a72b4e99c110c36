"""The page as files: modules joined in order, the vendored runtime as it was pinned."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

import pytest

from nasface.demo import Bundle, DemoModel
from nasface.demo.bundle import joined, ordered, static_files
from nasface.errors import ExportError, InvalidInput


def test_modules_stand_after_those_that_they_need() -> None:
    files = {
        "app.js": b'import { b } from "./b.js";\nimport { a } from "./a.js";\nb(a);\n',
        "b.js": b'import { a } from "./a.js";\nexport function b() {}\n',
        "a.js": b"export const a = 1;\n",
    }
    assert list(ordered(files, "app.js")) == ["a.js", "b.js", "app.js"]
    script = joined(ordered(files, "app.js"))
    assert "import" not in script
    assert "export" not in script
    assert script.startswith("const { a } = (() => {\nconst a = 1;\n")


def test_every_import_of_the_page_is_joined() -> None:
    script = joined(ordered(static_files(), "app.js"))
    assert "\nimport {" not in script
    assert "\nexport " not in script
    assert "</script" not in script


def test_the_vendored_runtime_is_what_was_pinned() -> None:
    folder = resources.files("nasface.demo").joinpath("vendor")
    facts = json.loads(folder.joinpath("vendor.json").read_text())
    found = {entry.name: hashlib.sha256(entry.read_bytes()).hexdigest() for entry in folder.iterdir()}
    assert {name: found[name] for name in facts["files"]} == facts["files"]
    assert set(found) == {*facts["files"], "vendor.json", "LICENSE"}
    assert "Apache License" in folder.joinpath("LICENSE").read_text()


def test_the_folder_and_the_single_file_hold_everything(bundle: Bundle, model: Path, tmp_path: Path) -> None:
    bundle.write_folder(tmp_path / "folder")
    bundle.write_single_file(tmp_path / "page.html")
    assert {path.name for path in (tmp_path / "folder").iterdir()} == set(bundle.files)
    config = json.loads((tmp_path / "folder" / "demo.json").read_text())
    assert [entry["name"] for entry in config["models"]] == ["first", "second"]
    page = (tmp_path / "page.html").read_text()
    assert "src=" not in page.partition("<body>")[2]
    assert "stylesheet" not in page
    assert 'id="asset:model_0.tflite"' in page


def test_only_networks_that_describe_faces_are_shown(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"not a model")
    with pytest.raises(ExportError, match="not a tflite model"):
        DemoModel.read(tmp_path / "model.tflite", "broken")
    from nasface.recognition.detectors.yunet import FILE as DETECTOR

    with pytest.raises(InvalidInput, match="does not describe faces"):
        DemoModel.read(DETECTOR, "detector")
