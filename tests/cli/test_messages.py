"""Messages that once misled: each says what was given, what is allowed, and what to do."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from nasface.registry import REGISTRY

from ._command import Command
from .test_bad_input import check_refused


def test_a_device_without_a_table_lists_the_ways_to_one(cli: Command) -> None:
    ways = ["build_lut lut.name=pixel8", "calibrate_device lut.name=pixel8", "import_lut lut.name=pixel8"]
    check_refused(cli("device=pixel8"), "Unknown device 'pixel8'", "sd865", *ways)


def test_a_package_that_an_extra_brings_is_named(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def calibration_images(self: object) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("nasface.supernets.source.CheckpointSource.calibration_images", calibration_images)
    check_refused(cli("device=sd865"), "task=search needs the package torch", "pip install 'nasface[torch]'")


def test_random_weights_are_not_to_be_measured(cli: Command) -> None:
    check_refused(cli("supernet=random"), "no accuracies worth measuring", "supernet=lfw112", "supernet.checkpoint=")


@pytest.mark.parametrize("space", ["space=ofa_mbv3", "space.width=1.0"])
def test_another_space_needs_another_supernet(cli: Command, space: str) -> None:
    check_refused(cli(space), "lfw112 demo supernet is of another space", "supernet.checkpoint=FILE", "train_supernet")


def test_words_that_are_no_tasks(cli: Command, tmp_path: Path) -> None:
    check_refused(cli("serach"), "neither a task nor an option", "Did you mean search?", "nasface --help")
    check_refused(cli("evalute", "model=x"), "Did you mean evaluate?")


def test_a_folder_without_the_option_it_is_for(cli: Command, tmp_path: Path) -> None:
    Path("photos").mkdir()
    check_refused(cli("evaluate", "photos/"), "'photos/' is neither", "data=image_folder data.root=photos/")


@pytest.mark.slow
def test_whoever_reads_the_first_line_only_is_told_nothing(tmp_path: Path) -> None:
    script = f"set -o pipefail; {sys.executable} -m nasface --cfg job -p training | head -1"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "# @package training\n", "")


def test_a_run_folder_that_cannot_be_made(cli: Command) -> None:
    done = cli("task=list", folder=Path("/proc/nowhere/run"))
    assert done.text.startswith("nasface: No such file or directory: /proc/nowhere")
    assert "hydra.run.dir= a folder that can be made" in done.text


def test_hydra_never_speaks_itself(cli: Command) -> None:
    for given in (["device=[sd865"], ["seed=[1"], ["predictor={a:1"], ["predictor="], ["device=a=b"], ["search.=1"]):
        text = cli(*given).text
        assert "hydra.cc" not in text, given
        assert "Exception" not in text, given


FOREIGN = """
from nasface.spaces.ofa_mbv3 import OfaMbv3

class Foreign(OfaMbv3):
    def fingerprinted(self):
        raise KeyError("width")
"""


def test_a_plugin_that_fails_where_nothing_watches_it_is_named(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("foreign_parts")
    exec(FOREIGN, vars(module))
    known = REGISTRY.get("space", "ofa_mbv3_face")
    foreign = dataclasses.replace(known, factory=module.Foreign, origin="nasface-foreign")
    monkeypatch.setitem(REGISTRY._components, ("space", "ofa_mbv3_face"), foreign)
    done = cli("exporter=none", "measure.runs=0")
    assert done.code == 2, done.err
    said = "The plug-in nasface-foreign failed in foreign_parts.Foreign.fingerprinted (KeyError: 'width')"
    assert f"{said}; report it to the author of nasface-foreign." in done.text
    assert "Traceback" not in done.err
    assert done.result["message"].startswith(said)
    assert "Traceback" in (done.folder / "nasface.log").read_text(encoding="utf-8"), "its author wants to see where"
