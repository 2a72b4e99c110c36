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


def student_interval(
    value: float,
    resampled: Values,
    n: float,
    level: float = 0.95,
    *,
    share: bool = True,
    without: Values | None = None,
) -> Interval:
    """Student's interval of a statistic from a bootstrap over n things; percentiles of few things are too short.

    The deviation of the resamples is taken times sqrt(n / (n - 1)), because they vary about these n things and not
    about where they come from, and times the quantile of t with n - 1 degrees of freedom, or fewer where a few things
    decide the value: their deviation is known less well (`degrees_of_freedom`). Of a share all of it is done with
    logits: near 0 and 1 the interval is skewed, and it never leaves them.

    Args:
        value: Of the whole set.
        resampled: float64[resamples], at least two.
        n: Things that are drawn from; where they weigh unequally, how many equal ones they count for. Less than two
            count as two.
        level: Coverage aimed at.
        share: Whether the statistic lies between 0 and 1. One of 0, 1 or beyond has no logit and gets percentiles.
        without: float64[parts], the statistic of the set without each of its things, or groups of things.
    """
    from scipy.special import expit, logit, stdtrit

    n = max(n, 2.0)

    def scaled(values: Values) -> Values:
        """As logits, of a share."""
        within = np.clip(values, value * _NEAREST, 1.0 - (1.0 - value) * _NEAREST)
        return np.asarray(logit(within)) if share else values

    std = float(resampled.std(ddof=1))
    if share and not 0.0 < value < 1.0:
        ends = np.quantile(resampled, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    else:
        degrees = n - 1.0 if without is None else min(degrees_of_freedom(scaled(without)), n - 1.0)
        reach = float(stdtrit(degrees, (1.0 + level) / 2.0)) * np.sqrt(n / (n - 1.0)) * np.array([-1.0, 1.0])
        ends = reach * scaled(resampled).std(ddof=1)
        ends = expit(logit(value) + ends) if share else value + ends
    return Interval(value, min(value, float(ends[0])), max(value, float(ends[1])), std, level, len(resampled))


def degrees_of_freedom(without: Values) -> float:
    """How well the deviation of a statistic is known, as degrees of freedom of t (after Satterthwaite 1946).

    A variance estimated from n independent parts varies relatively by (kurtosis - 1) / n, and by 2 / degrees where the
    parts are normal: so there are 2 n / (kurtosis - 1) degrees of freedom, and few where a few parts decide it.

    Args:
        without: float64[n], the statistic without each of the parts.

    Returns:
        At least `LEAST_DEGREES`: the kurtosis of a few parts is not known well itself.
    """
    squares = np.square(without - without.mean())
    spread = float(np.square(squares).mean() - np.square(squares.mean()))  # (kurtosis - 1) times the squared variance
    if spread <= 0.0:
        return float("inf")
    return max(2.0 * len(without) * float(np.square(squares.mean())) / spread, LEAST_DEGREES)


LEAST_DEGREES: Final = 4.0
"""Fewer would make intervals of a good network on forty people wider, and no more of them would hold."""

_NEAREST: Final = 0.1
"""A resampled share counts as no nearer to 0 or 1, which have no logit, than a tenth of the way that is left."""


def bootstrap(
    n: int, statistic: Callable[[Rows], float], times: int, rng: np.random.Generator, level: float = 0.95
) -> Interval:
    """Percentile interval of one statistic of n things, given by their rows."""
    drawn = np.array([[statistic(rows)] for rows in resamples(n, times, rng)])
    return percentile_intervals({"": statistic(np.arange(n))}, drawn, level)[""]
