"""Grades, queries and refusals of the ranker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import kendall_tau
from nasface.predictors import LightGBMRanker, LightGBMRankerConfig
from nasface.predictors.lightgbm_ranker import grades, query_sizes
from nasface.testing.synthetic import accuracies, face_space, truth


def test_grades_are_of_equal_size_and_keep_ties_together() -> None:
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(60.0), 2))
    found = grades(y, 10)
    assert np.bincount(found).tolist() == [12] * 10
    assert kendall_tau(y, found) > 0.9
    assert len({(value, grade) for value, grade in zip(y, found, strict=True)}) == 60
    assert grades(np.array([0.5, 0.5, 0.9]), 32).tolist() == [0, 0, 1]


@pytest.mark.parametrize("n", [2, 1024, 1025, 5000])
def test_queries_are_small_and_complete(n: int) -> None:
    sizes = query_sizes(n)
    assert sum(sizes) == n
    assert max(sizes) <= 1024
    assert max(sizes) - min(sizes) <= 1


def test_tables_of_several_queries_are_ranked() -> None:
    space, rng = face_space(), np.random.default_rng(0)
    table, others = space.sample(rng, 1500), space.sample(rng, 100)
    ranker = LightGBMRanker(LightGBMRankerConfig(trees=100))
    ranker.fit(space.encode(table), accuracies(space, table, rng), space.groups(), rng)
    assert kendall_tau(truth(space.encode(others)), ranker.score(space.encode(others))) > 0.6


@pytest.mark.parametrize(("settings", "y"), [({"levels": 1}, np.arange(6.0)), ({}, np.ones(6))])
def test_refused(settings: dict[str, Any], y: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="predictor.levels is 1" if settings else "All 6 accuracies are equal"):
        LightGBMRanker(LightGBMRankerConfig(**settings)).fit(np.eye(6), y, [list(range(6))], np.random.default_rng(0))
