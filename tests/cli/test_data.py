"""Packed photos, `.bin` pairs and splits through the command line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.data import load_data
from nasface.errors import EXIT_INVALID, EXIT_OK

from ._command import Command

DRAWN = ("data=procedural", "data.people=24", "data.photos=4")


@pytest.fixture
def packed(cli: Command, tmp_path: Path) -> Path:
    """Drawn faces as `task=pack` writes them."""
    done = cli("task=pack", *DRAWN, f"pack.out={tmp_path / 'packed'}", "pack.size=16")
    assert done.code == EXIT_OK, done.err
    assert "training 12 people, 48 photos; validation 6 people, 24 photos; report 6 people, 24 photos" in done.out
    assert "96 photos of 24 people, 72 pairs" in done.out
    assert f"next: nasface data=recordio data.root={tmp_path / 'packed'}" in done.out
    assert done.result["decision"]["photos"] == 96
    return tmp_path / "packed"


def write_descriptors(root: Path) -> Path:
    """Pixels as descriptors of everything that is judged."""
    faces = load_data({"name": "recordio", "root": str(root)}).photos_to_judge
    pixels = faces.load(size=16).images.reshape(len(faces), -1).astype(np.float32)
    path = root / "pixels.npz"
    np.savez(path, descriptors=pixels - pixels.mean(axis=0), names=np.array(list(faces.names)))
    return path


def test_packed_photos_are_evaluated_with_their_pairs(cli: Command, packed: Path) -> None:
    model = write_descriptors(packed)
    done = cli("task=evaluate", f"model={model}", "data=recordio", f"data.root={packed}", "evaluation.bootstrap=0")
    assert done.code == EXIT_OK, done.err
    [row] = done.result["decision"]["rows"]
    assert 0.5 < row["auc"] <= 1
    assert 0.5 < row["pairs accuracy"] <= 1
    assert "report 6 people, 24 photos; 72 pairs" in done.out
    assert "were drawn" not in done.out, "the packed lists say who is who"


def test_two_models_are_compared_on_the_same_people(cli: Command) -> None:
    drawn = ("data=procedural", "data.people=80", "data.photos=4")
    faces = load_data({"name": "procedural", "people": 80, "photos": 4}).photos_to_judge
    rng = np.random.default_rng(0)
    people = rng.standard_normal((len(faces.people), 16))[faces.labels]
    noise = rng.standard_normal(people.shape)
    for name, strength in (("good", 0.7), ("again", 0.701), ("bad", 2.0)):
        np.savez(f"{name}.npz", descriptors=np.float32(people + strength * noise), names=np.array(faces.names))

    done = cli("task=evaluate", "model=[good.npz,again.npz,bad.npz]", *drawn, "evaluation.bootstrap=50")

    assert done.code == EXIT_OK, done.err
    low, value, high = done.result["decision"]["first_minus"]["bad.npz"]["auc"]
    rows = {row["model"]: row["auc"] for row in done.result["decision"]["rows"]}
    assert value == pytest.approx(rows["good.npz"] - rows["bad.npz"], abs=1e-3)
    assert 0 < low < value < high
    assert f"good.npz less bad.npz: AUC {value:+.4f} ({low:+.4f} to {high:+.4f})\n" in done.out
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert f"<td>{value:+.4f} ({low:+.4f} to {high:+.4f})</td>" in page


def test_a_bin_alone_is_evaluated(cli: Command, packed: Path, tmp_path: Path) -> None:
    (tmp_path / "bins").mkdir()
    shutil.copy(packed / "pairs.bin", tmp_path / "bins" / "lfw.bin")
    model = write_descriptors(tmp_path / "bins")
    done = cli("task=evaluate", f"model={model}", "data=recordio", f"data.root={tmp_path / 'bins'}")
    assert done.code == EXIT_OK, done.err
    [row] = done.result["decision"]["rows"]
    assert "auc" not in row
    assert 0.5 < row["pairs accuracy"] <= 1
    assert done.result["decision"]["details"][str(model)]["all_pairs"] is None
    assert "72 listed pairs" in (done.folder / "report.html").read_text()


class _Attack:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_hostile_bin_is_refused(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(_Attack(tmp_path / "mark")))
    (tmp_path / "x.tflite").touch()
    done = cli("task=evaluate", f"model={tmp_path / 'x.tflite'}", "data=recordio", f"data.root={tmp_path}")
    assert done.code == EXIT_INVALID
    assert (
        "lfw.bin is not a verification set of InsightFace (it names posix.mkdir, which no such file needs" in done.text
    )
    assert not (tmp_path / "mark").exists()


def test_closed_sets_are_judged_by_the_classifier_alone(cli: Command, packed: Path) -> None:
    split = ("data=recordio", f"data.root={packed}", "data.split=image")
    off = tuple(f"data.{role}_people=none" for role in ("training", "validation", "report"))
    done = cli("task=estimate_accuracy", "accuracy.table=t.csv", *split, *off)
    assert done.code == EXIT_INVALID
    assert "is stored without its classifier, and photos of known people (data.split=image)" in done.text
    assert "closed set" in done.out
    done = cli("task=study_photos", "study.file=s.jsonl", "study.calibration=[2]", *split, *off)
    assert "is split by photos (data.split=image)" in done.text
    done = cli("task=estimate_accuracy", "accuracy.table=t.csv", *split)
    assert "there are lists of training, validation, report people" in done.text


def test_closed_sets_are_packed_with_the_words_that_split_them_again(
    cli: Command, packed: Path, tmp_path: Path
) -> None:
    off = tuple(f"data.{role}_people=none" for role in ("training", "validation", "report"))
    split = ("data.split=image", "data.split_seed=3", "data.pairs=none")
    out = tmp_path / "again"
    done = cli("task=pack", "data=recordio", f"data.root={packed}", *off, *split, f"pack.out={out}", "pack.size=8")
    assert done.code == EXIT_OK, done.err
    words = done.result["decision"]["use"].split()
    assert words[2:] == [
        "data.split=image",
        "data.training_fraction=0.95",
        "data.validation_fraction=0.05",
        "data.split_seed=3",
    ]
    written = sorted(path.name for path in out.iterdir() if path.name != ".lock")
    assert written == ["names.txt", "property", "train.idx", "train.rec"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "task=pack needs pack.out=FOLDER"),
        (("pack.out=x", "pack.size=0"), "cannot be packed with 0 pixels"),
        (("pack.out=x", "pack.format=gif"), "Unknown pack.format 'gif'"),
        (("pack.out=x", "data=none"), "needs photos"),
        (("pack.out=x", "data=lfw"), "data.root=FOLDER"),
    ],
)
def test_what_cannot_be_packed(cli: Command, given: tuple[str, ...], message: str) -> None:
    done = (
        cli("task=pack", *DRAWN, *given)
        if not any(word.startswith("data=") for word in given)
        else cli("task=pack", *given)
    )
    assert done.code == EXIT_INVALID
    assert message in done.text
    assert json.loads((done.folder / "result.json").read_text())["status"] == "failed"
