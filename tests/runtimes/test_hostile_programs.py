"""Files of torch.export are programs: what could run code is refused before torch sees it."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from nasface.errors import InvalidInput
from nasface.runtimes import open_model

Files = dict[str, bytes]


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.conv(x)).mean((2, 3))


@pytest.fixture(scope="module")
def files() -> Files:
    """The members of an honest file."""
    shapes = {"x": {0: torch.export.Dim("images")}}
    program = torch.export.export(Network().eval(), (torch.zeros(2, 3, 8, 8),), dynamic_shapes=shapes)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def written(files: Files, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"net/{name}", content)
    return path


class Touch:
    """A pickle that makes a file, as one of an attacker could do anything."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return os.mkdir, (str(self.path),)


def model(change: Callable[[dict[str, Any]], object]) -> Callable[[Files], Files]:
    """A change of the graph's description."""

    def changed(files: Files) -> Files:
        content = json.loads(files["models/model.json"])
        change(content)
        return files | {"models/model.json": json.dumps(content).encode()}

    return changed


def nodes(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from content["graph_module"]["graph"]["nodes"]


def text(old: str, new: str) -> Callable[[Files], Files]:
    return lambda files: files | {"models/model.json": files["models/model.json"].replace(old.encode(), new.encode())}


def pickled_weight(files: Files) -> Files:
    name = "data/weights/model_weights_config.json"
    config = json.loads(files[name])
    next(iter(config["config"].values()))["use_pickle"] = True
    return files | {name: json.dumps(config).encode(), "data/weights/weight_0": pickle.dumps(Touch(Path("x")))}


def object_constant(files: Files) -> Files:
    config = json.loads(files["data/weights/model_weights_config.json"])["config"]
    entry = next(iter(config.values())) | {"path_name": "opaque_obj_0"}
    return files | {"data/constants/model_constants_config.json": json.dumps({"config": {"c": entry}}).encode()}


CALL = "__import__('os').system('touch x')"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (model(lambda content: content.update(guards_code=[CALL])), "guards_code"),
        (model(lambda content: next(nodes(content)).update(target="torch.os.system")), "the target 'torch.os.system'"),
        (model(lambda content: next(nodes(content)).update(target="torch.ops.aten.from_file.default")), "from_file"),
        (text("Symbol('s77', positive=True, integer=True)", CALL), "the expr_str"),
        (text('"x"', '"x): import os; os.system(1"'), "the name"),
        (pickled_weight, "pickled or no tensor"),
        (object_constant, "pickled or no tensor"),
        (lambda files: files | {"data/sample_inputs/model.pt": pickle.dumps(Touch(Path("x")))}, "no plain tensors"),
        (lambda files: files | {"data/aotinductor/model/model.so": b"\x7fELF"}, "the member net/data/aotinductor"),
        (lambda files: files | {"data/weights/model.pt": b"old pickles"}, "the member net/data/weights/model.pt"),
    ],
)
def test_what_could_run_code_is_refused_unopened(
    files: Files, change: Callable[[Files], Files], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = change(files)
    assert changed != files
    monkeypatch.setattr(torch.export, "load", lambda *_: pytest.fail("torch was given the file"))
    with pytest.raises(InvalidInput, match=f"{what}.*could run code"):
        open_model(written(changed, tmp_path / "net.pt2"))


def test_an_honest_file_is_opened(files: Files, tmp_path: Path) -> None:
    assert open_model(written(files, tmp_path / "net.pt2")).size == 8


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", b"PK\3\4"])
def test_what_is_no_archive_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"net\.pt2 (is not a torch\.export file|.* a Git-LFS pointer)"):
        open_model(tmp_path / "net.pt2")
