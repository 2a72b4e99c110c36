"""What selectors share: the check of k, selection by scores, and a round robin."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.predictors import Contest

Indices = npt.NDArray[np.intp]


def check_k(k: int, n: int) -> None:
    """Raise `InvalidInput` unless 1 <= k <= n."""
    if not 1 <= k <= n:
        raise InvalidInput(f"The best {k} of {n} networks cannot be selected; ask for 1 to {n}.")


def best_scores(scores: npt.NDArray[np.float64], k: int) -> Indices:
    """Indices of the k highest scores in ascending order, ties to the lower index; one partition."""
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    above, equal = np.flatnonzero(scores > threshold), np.flatnonzero(scores == threshold)
    return np.sort(np.concatenate([above, equal[: k - len(above)]]))


def order_by_scores(scores: npt.NDArray[np.float64], k: int) -> Indices:
    """Indices of the k highest scores, best first, ties to the lower index."""
    return np.argsort(-scores, kind="stable")[:k]


def most_wins(contest: Contest, rows: Indices, k: int) -> Indices:
    """Positions within `rows`, which ascend, of the k that win most often when all meet once; one batch.

    A tied comparison is won by the lower index, and so is a tie of wins.
    """
    first, second = _meetings(len(rows))
    won = contest.compare(rows[first], rows[second]) >= 0.5
    wins = np.bincount(np.where(won, first, second), minlength=len(rows))
    return np.argsort(-wins, kind="stable")[:k]


@cache
def _meetings(n: int) -> tuple[Indices, Indices]:
    first, second = np.triu_indices(n, 1)
    return first, second
