"""Intervals of means are Student's."""

from __future__ import annotations

import math

import pytest

from nasface.metrics.interval import half_width, mean_interval


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (10, 2.228), (30, 2.042), (40, 2.021), (120, 1.980)])
def test_half_width(degrees: int, quantile: float) -> None:
    n = degrees + 1
    assert half_width(3.0, n) == pytest.approx(3.0 * quantile / math.sqrt(n), rel=1e-3)


def test_one_value_has_no_interval() -> None:
    mean, half = mean_interval([5.0])
    assert mean == 5.0
    assert math.isnan(half)
