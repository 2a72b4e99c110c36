"""Experiments through the command line: small, resumable, shared between jobs, options checked."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nasface.data import Photos, load_data
from nasface.errors import EXIT_INVALID, EXIT_OK

from ._command import Command, Done

TINY = (
    "experiment=paper_ablation",
    "experiment.predictor=ridge",
    "search.population=8",
    "search.generations=2",
    "experiment.repeats=2",
    "experiment.values.generations=[1,2]",
    "experiment.values.population=[8]",
    "experiment.values.parent_ratio=[0.5]",
    "experiment.values.mutation_ratio=[0.5]",
    "experiment.values.mutate_probability=[0.1]",
)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    return [
        row for path in sorted(folder.glob(f"{name}*.csv")) for row in csv.DictReader(path.read_text().splitlines())
    ]


@pytest.fixture
def ablation(cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> Callable[..., Done]:
    return lambda *more, **options: cli(
        *TINY, f"accuracy.table={make_table()}", f"experiment.folder={tmp_path / 'out'}", *more, **options
    )


def test_ablation_goes_on(ablation: Callable[..., Done], tmp_path: Path) -> None:
    done = ablation()
    assert done.code == EXIT_OK, done.err
    found = rows(tmp_path / "out", "paper_ablation")
    assert len(found) == 12
    assert done.result["decision"] == {"experiment": "paper_ablation", "cells": 12, "missing": 0}
    page = (tmp_path / "out" / "paper_ablation.md").read_text(encoding="utf-8")
    assert all(f"## {symbol} " in page for symbol in ("T", "P", "Kr", "Mr", "Pm"))
    assert len(list((tmp_path / "out").glob("*.svg"))) == 10
    assert ablation("experiment.repeats=3").code == EXIT_OK
    more = rows(tmp_path / "out", "paper_ablation")
    assert more[:12] == found, "what was there is kept"
    assert len(more) == 18
    refused = ablation("seed=5")
    assert refused.code == EXIT_INVALID
    assert "with other options" in refused.text


def test_jobs_share_an_experiment(ablation: Callable[..., Done], tmp_path: Path) -> None:
    done = ablation("shards=2", "shard=0,1", multirun=True)
    assert done.code == EXIT_OK, done.err
    found = rows(tmp_path / "out", "paper_ablation")
    assert len({(row["parameter"], row["value"], row["seed"]) for row in found}) == len(found) == 12
    assert "missing" not in (tmp_path / "out" / "paper_ablation.md").read_text(encoding="utf-8")


TABLE5 = (
    "experiment=paper_table5",
    "experiment.predictors=[any,ridge]",
    "experiment.ratios=[0.4,0.8]",
    "search.population=8",
    "search.generations=2",
    "accuracy.calibration_photos=4",
    "evaluation.bootstrap=0",
)


def test_table5_measures_what_it_finds(cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
    photos = ("data=procedural", "data.people=12", "data.photos=4")
    done = cli(*TABLE5, *photos, f"accuracy.table={make_table()}", f"experiment.folder={tmp_path}")
    assert done.code == EXIT_OK, done.err
    found = rows(tmp_path, "paper_table5")
    assert [(row["predictor"], row["ratio"]) for row in found] == [
        (predictor, ratio) for ratio in ("0.4", "0.8") for predictor in ("any", "ridge")
    ]
    assert all("fastest sub-network" in row["infeasible"] for row in found[:2])
    for row in found[2:]:
        assert 0 < float(row["auc"]) <= 1
        assert 0 <= float(row["identification"]) <= 1
        assert float(row["latency_ms"]) <= float(row["budget_ms"])
    page = (tmp_path / "paper_table5.md").read_text(encoding="utf-8")
    assert "99.22 ± 0.35" in page
    assert "## Not feasible" in page
    assert (tmp_path / "paper_table5_auc.svg").exists()


@pytest.mark.parametrize(
    ("overrides", "fragment"),
    [
        (("experiment=paper_ablation", "experiment.predictor=x"), "Unknown predictor 'x'"),
        (("task=experiment",), "task=experiment needs experiment=NAME"),
        (("experiment=paper_ablation", "experiment.seed=3"), "Unknown option of experiment 'seed'"),
        (("experiment=paper_ablation", "experiment.repeats=many"), "give a value of that type"),
        (("experiment=paper_ablation", "experiment.name=x"), "Unknown experiment 'x'"),
        (
            ("experiment=paper_ablation", "+experiment.values.speed=[1]"),
            "Unknown parameter of search evolution_paper 'speed'",
        ),
        (("experiment=paper_table5",), "This needs photos: add data=lfw"),
        ((*TABLE5, "data=procedural", "experiment.supernets=[{name: a}, {name: a}]"), "a name twice"),
        (("experiment=paper_ablation", "shard=1"), "shard=1 must lie between 0 and shards - 1 = 0"),
    ],
)
def test_refused(cli: Command, overrides: tuple[str, ...], fragment: str) -> None:
    done = cli(*overrides)
    assert done.code == EXIT_INVALID
    assert fragment in done.text


def test_full_is_a_flag(cli: Command) -> None:
    small, full = (cli("--cfg", "job", "--resolve", "experiment=paper_ablation", *more) for more in ((), FULL))
    assert "repeats: 3\n" in small.out
    assert "repeats: 20\n" in full.out


FULL = ("experiment.full=true",)


def test_optimality_gap(cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
    small = "{name: evolution, generations: 6, population: 12, restarts: 1}"
    done = cli(
        "experiment=optimality_gap",
        f"accuracy.table={make_table()}",
        f"experiment.folder={tmp_path / 'out'}",
        "device=sd865",
        "experiment.repeats=2",
        "experiment.ratios=[0.3,0.7]",
        "~experiment.searches",
        f"+experiment.searches={{seeded: {small}, random: {{samples: 50}}}}",
    )
    assert done.code == EXIT_OK, done.err
    found = rows(tmp_path / "out", "optimality_gap")
    assert len(found) == 4, "a budget that no network meets is left out"
    gaps = {(row["search"], row["seed"]): row["gap_percent"] for row in found if row["ratio"] == "0.7"}
    assert {float(gap) for (name, _), gap in gaps.items() if name == "seeded"} == {0.0}, "seeds are exact"
    assert all(0 < float(gap) <= 100 for (name, _), gap in gaps.items() if name == "random")
    page = (tmp_path / "out" / "optimality_gap.md").read_text(encoding="utf-8")
    assert "## Not feasible" in page
    assert "| seeded | 0 |" in page
    refused = cli("experiment=optimality_gap", "predictor=lightgbm_nac", f"accuracy.table={make_table()}")
    assert refused.code == EXIT_INVALID
    assert "a sum over stages, so that the optimum is known, not lightgbm_nac" in refused.text


def test_intervals(cli: Command, make_table: Callable[..., Path], tmp_path: Path) -> None:
    given = ("experiment=intervals", f"experiment.folder={tmp_path / 'out'}", f"accuracy.table={make_table()}")
    done = cli(*given, "experiment.predictors=[ridge,gp_stage]", "experiment.sizes=[40]", "experiment.repeats=2")
    assert done.code == EXIT_OK, done.err
    found = [row for row in rows(tmp_path / "out", "intervals") if row["region"] == "all"]
    assert [row["predictor"] for row in found] == ["ridge", "ridge", "gp_stage", "gp_stage"]
    assert all(0.5 < float(row["within"]) <= 1 and float(row["half"]) > float(row["rmse"]) for row in found)
    assert [bool(row["own"]) for row in found] == [False, False, True, True]
    assert "## Learned from 40 networks: all" in (tmp_path / "out" / "intervals.md").read_text(encoding="utf-8")


def test_verification(cli: Command, tmp_path: Path) -> None:
    given = ("experiment=verification", f"experiment.folder={tmp_path / 'out'}", "experiment.predictors=[ridge]")
    done = cli(*given, "experiment.repeats=2", "experiment.budgets=[60]", "experiment.top=8", "experiment.rounds=2")
    assert done.code == EXIT_OK, done.err
    found = rows(tmp_path / "out", "verification")
    assert [row["way"] for row in found] == [w for w in ("random", "believed", "verify_top", "rounds") for _ in "12"]
    assert all(float(row["regret"]) >= 0 and float(row["regret_seen"]) >= 0 for row in found)
    page = (tmp_path / "out" / "verification.md").read_text(encoding="utf-8")
    assert "## 60 measurements" in page
    unknown = cli(*given, "experiment.ways=[rounds_uci]")
    assert unknown.code == EXIT_INVALID
    assert "Unknown way of measuring 'rounds_uci'" in unknown.text
    refused = cli(*given, "experiment.budgets=[20]")
    assert refused.code == EXIT_INVALID
    assert "experiment.budgets has 20; give 58" in refused.text


@dataclass(frozen=True)
class MostFaces:
    """Instead of composing photos and finding faces: all faces but the first three are found, last ones first."""

    photos: Photos
    detector: object
    seed: int

    found = 0.9

    @property
    def rows(self) -> np.ndarray:
        return self.photos.indices[:2:-1]

    @property
    def labels(self) -> np.ndarray:
        return self.photos.labels[:2:-1]


def test_crops_beside_descriptors_of_another_network(
    cli: Command, make_table: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one more network, on the same faces; another file of that name is measured anew."""
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setattr("nasface.experiments.paper_crops.FAR", 0.1)  # few people carry no less
    monkeypatch.setattr("nasface.experiments.paper_crops.ComposedFaces", MostFaces)
    report = load_data({"name": "procedural", "people": 48, "photos": 3}).require("report")
    options = ("experiment=paper_crops", "data=procedural", "data.people=48", "data.photos=3", "experiment.networks=[]")
    options += (
        "experiment.photos_a_person=2",
        "experiment.resamples=20",
        f"experiment.folder={tmp_path / 'out'}",
        f"accuracy.table={make_table()}",
    )
    command = (*options, f"experiment.descriptors={tmp_path / 'teacher.npz'}")
    names, people = np.array(report.names), np.eye(report.labels.max() + 1, dtype=np.float32)[report.labels]
    for known in (people, np.random.default_rng(0).normal(size=(len(names), 4)).astype(np.float32)):
        np.savez(tmp_path / "teacher.npz", descriptors=known, names=names)
        done = cli(*command)
        assert done.code == EXIT_OK, done.err
    exact, guessed = rows(tmp_path / "out", "paper_crops")
    assert exact["network"] != guessed["network"]
    assert (exact["way"], float(exact["auc"]), float(exact["rank1"]), float(exact["dir"])) == ("original", 1, 1, 1)
    assert float(guessed["auc"]) < 0.8
    assert exact["faces"] == guessed["faces"] == str(2 * len(report.people) - 3)
    assert f"## {guessed['network']}" in (tmp_path / "out" / "paper_crops.md").read_text(encoding="utf-8")
