"""Means over seeds and how sure they are."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_T_QUANTILES: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""97.5 % quantiles of Student's t for 1 to 30 degrees of freedom."""


def mean_interval(values: npt.ArrayLike) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval (Student's t); NaN for the latter with fewer than two values."""
    given = np.asarray(values, np.float64)
    n = len(given)
    if n < 2:
        return float(given.mean()), float("nan")
    quantile = _T_QUANTILES[n - 2] if n - 2 < len(_T_QUANTILES) else 1.96
    return float(given.mean()), float(quantile * given.std(ddof=1) / np.sqrt(n))
