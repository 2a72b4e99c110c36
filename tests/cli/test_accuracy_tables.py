"""The commands around accuracy tables: drawing, joining, judging."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasface.accuracy.faces import open_faces, training_photos
from nasface.accuracy.table import held_table
from nasface.data import load_data
from nasface.settings import Accuracy

from ._command import Command
from .test_bad_input import check_refused

PHOTOS = ("data=procedural", "accuracy.table=new.csv")


def split(table: Path, folder: Path) -> list[Path]:
    """The rows of a table as the files of two shards."""
    header, *rows = table.read_text().splitlines()
    files = [folder / f"mine.{i}of2.csv" for i in range(2)]
    for i, file in enumerate(files):
        file.write_text("\n".join([header, *rows[i::2], ""]))
    return files


def test_shards_are_joined(cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
    files = split(make_table(), tmp_path)
    done = cli("task=merge_tables", f"accuracy.table={tmp_path / 'mine.csv'}")
    assert done.code == 0, done.err
    assert done.result["decision"]["origins"] == {"uniform": 40}
    assert set((tmp_path / "mine.csv").read_text().split("\n")) == set(make_table().read_text().split("\n"))
    again = cli("task=merge_tables", f"accuracy.table={tmp_path / 'mine.csv'}")
    assert again.result["decision"]["files"] == [str(tmp_path / "mine.csv"), *map(str, files)]
    assert again.result["decision"]["subnets"] == 40


def test_a_table_that_another_process_measures_is_not_replaced(
    cli: Command, make_table: Callable[..., Path], tmp_path: Path
) -> None:
    split(make_table(), tmp_path)
    out = tmp_path / "mine.csv"
    with held_table(out):
        check_refused(
            cli("task=merge_tables", f"accuracy.table={out}"), "mine.csv is being measured by another process"
        )
    assert not out.exists()


def test_tables_that_do_not_belong_together(cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
    parts = f"accuracy.parts=[{make_table()},{make_table(supernet='random')}]"
    out = f"accuracy.table={tmp_path / 'mine.csv'}"
    check_refused(cli("task=merge_tables", parts, out), "different supernet cannot be merged", "keep them apart")
    foreign = f"accuracy.parts=[{make_table(supernet='random')}]"
    check_refused(cli("task=merge_tables", foreign, out), "is of supernet")
    check_refused(cli("task=merge_tables", out), "no table to join", "accuracy.parts=")
    check_refused(cli("task=merge_tables"), "needs accuracy.table=FILE.csv")
    assert not (tmp_path / "mine.csv").exists()


def test_the_embedded_table_is_judged(cli: Command) -> None:
    done = cli("task=table_reliability")
    assert done.code == 0, done.err
    [whole, *_] = done.result["decision"]["reliability"]
    assert (whole["metric"], whole["split"], whole["region"]) == ("auc", "people", "whole table")
    assert 0.6 < whole["low"] < whole["reliability"] < whole["high"] < 0.95
    page = (done.folder / "table_reliability.md").read_text()
    assert f"| auc | people | {whole['deviation']:.4f} |" in page
    assert "Calibration photos" not in page
    assert "for auc, learn from identification" in done.out


def test_a_table_without_halves_is_not_judged(cli: Command, make_table: Callable[..., Path]) -> None:
    check_refused(cli("task=table_reliability", f"accuracy.table={make_table()}"), "has no halves (auc_half1")
    Path("empty.jsonl").write_text("")
    check_refused(
        cli("task=table_reliability", "study.file=empty.jsonl"), "is not a study of photos", "task=study_photos"
    )


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        (["accuracy.sampling=denser"], ["accuracy.sampling 'denser'", "Did you mean 'dense'"]),
        (["accuracy.stratify_by=params"], ["accuracy.stratify_by 'params'", "latency, macs"]),
        (["shard=2", "shards=2"], ["shard=2 must lie between 0 and"]),
        (["accuracy.n_subnets=0"], ["accuracy.n_subnets=0 must be 1 or more"]),
        (["accuracy.family=0"], ["accuracy.family=0 must be 1 or more"]),
        (["accuracy.band=0"], ["accuracy.band=0 must lie between 0 and 1"]),
        (["accuracy.sampling=dense", "constraints.default_latency_ratio=null"], ["needs budgets", "accuracy.ratios="]),
        (["accuracy.sampling=dense", "accuracy.ratios=[0.01]"], ["The fastest sub-network"]),
        (
            ["accuracy.pairs=absent.txt", "data.people=120", "data.photos=5"],
            ["accuracy.pairs=absent.txt (No"],
        ),
        (["accuracy.table=null"], ["needs accuracy.table=FILE.csv"]),
    ],
)
def test_bad_options(cli: Command, options: list[str], fragments: list[str]) -> None:
    done = cli("task=estimate_accuracy", *PHOTOS, *options)
    code = 3 if "fastest" in fragments[0] else 2
    assert done.code == code, done.err
    for fragment in fragments:
        assert fragment in done.text


@pytest.mark.parametrize(
    ("metric", "lacking"),
    [
        ("tar_at_far_1e-3", "10,000 pairs of two people are needed, so about 143 photos like these"),
        ("accuracy", "3 people with two photos are too few"),
    ],
)
def test_a_metric_that_photos_do_not_suffice_for_is_refused(cli: Command, metric: str, lacking: str) -> None:
    done = cli("task=estimate_accuracy", *PHOTOS, "data.people=13", "data.photos=3", f"accuracy.metric={metric}")
    check_refused(done, f"accuracy.metric={metric}", lacking)


def test_columns_that_photos_do_not_suffice_for_are_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    data = load_data({"name": "procedural", "people": 13, "photos": 3})
    options = Accuracy(metric="auc", pairs=None, calibration_photos=4, accelerator="cpu")
    open_faces(data, options, 16, np.random.default_rng(0), Path.cwd())
    assert "no column tar_at_far_1e-3: 10,000 pairs of two people are needed" in caplog.text
    assert "no column auc" not in caplog.text


def test_bad_studies(cli: Command) -> None:
    check_refused(cli("task=study_photos", "data=procedural"), "needs study.file=FILE.jsonl")
    options = ("task=study_photos", "study.file=s.jsonl", "data=procedural")
    check_refused(cli(*options, "study.calibration=[1]"), "study.calibration=[1] must name numbers of 2 photos")
    check_refused(cli(*options, "study.subnets=2"), "study.subnets=2 must be 3 or more")


def test_fewer_calibration_photos_than_asked_for_are_said(caplog: pytest.LogCaptureFixture) -> None:
    data = load_data({"name": "procedural", "people": 20})
    there = len(data.require("training"))
    images, name = training_photos(data, 16, there + 1, np.random.default_rng(0))
    assert (len(images), name) == (there, f"photos:{there}")
    assert f"accuracy.calibration_photos={there + 1} and there are {there} photos" in caplog.text
