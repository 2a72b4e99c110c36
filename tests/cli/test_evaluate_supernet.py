"""`task=evaluate_supernet`: a training's weights over its time, and one checkpoint, on the report people."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ._command import Command, Done

DATA = ("data=procedural", "data.people=48", "data.photos=4")
TRAIN = (
    "task=train_supernet",
    *DATA,
    "space=ofa_mbv3",
    "space.width=0.25",
    "space.resolution=32",
    "training.batch=24",
    "training.calibration_photos=16",
    "training.validate_every=1",
    "training.plan.sandwich.steps=8",
    "training.checkpoint_minutes=0",
    "training.log_every=1",
    "training.accelerator=cpu",
    "training.cpu_threads=1",
    "training.folder=made",
)
EVALUATE = ("task=evaluate_supernet", *DATA, "accuracy.calibration_photos=16", "evaluation.far=[0.1]")


@pytest.fixture
def trained(cli: Command) -> Done:
    done = cli(*TRAIN, "training.snapshots=true")
    assert done.code == 0, done.err
    return done


def table(done: Done) -> list[dict[str, str]]:
    with (done.folder / "supernet.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_curve_of_a_training(cli: Command, trained: Done, tmp_path: Path) -> None:
    done = cli(*EVALUATE, "training.folder=made")
    assert done.code == 0, done.err
    rows = table(done)
    weights = list(dict.fromkeys(row["weights"] for row in rows))
    assert weights == ["weights-00000004", "state-00000007", "weights-00000008"]
    assert [row["network"] for row in rows[:3]] == ["smallest", "middle", "largest"]
    hours = [float(row["cpu_hours"]) for row in rows]
    assert hours == sorted(hours)
    assert all(0 <= float(row["auc low"]) <= float(row["auc"]) <= float(row["auc high"]) <= 1 for row in rows)
    assert all(0 <= float(row["tar@0.1"]) <= 1 for row in rows)
    page = (done.folder / "report.html").read_text()
    assert page.count("<polyline") == 6
    for name in ("auc.svg", "tar.svg"):
        assert (done.folder / name).read_text().startswith("<svg xmlns=")
    with mock.patch("nasface.accuracy.runner.SubnetRunner.describe", side_effect=AssertionError("measured twice")):
        again = cli(*EVALUATE, "training.folder=made")
    assert again.result["decision"] == done.result["decision"]
    kept = json.loads((tmp_path / "cwd" / "made" / "report_people.json").read_text())
    assert len(kept) == len(rows)


def test_a_finished_supernet_is_its_last_best_weights(cli: Command, trained: Done) -> None:
    curve = cli(*EVALUATE, "training.folder=made").result["decision"]["rows"]
    shape = ("space=ofa_mbv3", "space.width=0.25", "supernet.checkpoint=made/supernet.safetensors")
    done = cli(*EVALUATE, *shape)
    assert done.code == 0, done.err
    figures = [key for key in curve[0] if key not in ("weights", "step", "cpu_hours")]

    def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{key: row[key] for key in figures} for row in rows]

    assert all(row in plain(curve) for row in plain(done.result["decision"]["rows"]))
    assert not list(done.folder.glob("*.svg")), "one point is no curve"


def test_refusals(cli: Command, tmp_path: Path) -> None:
    done = cli(*EVALUATE, "training.folder=made")
    assert done.code == 2
    assert "holds no training; give the training.folder" in done.text
    folder = tmp_path / "cwd" / "made"
    folder.mkdir()
    space = {"space": "ofa_mbv3", "width": 0.25, "resolution": 32}
    (folder / "fingerprint.json").write_text(json.dumps({"space": space}))
    assert "holds no weights yet" in cli(*EVALUATE, "training.folder=made").text
    assert "add data=lfw" in cli("task=evaluate_supernet").text
