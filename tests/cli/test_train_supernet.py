"""`task=train_supernet` from the command line: what it leaves behind, that it goes on, and what it refuses."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nasface.data import FaceSet, load_data
from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3Config
from nasface.supernets import ElasticNetwork, load_supernet
from nasface.supernets.checkpoint import save_pth
from nasface.training import assembly

from ._command import Command

PHOTOS = ("data=procedural", "data.people=24", "data.photos=3")
SPACE = ("space=ofa_mbv3", "space.width=0.25", "space.resolution=32")
TINY = (
    "task=train_supernet",
    *PHOTOS,
    *SPACE,
    "training.batch=12",
    "training.calibration_photos=16",
    "training.log_every=1",
    "training.accelerator=cpu",
    "training.cpu_threads=1",
    "training.folder=made",
)


@pytest.fixture(autouse=True)
def same_threads() -> object:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


FEW = ("data=procedural", "data.people=10", "data.photos=4")


def test_ten_people_with_four_photos_give_a_supernet_judged_by_what_their_pairs_tell(
    cli: Command, tmp_path: Path
) -> None:
    done = cli(*TINY, *FEW, "training.batch=8", "training.plan.sandwich.steps=1", "training.validate_every=100")
    assert done.code == 0, done.err
    assert (tmp_path / "cwd" / "made" / "supernet.safetensors").is_file()
    with (tmp_path / "cwd" / "made" / "validation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(0 <= float(row["auc"]) <= 1 and row["tar"] == row["far"] == "" for row in rows)


def test_trains_exports_reports_and_goes_on(cli: Command, tmp_path: Path) -> None:
    given = (*TINY, "training.plan.sandwich.steps=2", "loss=arcface", "loss.scale=16")
    done = cli(*given)
    assert done.code == 0, done.err
    folder = tmp_path / "cwd" / "made"
    left = {path.name for path in folder.iterdir()}
    assert left >= {"supernet.pth", "supernet.safetensors", "progress.csv", "validation.csv", "best-sandwich.pt"}
    page = (done.folder / "report.html").read_text()
    assert "<svg" in page
    assert "AUC at step 2" in page
    assert "nasface estimate_accuracy " in done.out
    assert "supernet.checkpoint=made/supernet.safetensors accuracy.table=made/accuracy.csv" in done.out
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32))
    hashes = {load_supernet(folder / name, space).fingerprint for name in ("supernet.pth", "supernet.safetensors")}
    assert hashes == {done.result["decision"]["supernet"]}
    again = cli(*given, "training.keep=1")
    assert again.result["decision"] == done.result["decision"], "nothing was left to do"
    other = cli(*given, "training.batch=10")
    assert other.code == 2
    assert "training.batch was 12, is 10" in other.text


def test_progressive_shrinking_starts_from_a_checkpoint_with_a_trained_teacher(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pth(ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, resolution=32)), 5), tmp_path / "cwd" / "init.pth")
    given = (
        *TINY,
        "training=progressive_shrinking",
        "training.phases=[depth1]",
        "training.plan.depth1.steps=1",
        "training.init=init.pth",
        "teacher=efficientnet_b0",
        "teacher.plan.teacher.steps=1",
        "teacher.features=0.1",
    )
    imprinted: list[int] = []
    imprint = assembly.imprint

    def noted(network: ElasticNetwork, faces: FaceSet, *rest: Any) -> None:
        imprinted.append(len(faces.people))
        imprint(network, faces, *rest)

    monkeypatch.setattr(assembly, "imprint", noted)
    done = cli(*given)
    assert done.code == 0, done.err
    assert "init.pth has a classifier of 5 classes, which is skipped" in done.text
    assert cli(*given).code == 0
    assert imprinted == [24 // 2], "once: afterwards the classifier is its own"
    folder = tmp_path / "cwd" / "made"
    assert (folder / "teacher" / "best-teacher.pt").is_file()
    columns = (folder / "progress.csv").read_text().splitlines()[0]
    assert "softmax,logits,features" in columns
    assert json.loads((folder / "fingerprint.json").read_text())["training"]["phases"] == ["depth1"]


def test_a_supernet_without_a_classifier_goes_on_with_descriptors_and_the_loss_that_suits_them(
    cli: Command, tmp_path: Path
) -> None:
    here = tmp_path / "cwd"
    state = ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, resolution=32)), 5).state_dict()
    body = {name: value for name, value in state.items() if not name.startswith("classifier")}
    torch.save({"state_dict": body}, here / "body.pth")
    names = load_data({"name": "procedural", "people": 24, "photos": 3}).require("training").names
    (here / "n.txt").write_text("\n".join(names))
    np.save(here / "d.npy", np.random.default_rng(0).normal(size=(len(names), 4)).astype(np.float32))
    teacher = ("teacher=descriptors", "teacher.file=d.npy", "teacher.names=n.txt")
    done = cli(*TINY, "training.init=body.pth", "training.plan.sandwich.steps=1", *teacher)
    assert done.code == 0, done.err
    assert "mean descriptors of 12 people" in (done.folder / "nasface.log").read_text()
    assert "teacher.projection=fixed is drawn at random" in done.text
    assert "arcface,descriptors,span,similarities" in (here / "made" / "progress.csv").read_text()
    loss = json.loads((here / "made" / "fingerprint.json").read_text())["loss"]
    assert (loss["scale"], loss["weight"]) == (20, 0.25)
    named = cli(*TINY, "training.plan.sandwich.steps=1", "training.folder=other", *teacher, "loss=softmax")
    assert "softmax,descriptors" in (here / "other" / "progress.csv").read_text(), named.err


def test_a_folder_is_trained_in_by_one_process_at_a_time(cli: Command, tmp_path: Path) -> None:
    folder = tmp_path / "cwd" / "made"
    given = (*TINY, "training.plan.sandwich.steps=1")
    holder = "import sys, pathlib; from nasface.training.state import held\n"
    holder += "with held(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(folder)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        done = cli(*given)
        assert done.code == 2
        assert f"being trained in by another process (process {other.pid}); wait for it" in done.text
        assert [path.name for path in folder.iterdir()] == [".lock"], "nothing was touched"
        other.kill()
    assert cli(*given).code == 0, "the lock of a killed process is gone"


OWN = """\
# Two phases of my own.
defaults:
  - /schema/training@_here_
  - _self_
