"""Isotonic regression (scipy's) as a function of any score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Isotonic:
    """A non-decreasing function, linear between its knots and constant outside.

    Attributes:
        x: float64[k], ascending.
        y: float64[k], non-decreasing.
    """

    x: Values
    y: Values

    def __call__(self, x: npt.ArrayLike) -> Values:
        """float64[n] for float64[n]."""
        return np.asarray(np.interp(np.asarray(x, np.float64), self.x, self.y))


def fit_isotonic(x: npt.ArrayLike, y: npt.ArrayLike) -> Isotonic:
    """The non-decreasing function of least squared error; every pooled block gives one knot at its mean x.

    Args:
        x: float64[n], in any order.
        y: float64[n].
    """
    from scipy.optimize import isotonic_regression

    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    order = np.lexsort((-ys, xs))  # falling y where x ties, so that ties are pooled
    pooled = isotonic_regression(ys[order])
    first, sizes = pooled.blocks[:-1], np.diff(pooled.blocks)
    return Isotonic(np.add.reduceat(xs[order], first) / sizes, pooled.x[first])
