"""Means over repetitions and how sure they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class MeanInterval(NamedTuple):
    """A mean, and half the width of its 95 % interval."""

    mean: float
    half_width: float


def mean_interval(values: npt.ArrayLike) -> MeanInterval:
    """Mean, and half the width of its 95 % interval; NaN for the latter with fewer than two values."""
    given = np.asarray(values, np.float64)
    if len(given) < 2:
        return MeanInterval(float(given.mean()), float("nan"))
    return MeanInterval(float(given.mean()), half_width(float(given.std(ddof=1)), len(given)))


def half_width(deviation: float, n: int) -> float:
    """Half the width of the 95 % interval of a mean of n >= 2 values with this standard deviation, by Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, 0.975) * deviation / np.sqrt(n))
