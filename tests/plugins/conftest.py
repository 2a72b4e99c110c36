"""A folder with the example installed from its wheel, one with distributions that misbehave, and the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from cli._command import Command, Done

ROOT = Path(__file__).resolve().parents[2]

WORKING_SCORER = """
from dataclasses import dataclass
from nasface import Scorer, register

@dataclass
class {kind}Config:
    name: str = "{name}"

@register("predictor", "{name}", config={kind}Config)
class {kind}(Scorer):
    "Made up."
"""

FAULTY = {
    "broken": {"nasface_broken.py": "import a_package_that_is_not_installed"},
    "quitting": {"nasface_quitting.py": "import sys; sys.exit('I quit')"},
    "halfway": {"nasface_halfway.py": WORKING_SCORER.format(kind="Half", name="half") + "\n1 / 0"},
    "taken": {"nasface_taken.py": WORKING_SCORER.format(kind="Taken", name="lightgbm_nac")},
    "hiding": {
        "nasface_hiding/__init__.py": WORKING_SCORER.format(kind="Hiding", name="hiding"),
        "nasface_hiding/conf/predictor/lightgbm_nac.yaml": "name: hiding",
    },
    "literal": {
        "nasface_literal.py": "from typing import Literal\n"
        + WORKING_SCORER.format(kind="Odd", name="odd").replace(
            'name: str = "odd"', 'name: str = "odd"\n    mode: Literal["a", "b"] = "a"'
        )
    },
    "defaulted": {
        "nasface_defaulted.py": WORKING_SCORER.format(kind="Odd", name="odd").replace(
            'name: str = "odd"', 'name: str = "odd"\n    most: int = None'
        )
    },
    "untypable": {"nasface_untypable.py": WORKING_SCORER.format(kind="Odd", name="a/b")},
    "function": {"nasface_function.py": "def main(): ..."},
    "plain": {"nasface_plain.py": WORKING_SCORER.format(kind="Plain", name="plain")},
}
"""Distribution nasface-NAME and its files; `plain` is a good one, of a single file, between the others."""


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's wheel, built as pip builds it and unpacked as pip installs it; needs no network."""
    work = tmp_path_factory.mktemp("example")
    source = shutil.copytree(ROOT / "plugins" / "nasface-example", work / "source")
    build = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", build, str(work)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(work / "site")
    return work / "site"


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of `FAULTY`, installed."""
    site = tmp_path_factory.mktemp("faulty")
    for name, files in FAULTY.items():
        install(site, name, files, entry=":main" if name == "function" else "")
    return site


def install(site: Path, name: str, files: dict[str, str], entry: str = "") -> None:
    """Put the distribution nasface-NAME with these files into a folder, as pip does; `entry` follows its module."""
    about = f"nasface_{name}-1.0.dist-info"
    metadata = {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: nasface-{name}\nVersion: 1.0\n",
        f"{about}/entry_points.txt": f"[nasface.plugins]\n{name} = nasface_{name}{entry}\n",
    }
    for path, text in (files | metadata).items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """`command("task=list", sites=[...])` runs `python -m nasface task=list` in a process that sees those folders."""
    work = tmp_path_factory.mktemp("runs")
    count = iter(range(100))

    def run(*overrides: str, sites: list[Path]) -> Done:
        folder = work / str(next(count))
        paths = [str(path) for path in (ROOT, *sites)] + os.environ.get("PYTHONPATH", "").split(os.pathsep)
        made_up = {"NASFACE_HOME": str(work / "home"), "NASFACE_CACHE": str(work / "cache"), "COLUMNS": "200"}
        environment = os.environ | made_up | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        arguments = [sys.executable, "-m", "nasface", *overrides, f"hydra.run.dir={folder}"]
        done = subprocess.run(arguments, cwd=work, env=environment, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr, folder)

    return run
