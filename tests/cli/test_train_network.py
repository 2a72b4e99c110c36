"""`task=train_network` from the command line: one network is fine-tuned, goes on, and is a network like any other."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from nasface.exporters import read_metadata
from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3Config
from nasface.supernets import ElasticNetwork
from nasface.supernets.checkpoint import save_pth

from ._command import Command

TINY = (
    "task=train_network",
    *("data=procedural", "data.people=24", "data.photos=3", "evaluation.bootstrap=0", "measure.runs=0"),
    *("space=ofa_mbv3", "space.width=0.25", "space.resolution=32", "supernet.checkpoint=own.pth"),
    *("training.batch=12", "training.calibration_photos=16", "training.log_every=1", "training.folder=made"),
    *("training.accelerator=cpu", "training.cpu_threads=1", "training.plan.network.steps=2"),
    *("accuracy.calibration_photos=16", "training.checkpoint_minutes=0"),
)


def own_supernet(path: Path) -> None:
    """A supernet of width 0.25."""
    torch.manual_seed(0)
    save_pth(ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, resolution=32)), 5), path)


@pytest.fixture(autouse=True)
def _own_supernet(tmp_path: Path, cli: Command) -> object:
    """It lies in the working folder; one thread, as it was."""
    own_supernet(tmp_path / "cwd" / "own.pth")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _columns(folder: Path) -> list[str]:
    with (folder / "progress.csv").open() as file:
        return next(csv.reader(file))


def test_learns_from_the_largest_goes_on_and_is_a_network_like_any_other(cli: Command, tmp_path: Path) -> None:
    given = (*TINY, "genotype=smallest")
    done = cli(*given)
    assert done.code == 0, done.err
    assert "teacher: the largest network of own" in done.out
    made = tmp_path / "cwd" / "made"
    assert _columns(made)[5:8] == ["loss", "arcface", "descriptors"], "the schedule's teacher and its loss"
    assert json.loads((made / "fingerprint.json").read_text())["training"]["name"] == "fine_tune"
    assert read_metadata(done.folder / "model.tflite")["genotype"] == done.result["decision"]["genotype"]
    again = cli(*given)
    assert again.result["decision"] == done.result["decision"], "nothing was left to do"
    longer = cli(*given, "training.plan.network.steps=3")
    assert "training.plan.network.steps was 2, is 3" in longer.text


def test_a_folder_is_trained_further_and_stays_of_its_space(cli: Command) -> None:
    first = cli(*TINY, "genotype=smallest", "teacher=none", "exporter=none")
    assert first.code == 0, first.err
    assert not (first.folder / "model.tflite").exists()
    rest = [given for given in TINY if not given.startswith(("space", "training.folder"))]
    more = cli(*rest, f"network={first.folder}", "training.folder=more", "exporter=none", "teacher=none")
    assert more.code == 0, more.err
    shown = cli("task=inspect", f"network={more.folder}")
    assert shown.code == 0, shown.err
    assert shown.result["decision"]["genotype"] == first.result["decision"]["genotype"]
    before, after = ((done.folder / "model.safetensors").read_bytes() for done in (first, more))
    assert len(before) == len(after)
    assert before != after


@pytest.mark.parametrize("teacher", ["teacher=largest", "teacher.features=0.1"])
def test_logits_and_stages_of_the_largest_teach_too(cli: Command, tmp_path: Path, teacher: str) -> None:
    done = cli(*TINY, "genotype=smallest", teacher, "exporter=none")
    assert done.code == 0, done.err
    assert {"teacher=largest": "logits", "teacher.features=0.1": "features"}[teacher] in _columns(
        tmp_path / "cwd" / "made"
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "give genotype="),
        (["genotype=[smallest,largest]"], "trains one network"),
        (["genotype=smallest", "training.init=own.pth"], "training.init is of supernets"),
        (["genotype=smallest", "training.folder=null"], "task=train_network needs training.folder=FOLDER"),
        (["genotype=smallest", "supernet=random"], "nothing to fine-tune"),
        (["genotype=smallest", "training=sandwich"], "which is of supernets"),
        (["genotype=smallest", "data=none"], "add data=lfw"),
    ],
)
def test_refuses_in_one_sentence(cli: Command, tmp_path: Path, overrides: list[str], message: str) -> None:
    own = [given for given in TINY if not any(given.split("=")[0] == other.split("=")[0] for other in overrides)]
    dropped = {"supernet=random": "supernet.", "data=none": "data.", "training=sandwich": "training.plan"}
    own = [given for given in own if not any(o in overrides and given.startswith(p) for o, p in dropped.items())]
    done = cli(*own, *overrides)
    assert done.code == 2, done.err
    assert message in done.text
    assert not list(tmp_path.glob("cwd/made/state-*")), "nothing was trained"
