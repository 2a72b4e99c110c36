"""Drawing again from what was measured: folds for cross-fitting, bootstrap resamples and their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval.

    Attributes:
        value: The statistic of the whole set.
        low: Lower end of the interval.
        high: Upper end.
        std: Standard deviation over resamples (ddof 1).
        level: Coverage aimed at, e.g. 0.95.
        resamples: Number of resamples used.
    """

    value: float
    low: float
    high: float
    std: float
    level: float
    resamples: int


def deal(n: int, folds: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Fold of each of n things, int64[n] in 0..folds-1: at random, as many in each to within one."""
    return np.asarray(rng.permutation(n) % folds, np.int64)


def held_out(n: int, folds: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.bool_]]:
    """Of every fold the mask bool[n] of what is left out; each thing is left out once, in at most n folds."""
    folds = min(folds, n)
    dealt = deal(n, folds, rng)
    yield from (dealt == fold for fold in range(folds))


def resamples(n: int, times: int, rng: np.random.Generator) -> Rows:
    """Rows of a bootstrap, int64[times, n]: n of n with replacement."""
    return rng.integers(n, size=(times, n))


def percentile_intervals(
    whole: Mapping[str, float], resampled: npt.NDArray[np.float64], level: float = 0.95
) -> dict[str, Interval]:
    """Percentile intervals of statistics.

    Args:
        whole: By name, of the whole set.
        resampled: float64[resamples, statistics], in the same order.
        level: Coverage aimed at.
    """
    low, high = np.quantile(resampled, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    std = resampled.std(axis=0, ddof=1)
    return {
        name: Interval(float(value), float(low[i]), float(high[i]), float(std[i]), level, len(resampled))
        for i, (name, value) in enumerate(whole.items())
    }


def student_interval(value: float, resampled: Values, n: float, level: float = 0.95, *, share: bool = True) -> Interval:
    """Student's interval of a statistic from a bootstrap over n things; percentiles of few things are too short.

    The deviation of the resamples is taken times sqrt(n / (n - 1)), because they vary about these n things and not
    about where they come from, and times the quantile of t with n - 1 degrees of freedom. Of a share all of it is done
    with logits: near 0 and 1 the interval is skewed, and it never leaves them.

    Args:
        value: Of the whole set.
        resampled: float64[resamples], at least two.
        n: Things that are drawn from; where they weigh unequally, how many equal ones they count for. Less than two
            count as two.
        level: Coverage aimed at.
        share: Whether the statistic lies between 0 and 1. One of 0, 1 or beyond has no logit and gets percentiles.
    """
    from scipy.special import expit, logit, stdtrit

    n = max(n, 2.0)
    reach = float(stdtrit(n - 1.0, (1.0 + level) / 2.0)) * np.sqrt(n / (n - 1.0)) * np.array([-1.0, 1.0])
    std = float(resampled.std(ddof=1))
    if not share:
        ends = value + reach * std
    elif 0.0 < value < 1.0:
        within = np.clip(resampled, value * _NEAREST, 1.0 - (1.0 - value) * _NEAREST)
        ends = expit(logit(value) + reach * logit(within).std(ddof=1))
    else:
        ends = np.quantile(resampled, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(value, min(value, float(ends[0])), max(value, float(ends[1])), std, level, len(resampled))


_NEAREST: Final = 0.1
"""A resampled share counts as no nearer to 0 or 1, which have no logit, than a tenth of the way that is left."""


def bootstrap(
    n: int, statistic: Callable[[Rows], float], times: int, rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """Percentile interval of one statistic of n things, given by their rows."""
    drawn = np.array([[statistic(rows)] for rows in resamples(n, times, rng)])
    return percentile_intervals({"": statistic(np.arange(n))}, drawn, level)[""]
