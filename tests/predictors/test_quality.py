from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.accuracy.candidates import Plan, candidates
from nasface.costs import Macs
from nasface.errors import InvalidInput
from nasface.predictors import LightGBMNAC, LightGBMNACConfig, quality
from nasface.predictors._pairs import judged_pairs
from nasface.predictors.quality import PREDICTOR
from nasface.predictors.ranker import Ranker, fit_ranker
from nasface.spaces import Population, SearchSpace
from nasface.testing.synthetic import OracleComparator, OracleScorer, face_space, truth

SPACE = face_space()
TABLE = SPACE.sample(np.random.default_rng(0), 60)
TARGETS = truth(SPACE.encode(TABLE))
NEAR = np.arange(60) < 20


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASFACE_CACHE", str(tmp_path))


@pytest.mark.parametrize("oracle", [OracleComparator, OracleScorer])
def test_the_truth_scores_full_marks(oracle: type[OracleComparator]) -> None:
    floors = {"reversed": -TARGETS, "constant": np.zeros(60)}
    report = quality(SPACE, oracle, TABLE, TARGETS, floors, np.random.default_rng(1), near=NEAR)
    said = report.everywhere[PREDICTOR]
    assert said["pair_accuracy"] == 1.0
    assert said["spearman"] > 0.99
    assert said["top_k_regret"][1] < 1e-3
    assert (said["networks"], said["pairs"]) == (60, 5 * 12 * 11 // 2)
    assert report.everywhere["reversed"]["pair_accuracy"] == 0.0
    assert report.everywhere["constant"]["pair_accuracy"] == 0.5
    assert report.near_budget is not None
    assert report.near_budget[PREDICTOR]["networks"] == 20
    if oracle is OracleScorer:
        assert said["rmse"] == pytest.approx(0.0, abs=1e-12)
        assert said["bias"] == pytest.approx(0.0, abs=1e-12)
    else:
        assert said["rmse"] is None
    json.dumps(report.to_dict(), allow_nan=False)


def test_every_network_is_judged_by_a_predictor_that_has_not_seen_it() -> None:
    class Nosy(OracleScorer):
        def fit(self, x: np.ndarray, y: np.ndarray, groups: Any, rng: Any) -> Nosy:
            self.seen = {row.tobytes() for row in x}
            return self

        def score(self, x: np.ndarray) -> np.ndarray:
            assert not self.seen & {row.tobytes() for row in x}
            assert len(self.seen) == 48
            return super().score(x)

    quality(SPACE, Nosy, TABLE, TARGETS, {}, np.random.default_rng(1))


@pytest.mark.parametrize(("family", "folds", "kept"), [(4, 5, True), (10, 2, True), (20, 5, False)])
def test_nor_relatives_of_it(monkeypatch: pytest.MonkeyPatch, family: int, folds: int, kept: bool) -> None:
    table, _ = candidates(SPACE, 40, 0, Plan(family=family))
    learned: list[set[bytes]] = []

    def fit(space: SearchSpace, predictor: Any, seen: Population, *rest: Any) -> Ranker:
        learned.append({row.tobytes() for row in seen})
        return fit_ranker(space, predictor, seen, *rest)

    monkeypatch.setattr(import_module("nasface.predictors.intervals"), "fit_ranker", fit)
    report = quality(SPACE, OracleScorer, table, truth(SPACE.encode(table)), {}, np.random.default_rng(1))
    assert report.folds == len(learned) == folds
    split = [
        0 < sum(row.tobytes() in seen for row in table[start : start + family]) < family
        for seen in learned
        for start in range(0, 40, family)
    ]
    assert any(split) is not kept


def test_comparator_and_floors() -> None:
    report = quality(
        SPACE,
        lambda: LightGBMNAC(LightGBMNACConfig(n_pairs=500, trees=10)),
        TABLE,
        TARGETS,
        {"macs_only": Macs(SPACE).predict(TABLE)},
        np.random.default_rng(1),
        near=np.eye(1, 60, dtype=bool)[0],
    )
    assert report.near_budget is None
    assert report.antisymmetry is not None
    assert 0 < report.antisymmetry < 1
    assert report.everywhere[PREDICTOR]["pair_accuracy"] > 0.6
    assert set(report.everywhere) == {PREDICTOR, "macs_only"}


@pytest.mark.parametrize("folds", [0, 1, 31])
def test_folds_are_checked(folds: int) -> None:
    with pytest.raises(InvalidInput, match="2 to 30"):
        quality(SPACE, OracleScorer, TABLE, TARGETS, {}, np.random.default_rng(1), folds=folds)


def test_the_pairs_of_a_large_table_are_a_bounded_sample_of_distinct_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasface.predictors._pairs.MOST_JUDGED", 40)
    whole = quality(SPACE, OracleComparator, TABLE[:40], TARGETS[:40], {}, np.random.default_rng(1))
    assert (whole.sampled, whole.everywhere[PREDICTOR]["pairs"]) == (False, 5 * 8 * 7 // 2)
    report = quality(SPACE, OracleComparator, TABLE, TARGETS, {"reversed": -TARGETS}, np.random.default_rng(1))
    assert (report.sampled, report.confidence.pairs) == (True, 5 * 40)
    assert report.everywhere[PREDICTOR]["pairs"] == report.everywhere["reversed"]["pairs"] == 5 * 40
    assert report.everywhere[PREDICTOR]["pair_accuracy"] == 1.0
    assert report.everywhere["reversed"]["pair_accuracy"] == 0.0
    first, second = judged_pairs(200, np.random.default_rng(0))
    assert len(set(zip(first, second, strict=True))) == 40
    assert (first != second).all()
    assert max(first.max(), second.max()) < 200
