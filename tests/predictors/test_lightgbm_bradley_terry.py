"""Gradients over pairs: whole or in blocks the same, and bounded in number whatever the table."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.predictors import lightgbm_bradley_terry
from nasface.predictors.lightgbm_bradley_terry import pair_objective

Y = np.random.default_rng(0).normal(size=50)
SCORES = np.random.default_rng(1).normal(size=50)


def gradients() -> tuple[np.ndarray, np.ndarray]:
    return pair_objective(Y, 0.4, np.random.default_rng(2))(SCORES, None)


def test_blocks_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = gradients()
    monkeypatch.setattr(lightgbm_bradley_terry, "_BLOCK", 7)
    np.testing.assert_array_equal(gradients(), whole)


def test_networks_of_a_large_table_meet_fewer_opponents(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[int] = []

    def count(differences: np.ndarray, error: float) -> np.ndarray:
        met.append(differences.shape[1])
        return np.full(differences.shape, 0.5)

    monkeypatch.setattr(lightgbm_bradley_terry, "order_probability", count)
    for most in (10_000, 1000, 100):
        monkeypatch.setattr(lightgbm_bradley_terry, "_PAIRS", most)
        gradients()
    assert met == [50, 20, 8], "all of a small one, then as many as the bound on pairs allows, but some"
