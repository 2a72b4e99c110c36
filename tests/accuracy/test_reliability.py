"""Reliability against a simulation whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nasface.accuracy.reliability import (
    best_to_learn,
    material_for,
    reliabilities,
    spearman_brown,
    tau_ceiling,
    validities,
)
from nasface.accuracy.table import AccuracyTable
from nasface.errors import TableError
from nasface.metrics import kendall_tau

N = 4000


def simulated(noise: dict[str, float], n: int = N, common: float = 1.0) -> tuple[AccuracyTable, np.ndarray]:
    """True values of unit variance; every half adds noise of its own, the whole is the mean of the halves."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=n)
    metrics = {}
    for name, sd in noise.items():
        own = common * true + math.sqrt(1 - common**2) * rng.normal(size=n)
        for split in ("half", "photos"):
            halves = own + sd * rng.normal(size=(2, n))
            metrics |= {f"{name}_{split}1": halves[0], f"{name}_{split}2": halves[1]}
            metrics.setdefault(name, halves.mean(axis=0))
    notes = dict.fromkeys(("seed", "calibration", "origin"), ("",) * n)
    shared = {"space": "s", "resolution": "112", "supernet": "a", "data": "d"}
    return AccuracyTable(np.arange(4 * n, dtype=np.int8).reshape(n, 4), metrics, shared, notes), true


def test_reliability_and_ceiling_are_those_of_the_simulation() -> None:
    table, true = simulated({"auc": 1.0})
    people = reliabilities(table)[0]
    assert (people.metric, people.split, people.region, people.subnets) == ("auc", "people", "whole table", N)
    assert people.reliability == pytest.approx(1 / 1.5, abs=0.03)  # noise of the mean of two halves: variance 1/2
    assert people.low < 1 / 1.5 < people.high
    assert people.noise == pytest.approx(math.sqrt(0.5), abs=0.03)
    assert people.ceiling == pytest.approx(kendall_tau(true, table.target("auc")), abs=0.02)
    assert people.tau_halves == pytest.approx(2 / math.pi * math.asin(0.5), abs=0.03)


def test_a_region_of_little_variance_is_less_reliable() -> None:
    table, true = simulated({"auc": 0.5})
    found = reliabilities(table, [("near", np.abs(true) < 0.2), ("few", np.arange(N) < 5)])
    whole, near = (entry for entry in found if entry.split == "people")
    assert near.region == "near"
    assert near.ceiling < 0.6 < whole.ceiling
    assert near.noise == pytest.approx(whole.noise, rel=0.15)


def test_a_noisy_metric_is_better_learned_from_a_steady_one() -> None:
    table, _ = simulated({"auc": 0.3, "tar_at_far_1e-3": 3.0}, common=0.95)
    best = {entry.wanted: entry for entry in best_to_learn(validities(table))}
    assert best["auc"].learned == "auc"
    assert best["tar_at_far_1e-3"].learned == "auc"
    assert best["tar_at_far_1e-3"].true_correlation == pytest.approx(0.95**2, abs=0.08)


def test_spearman_brown() -> None:
    assert spearman_brown(0.5) == pytest.approx(2 / 3)
    assert spearman_brown(0.5, 4) == pytest.approx(0.8)
    assert material_for(0.8, 0.5) == pytest.approx(4)
    assert (spearman_brown(-0.2), material_for(0.8, 0.0)) == (0.0, math.inf)
    assert (tau_ceiling(1.0), tau_ceiling(-0.1)) == (pytest.approx(1.0), 0.0)


def test_too_few_networks_and_no_halves() -> None:
    with pytest.raises(TableError, match="needs 20 at the very least"):
        reliabilities(simulated({"auc": 1.0}, 19)[0])
    table = simulated({"auc": 1.0}, 30)[0]
    with pytest.raises(TableError, match="has no halves"):
        reliabilities(table.only(["auc"]))
