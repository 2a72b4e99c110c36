"""The wheel holds what the tree holds and runs anywhere; importing the package is light, its public names resolve."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

import nasface

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "nasface"

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs a checkout, not an installation")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel built from the source distribution of this tree, in a copy of links so that the tree stays clean."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed")
    tree, out, unpacked = (tmp_path_factory.mktemp(name) for name in ("tree", "wheel", "unpacked"))
    for name in ("nasface", "conf", "pyproject.toml", "README.md", "LICENSE"):
        (tree / name).symlink_to(ROOT / name)
    build = f"from setuptools import build_meta; build_meta.build_sdist({str(unpacked)!r})"
    done = subprocess.run([sys.executable, "-c", build], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [archive] = unpacked.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(unpacked, filter="data")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(out)]
    build_wheel = [sys.executable, "-m", "pip", "wheel", *options, str(unpacked / archive.name.removesuffix(".tar.gz"))]
    done = subprocess.run(build_wheel, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [path] = out.glob("*.whl")
    return zipfile.ZipFile(path)


def tree_files() -> set[str]:
    """What belongs into the wheel, by its name there."""
    code, configuration = ({path for path in folder.rglob("*") if _belongs(path)} for folder in (SOURCE, ROOT / "conf"))
    return {str(path.relative_to(ROOT)) for path in code} | {
        f"nasface/{path.relative_to(ROOT)}" for path in configuration
    }


def _belongs(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")


def test_packages_are_the_folders_with_code(project: dict[str, Any]) -> None:
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCE.rglob("__init__.py")}
    assert set(project["tool"]["setuptools"]["packages"]) == folders | {"nasface.conf"}


def test_every_extra_that_messages_name_exists(project: dict[str, Any]) -> None:
    """`MissingDependency(package, extra, purpose)` tells people to install nasface[extra], which must bring it."""
    always, hints = project["project"]["dependencies"], dict(missing_packages())
    extras = {name: [*always, *own] for name, own in project["project"]["optional-dependencies"].items()}
    assert {"tensorboard", "pymoo", "pillow"} <= hints.keys()
    for package, extra in hints.items():
        assert extra in extras, f"{package} is said to come with nasface[{extra}], which does not exist"
        assert brings(extras, extra, package), f"nasface[{extra}] does not bring {package}"


def missing_packages() -> Iterator[tuple[str, str]]:
    """Package and extra of every call of `MissingDependency` and `requires` that states both."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("MissingDependency", "requires"):
                package, extra = node.args[:2]
                if isinstance(package, ast.Constant) and isinstance(extra, ast.Constant):
                    yield package.value, extra.value


def brings(extras: dict[str, list[str]], extra: str, package: str) -> bool:
    """Whether an extra requires a package, or its build for processors, itself or through extras of ours."""
    inner = [part for requirement in extras[extra] for part in re.findall(r"nasface\[(.*)\]", requirement)]
    itself = any(re.match(rf"{package}(-cpu)?\b", requirement) for requirement in extras[extra])
    return itself or any(brings(extras, name, package) for part in inner for name in part.split(","))


def test_wheel_holds_the_whole_tree(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == tree_files()


def test_wheel_names_licence_and_command(wheel: zipfile.ZipFile) -> None:
    texts = {name.rsplit("/", 1)[1]: wheel.read(name).decode() for name in wheel.namelist() if ".dist-info/" in name}
    assert "nasface = nasface.cli:main" in texts["entry_points.txt"]
    assert "License-File: LICENSE" in texts["METADATA"]
    head, _, description = texts["METADATA"].partition("\n\n")
    assert "Description-Content-Type: text/markdown" in head
    shown = MarkdownIt("commonmark").enable("table").render(description)
    assert shown.startswith("<h1>nasface</h1>")
    assert "<table>" in shown
    assert "|---|" not in shown


def test_runs_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    installed, cwd = tmp_path / "installed", tmp_path / "cwd"
    wheel.extractall(installed)
    cwd.mkdir()
    environment = os.environ | {"PYTHONPATH": str(installed), "NASFACE_HOME": str(tmp_path)}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nasface", *arguments]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    shown = run("--cfg", "job")
    assert shown.returncode == 0, shown.stderr
    assert "name: ridge" in shown.stdout
    assert list(cwd.iterdir()) == []
    refused = run("constraints.latency_ms.max=0.5")
    assert (refused.returncode, refused.stdout) == (3, ""), "the latency table comes with the wheel"
    assert "fastest sub-network on sd865 at 112" in refused.stderr
    found = run("search.generations=2", "measure.runs=0", "hydra.run.dir=found")
    assert found.returncode == 0, found.stderr
    assert {"model.tflite", "report.html"} <= {path.name for path in (cwd / "found").iterdir()}


def test_every_public_name_resolves() -> None:
    assert nasface.__all__ == sorted(nasface.__all__)
    for name in nasface.__all__:
        assert getattr(nasface, name) is not None
        assert name in dir(nasface)
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        nasface.absent  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    text = (SOURCE / "__init__.py").read_text(encoding="utf-8")
    seen = {line.rsplit(" as ", 1)[1] for line in text.splitlines() if line.startswith("    from ") and " as " in line}
    assert seen == set(nasface.__all__)


def test_import_is_light() -> None:
    heavy = "{'torch', 'lightgbm', 'tensorflow', 'hydra'}"
    program = f"import sys, nasface; nasface.NetSpec; print(sorted({heavy} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_versions_agree(project: dict[str, Any]) -> None:
    changelog = ROOT / "CHANGELOG.md"
    if not changelog.is_file():
        pytest.skip("no CHANGELOG.md yet")
    assert project["project"]["version"] in changelog.read_text(encoding="utf-8")