name: mine
plan:
  large: {steps: 1, learning_rate: 1e-3, kernels: [7], expands: [6], depths: [4]}
  all: {epochs: 0.5, learning_rate: 1e-3, subnets: 2, validate: extremes}
batch: 10
"""


@pytest.mark.slow
def test_a_schedule_of_ones_own_in_yaml(cli: Command, tmp_path: Path) -> None:
    schedule = tmp_path / "conf" / "training" / "mine.yaml"
    schedule.parent.mkdir(parents=True)
    schedule.write_text(OWN)
    own = ("--config-dir", str(tmp_path / "conf"), "training=mine")
    done = cli(*own, *TINY)
    assert done.code == 0, done.err
    noted = json.loads((tmp_path / "cwd" / "made" / "fingerprint.json").read_text())["training"]
    assert list(noted["plan"]) == ["large", "all"]
    assert noted["plan"]["all"]["validate"] == "extremes"
    assert (noted["batch"], noted["optimizer"]) == (12, "adamw"), "the command line's, and the default"
    rows = cli(*own[:2], "task=list").result["decision"]["components"]
    (row,) = [row for row in rows if (row["kind"], row["name"]) == ("training", "mine")]
    assert (row["origin"], row["summary"]) == ("command-line", "Two phases of my own.")
    assert row["parameters"]["plan"]["all"]["epochs"] == 0.5
    schedule.write_text(OWN.replace("name: mine\n", ""))
    assert "training.name has no value" in cli(*own, *TINY).text
    schedule.write_text(OWN.replace("subnets: 2", "subnet: 2"))
    assert "In 'training/mine'" in (text := cli(*own, *TINY).text)
    assert "Key 'subnet' not in 'Phase'" in text
    schedule.write_text(OWN.replace("epochs: 0.5, ", ""))
    assert "give training.plan.PHASE.epochs or .steps" in cli(*own, *TINY[:-1], "training.folder=other").text


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.folder=null"], "needs training.folder=FOLDER"),
        (["space.resolution=0"], "space.resolution is 0; give a whole number of pixels from 32"),
        (["training.first_resolution=0"], "training.first_resolution is 0"),
        (["training.phases=[sandwhich]"], "Unknown phase 'sandwhich'. Did you mean 'sandwich'"),
        (["training.batch=1"], "training.batch"),
        (["+training.plan.sandwich.step=1"], "step"),
        (["training.precision=16"], "give 32-true or bf16-mixed"),
        (["training.optimizer=lion"], "give sgd or adamw"),
        (["training.sampling=pairs", "training.batch=34"], "give an even, smaller training.batch"),
        (["training.init=wide.pth"], "has shape"),
        (["training.init=none.pth"], "training.init=none.pth (No such file"),
        (["teacher=descriptors", "teacher.file=d.npy"], "add teacher.names=FILE"),
        (["teacher=descriptors", "teacher.file=d.npy", "teacher.names=n.txt"], "of another data set: 36 of 36"),
        (["teacher=largest"], "needs a trained largest network"),
        (["teacher=logits", "teacher.file=t.onnx"], "teacher.file=t.onnx (No such file"),
        (["loss.smoothing=1"], "loss.smoothing is 1"),
        (["data=none"], "add data=lfw"),
    ],
)
def test_refuses_in_one_sentence(cli: Command, tmp_path: Path, overrides: list[str], message: str) -> None:
    here = tmp_path / "cwd"
    np.save(here / "d.npy", np.zeros((1, 4), np.float32))
    (here / "n.txt").write_text("some/body.png\n")
    if "wide.pth" in " ".join(overrides):
        save_pth(ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.5, resolution=32))), here / "wide.pth")
    kept = [given for given in TINY if not any(given.split("=")[0] == o.split("=")[0] for o in overrides)]
    kept = [given for given in kept if "data=none" not in overrides or not given.startswith("data")]
    done = cli(*kept, "training.plan.sandwich.steps=1", *overrides)
    assert done.code == 2, done.err
    assert message in done.text
    assert "Traceback" not in done.err
    assert not list(here.glob("made/state-*")), "nothing was trained"


@pytest.mark.slow
def test_all_six_phases_in_a_row(cli: Command, tmp_path: Path) -> None:
    """Progressive shrinking end to end in small: every phase trains, validates its list and hands on its best."""
    done = cli(
        *[given for given in TINY if not given.startswith(("training.log_every", "data."))],
        "data.people=80",
        "data.photos=8",
        "training=progressive_shrinking",
        "training.scale=0.05",
        "training.clip=5",
        "training.plan.full.learning_rate=0.02",
        "training.log_every=5",
        "training.validate_every=3",
        "loss=arcface",
        "loss.scale=16",
        "loss.margin_warmup=0.5",
        "teacher=largest",
    )
    assert done.code == 0, done.err
    folder = tmp_path / "cwd" / "made"
    phases = ["full", "kernel", "depth1", "depth2", "expand1", "expand2"]
    with (folder / "validation.csv").open() as file:
        judged = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["phase"] for row in judged)) == phases
    assert all((folder / f"best-{phase}.pt").is_file() for phase in phases)
    counts = {phase: len({row["network"] for row in judged if row["phase"] == phase}) for phase in phases}
    assert list(counts.values()) == [1, 3, 4, 4, 8, 8]
    last = {row["network"]: float(row["auc"]) for row in judged if row["phase"] == "expand2"}
    assert min(last.values()) > 0.6, "faces of unseen people are told apart better than by chance"
    supernet = load_supernet(folder / "supernet.safetensors", OfaMbv3(OfaMbv3Config(width=0.25, resolution=32)))
    assert supernet.provenance["options"]["training"]["name"] == "progressive_shrinking"
