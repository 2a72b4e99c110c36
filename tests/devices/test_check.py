"""Figures of a check and the margins that follow."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.devices.check import LatencyCheck
from nasface.devices.margins import margin
from nasface.errors import InvalidInput


def test_figures_of_known_errors() -> None:
    measured = np.linspace(5, 20, 60)
    predicted = measured * np.where(np.arange(60) % 2, 1.1, 0.9)
    check = LatencyCheck.of(predicted, measured, np.random.default_rng(0))
    values = {name: interval.value for name, interval in check.figures.items()}
    assert values["mape"] == pytest.approx(0.1)
    assert values["worst"] == pytest.approx(0.1)
    assert values["bias"] == pytest.approx(0.0, abs=1e-12)
    assert values["kendall_tau"] > 0.8
    assert values["factor"] == pytest.approx(1 / np.sqrt(0.99))
    for interval in check.figures.values():
        assert interval.low <= interval.value + 1e-12
        assert interval.value <= interval.high + 1e-12
    assert check.errors[0] == pytest.approx(1 / 1.1 - 1)
    assert check.errors[-1] == pytest.approx(1 / 0.9 - 1)


def test_a_factor_and_a_bias_by_size_are_seen() -> None:
    measured = np.linspace(5, 20, 30)
    check = LatencyCheck.of(measured / 2, measured, np.random.default_rng(0))
    assert check.figures["factor"].value == pytest.approx(2)
    assert check.figures["mape"].value == pytest.approx(0.5)
    assert check.figures["mape_scaled"].value == pytest.approx(0, abs=1e-12)
    shifted = LatencyCheck.of(measured + 1, measured, np.random.default_rng(0)).figures
    assert shifted["bias_small"].low > shifted["bias_large"].high > 0


@pytest.mark.parametrize(
    ("predicted", "measured", "sentence"),
    [
        (np.ones(4), np.ones(4), "needs 5 networks at least; there are 4"),
        (np.ones(6), np.zeros(6), "positive times"),
        (np.full(6, np.nan), np.ones(6), "positive times"),
    ],
)
def test_what_cannot_be_checked(predicted: np.ndarray, measured: np.ndarray, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        LatencyCheck.of(predicted, measured, np.random.default_rng(0))


def test_the_margin_is_the_conformal_quantile() -> None:
    errors = [i / 100 for i in range(1, 20)]
    assert margin(errors, 0.95, "") == pytest.approx(0.19)
    assert margin(errors, 0.9, "") == pytest.approx(0.18)
    assert margin(errors[::-1], 0.5, "") == pytest.approx(0.10)
    assert margin([-0.3] * 40, 0.95, "") == 0.0
    with pytest.raises(InvalidInput, match=r"0.95 needs 19 networks whose time is known; there are 18: check 19\."):
        margin(errors[:18], 0.95, "check {fewest}")
    for confidence in (0.0, 0.49, 1.0, float("nan")):
        with pytest.raises(InvalidInput, match=r"give 0.5 or more and less than 1"):
            margin(errors, confidence, "")


@pytest.mark.parametrize("n", [19, 60])
def test_the_margin_keeps_its_promise(n: int, rng: np.random.Generator) -> None:
    """Over many checks, a further network exceeds the margin in at most 5 % of the cases."""
    errors = 0.05 * rng.standard_t(3, (4000, n + 1))
    exceeded = [row[-1] > margin(row[:-1].tolist(), 0.95, "") for row in errors]
    assert np.mean(exceeded) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
