"""Isotonic regression by pooling adjacent violators."""

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
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    order = np.lexsort((-ys, xs))  # falling y where x ties, so that ties are pooled
    blocks: list[tuple[float, float, int]] = []  # sum of x, sum of y, size
    for xi, yi in zip(xs[order], ys[order], strict=True):
        block = (float(xi), float(yi), 1)
        while blocks and blocks[-1][1] * block[2] >= block[1] * blocks[-1][2]:  # mean of the last >= mean of this
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    sums = np.array(blocks, np.float64).reshape(-1, 3)
    return Isotonic(sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2])
