from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.predictors._isotonic import fit_isotonic


def test_worked_example() -> None:
    # The middle pair violates the order and is pooled; the two at x = 4 tie.
    fitted = fit_isotonic([1, 2, 3, 4, 4], [1.0, 3.0, 2.0, 5.0, 4.0])
    np.testing.assert_allclose(fitted([1, 2.5, 4]), [1.0, 2.5, 4.5])
    np.testing.assert_allclose(fitted([-10, 10]), [1.0, 4.5])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(-50, 50)), min_size=1, max_size=40))
def test_rises_and_keeps_the_mean(points: list[tuple[int, int]]) -> None:
    x, y = np.array(points, float).T
    fitted = fit_isotonic(x, y)
    assert (np.diff(fitted.x) > 0).all()
    assert (np.diff(fitted.y) > 0).all()
    assert y.min() - 1e-9 <= fitted.y.min() <= fitted.y.max() <= y.max() + 1e-9
    order = np.argsort(x)
    assert (np.diff(fitted(x[order])) >= -1e-12).all()


def test_ordered_points_are_kept() -> None:
    x = np.arange(10.0)
    np.testing.assert_allclose(fit_isotonic(x, x**2)(x), x**2)
