"""Ranking metrics against definitions written out, and against values computed by hand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasface import metrics
from nasface.errors import InvalidInput

TIED = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=25)


@given(TIED)
def test_pair_metrics_equal_brute_force(rows: list[tuple[int, int]]) -> None:
    signs = [(np.sign(a[0] - b[0]), np.sign(a[1] - b[1])) for a, b in itertools.combinations(rows, 2)]
    y, s = np.array(rows, float).T
    untied_y, untied_s = sum(u != 0 for u, _ in signs), sum(v != 0 for _, v in signs)
    expected_tau = sum(u * v for u, v in signs) / np.sqrt(untied_y * untied_s) if untied_y * untied_s else 0.0
    assert metrics.kendall_tau(y, s) == pytest.approx(expected_tau)
    points = [0.5 + 0.5 * u * v for u, v in signs if u]
    assert metrics.pair_accuracy(y, s) == pytest.approx(np.mean(points) if points else 0.5)


@given(TIED)
def test_ranges_and_symmetry(rows: list[tuple[int, int]]) -> None:
    y, s = np.array(rows, float).T
    assert -1.0001 <= metrics.spearman(y, s) <= 1.0001
    assert metrics.spearman(y, s) == pytest.approx(metrics.spearman(s, y))
    assert metrics.kendall_tau(y, -s) == pytest.approx(-metrics.kendall_tau(y, s))
    assert 0 <= metrics.ndcg(y, s) <= 1.0001
    assert metrics.top_k_regret(y, s, len(y)) == 0


def test_perfect_and_reversed_order() -> None:
    y = np.array([0.91, 0.95, 0.93, 0.97])
    perfect, reverse = metrics.ranking_quality(y, 10 * y, ks=(1, 2)), metrics.ranking_quality(y, -y, ks=(1, 2, 9))
    assert perfect == metrics.RankingQuality(1.0, 1.0, pytest.approx(1.0), 1.0, {1: 0.0, 2: 0.0}, 4)
    assert (reverse.pair_accuracy, reverse.kendall_tau, reverse.spearman) == pytest.approx((0, -1, -1))
    assert reverse.top_k_regret == pytest.approx({1: 0.06, 2: 0.04})
    assert reverse.rmse is None


def test_values_by_hand() -> None:
    """Gains 1, 0.5, 0 in the order 0.5, 1, 0: (0.5 + 1 / log2 3) / (1 + 0.5 / log2 3); Spearman 1 - 6 * 2 / 24."""
    y, s = [3.0, 2.0, 1.0], [5.0, 6.0, 4.0]
    assert metrics.ndcg(y, s) == pytest.approx((0.5 + 1 / np.log2(3)) / (1 + 0.5 / np.log2(3)))
    assert metrics.spearman(y, s) == pytest.approx(0.5)
    assert metrics.kendall_tau(y, s) == pytest.approx(1 / 3)
    assert metrics.top_k_regret(y, s, 1) == 1.0
    assert (metrics.rmse(y, s), metrics.bias(y, s)) == pytest.approx((np.sqrt((4 + 16 + 9) / 3), 3.0))
    assert metrics.ranking_quality(y, s, calibrated=True).bias == pytest.approx(3.0)


def test_a_constant_predictor_gains_nothing() -> None:
    y, s = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    quality = metrics.ranking_quality(y, s, ks=(1,))
    assert (quality.pair_accuracy, quality.kendall_tau, quality.spearman) == (0.5, 0, 0)
    assert quality.top_k_regret == {1: 2.0}
    assert metrics.ndcg(y, s) == pytest.approx(metrics.ndcg(y[::-1], s))
    assert metrics.ndcg(s, y) == 1.0


def test_comparison_accuracy() -> None:
    first, second = [1.0, 2.0, 3.0, 4.0], [2.0, 1.0, 3.0, 5.0]
    assert metrics.comparison_accuracy(first, second, [0.1, 0.2, 0.9, 0.5]) == pytest.approx((1 + 0 + 0.5) / 3)
    assert metrics.comparison_accuracy(first, first, [0.1] * 4) == 0.5


@pytest.mark.parametrize(
    ("y", "s", "message"),
    [([1.0], [1.0], "two or more"), ([1.0, 2.0], [1.0], "shapes"), ([1.0, np.nan], [1.0, 2.0], "finite")],
)
def test_bad_input_is_refused(y: Any, s: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        metrics.ranking_quality(y, s)


@pytest.mark.parametrize("k", [0, 4])
def test_short_list_must_fit(k: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 3"):
        metrics.top_k_regret([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], k)


@pytest.mark.parametrize("values", [2, 30, 10**9])
def test_correlations_are_scipys(values: int) -> None:
    """scipy.stats takes longer to be imported than a search takes, so the package has its own, held to it here."""
    stats, rng = pytest.importorskip("scipy.stats"), np.random.default_rng(0)
    y = rng.integers(0, values, 700).astype(float)
    s = y + rng.integers(0, values, 700)
    assert metrics.kendall_tau(y, s) == pytest.approx(stats.kendalltau(y, s).statistic, abs=1e-12)
    assert metrics.spearman(y, s) == pytest.approx(stats.spearmanr(y, s).statistic, abs=1e-12)
