"""Splits nest and never overlap; metrics of an oracle are perfect; a rotating comparator is caught in cycles."""

from __future__ import annotations

import numpy as np

from nasface.predictors.trial import judge_floor, judge_predictor, split
from nasface.testing.synthetic import OracleComparator, OracleScorer, Rotating, face_space, truth

SPACE = face_space()
TABLE = SPACE.sample(np.random.default_rng(0), 60)
TARGETS = truth(SPACE.encode(TABLE))
REGIONS = {"all": np.arange(60) >= 30, "few": np.arange(60) >= 57}


def test_splits_nest_and_do_not_overlap() -> None:
    small, judged = split(np.arange(100), 20, 0.3, np.random.default_rng(1))
    large, same = split(np.arange(100), 50, 0.3, np.random.default_rng(1))
    assert judged.sum() == 30
    np.testing.assert_array_equal(judged, same)
    np.testing.assert_array_equal(large[:20], small)
    assert not judged[large].any()


def test_families_are_not_split() -> None:
    families = np.arange(100) // 4
    learn, judged = split(families, 100, 0.3, np.random.default_rng(1))
    assert judged.sum() == 28, "as many whole families as fit"
    assert len(learn) == 72
    assert not set(families[judged]) & set(families[learn])
    assert (np.diff(families[learn]) != 0).mean() > 0.8, "learned from in any order"


def test_an_oracle_is_perfect_and_small_regions_are_left_out() -> None:
    for oracle in (OracleComparator, OracleScorer):
        rng = np.random.default_rng(0)
        found = judge_predictor(SPACE, oracle, TABLE, TARGETS, np.arange(30), REGIONS, rng)
        assert set(found) == {"all"}
        assert found["all"]["pair_accuracy"] == 1
        assert found["all"]["cycles"] == 0
        assert found["all"]["ndcg"] > 0.99
    assert judge_floor(-TARGETS, TARGETS, REGIONS)["all"]["kendall_tau"] == -1


def test_cycles_are_found() -> None:
    found = judge_predictor(SPACE, Rotating, TABLE, TARGETS, np.arange(30), REGIONS, np.random.default_rng(0))
    assert 0.1 < found["all"]["cycles"] < 0.5
