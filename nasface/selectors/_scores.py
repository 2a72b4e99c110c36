"""What selectors share: the check of k, and selection by scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput

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
