"""Drawing again from what was measured: folds for cross-fitting, bootstrap resamples and their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its percentile interval.

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


def bootstrap(
    n: int, statistic: Callable[[Rows], float], times: int, rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """Percentile interval of one statistic of n things, given by their rows."""
    drawn = np.array([[statistic(rows)] for rows in resamples(n, times, rng)])
    return percentile_intervals({"": statistic(np.arange(n))}, drawn, level)[""]
