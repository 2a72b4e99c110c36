"""Verification on listed pairs: the two worked examples of the facts, and the rules around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import evaluate_pairs, squared_distances

Pairs = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.int64]]


@pytest.fixture
def example_a() -> Pairs:
    """20 pairs in 10 folds of one genuine and one impostor pair."""
    same = [0.305, 0.505, 0.205, 0.705, 0.405, 0.605, 1.105, 0.355, 0.555, 0.455]
    different = [1.505, 1.205, 1.805, 1.005, 1.405, 1.605, 0.855, 1.705, 1.305, 1.905]
    distances = np.stack([same, different], axis=1).ravel()
    return distances, np.tile([True, False], 10), np.repeat(np.arange(10), 2)


@pytest.fixture(scope="module")
def example_b() -> Pairs:
    """6,000 normally distributed distances in 10 folds of 300 + 300."""
    state = np.random.RandomState(0)
    parts = [np.clip(state.normal(mean, 0.25, 300), 0, 3.9) for _ in range(10) for mean in (0.8, 1.7)]
    return np.concatenate(parts), np.tile(np.repeat([True, False], 300), 10), np.repeat(np.arange(10), 600)


def test_example_a(example_a: Pairs) -> None:
    result = evaluate_pairs(*example_a, protocol=True)
    assert result.fold_accuracies == (1, 1, 1, 0.5, 1, 1, 0.5, 1, 1, 1)
    assert (result.accuracy, result.accuracy_std) == pytest.approx((0.9, 0.2))
    assert result.thresholds == pytest.approx([0.71] * 3 + [0.61] + [0.71] * 6)
    assert (result.auc, result.auc_grid, result.eer, result.eer_grid) == pytest.approx((0.98, 0.98, 0.1, 0.1))
    assert (result.genuine, result.impostors) == (10, 10)


def test_example_a_validation_rate(example_a: Pairs) -> None:
    val = evaluate_pairs(*example_a, protocol=True).val
    assert val is not None
    assert (val.target, val.mean, val.std, val.far) == pytest.approx((1e-3, 0.9, 0.3, 0.1))
    assert val.thresholds == pytest.approx([0.855009] * 6 + [1.004009] + [0.855009] * 3, abs=1e-6)


def test_example_b(example_b: Pairs) -> None:
    assert example_b[0][:3] == pytest.approx([1.24101309, 0.9000393, 1.0446845])
    result = evaluate_pairs(*example_b, protocol=True)
    folds = [0.94, 0.975, 0.9716667, 0.9733333, 0.9683333, 0.9583333, 0.96, 0.9733333, 0.9633333, 0.9516667]
    assert result.fold_accuracies == pytest.approx(folds, abs=1e-7)
    assert (result.accuracy, result.accuracy_std) == pytest.approx((0.9635, 0.0107095), abs=1e-7)
    assert (result.auc_grid, result.auc) == pytest.approx((0.9950476, 0.9950614), abs=1e-7)
    assert (result.eer_grid, result.eer) == pytest.approx((0.0360, 0.0353333), abs=5e-6)


def test_example_b_validation_rate(example_b: Pairs) -> None:
    val = evaluate_pairs(*example_b, protocol=True).val
    assert val is not None
    assert (val.mean, val.std, val.far) == pytest.approx((0.7930, 0.0201357, 0.00133333), abs=1e-7)
    assert val.thresholds == pytest.approx([1.02035, 0.9917, 0.9917, 1.0157, 0.9917, 1.0157] + [0.9917] * 4, abs=1e-4)


def test_order_of_pairs_does_not_matter(example_b: Pairs, rng: np.random.Generator) -> None:
    order = rng.permutation(6000)
    shuffled = evaluate_pairs(*(part[order] for part in example_b), protocol=True)
    assert shuffled == evaluate_pairs(*example_b, protocol=True)


def test_a_rate_the_impostors_cannot_support_is_refused(example_b: Pairs) -> None:
    with pytest.raises(InvalidInput, match=r"at least 10,000 impostor pairs and there are 3,000: ask for 0\.0033"):
        evaluate_pairs(*example_b)
    assert evaluate_pairs(*example_b, far=10 / 3000).val is not None
    assert evaluate_pairs(*example_b, far=None).val is None


def test_threshold_zero_when_training_folds_have_no_such_rate() -> None:
    """Impostor distances beyond the grid are never accepted, so no threshold reaches the target."""
    distances, same = np.tile([0.5, 5.0], 4), np.tile([True, False], 4)
    result = evaluate_pairs(distances, same, np.repeat([0, 1], 4), protocol=True)
    assert result.val is not None
    assert result.val.thresholds == (0.0, 0.0)
    assert (result.val.mean, result.accuracy, result.eer_grid) == (0.0, 1.0, 0.0)


def test_folds_may_carry_any_numbers(example_a: Pairs) -> None:
    distances, same, folds = example_a
    assert evaluate_pairs(distances, same, folds * 7 + 3, protocol=True) == evaluate_pairs(*example_a, protocol=True)


@pytest.mark.parametrize(
    ("distances", "same", "folds", "message"),
    [
        ([0.1, 0.2], [True], [0, 1], "one entry per pair"),
        ([0.1, np.nan], [True, False], [0, 1], "finite"),
        ([0.1, 0.2], [True, False], [0, 0], "at least two folds"),
        ([0.1, 0.2, 0.3, 0.4], [True, False, True, True], [0, 0, 1, 1], "at least two folds"),
        ([], [], [], "at least two folds"),
    ],
)
def test_bad_pairs_are_refused(distances: Any, same: Any, folds: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        evaluate_pairs(distances, same, folds, far=None)


def test_squared_distances_of_scaled_rows() -> None:
    rows = np.array([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])
    assert squared_distances(rows, np.array([0, 0, 0]), np.array([0, 1, 2])) == pytest.approx([0, 2, 4])
