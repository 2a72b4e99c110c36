"""Pairs of networks as a classifier's training data, and comparators that are one classifier asked twice."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.predictors._base import Comparator, Targets
from nasface.spaces import Features

Indices = npt.NDArray[np.intp]


MOST_JUDGED: Final = 200_000
"""Pairs that one fitted predictor is judged by at most; all of them grow with the square of a table."""


class Pairs(NamedTuple):
    """Rows of the networks of each pair, intp[n] both."""

    first: Indices
    second: Indices


class PairData(NamedTuple):
    """A classifier's training data.

    Attributes:
        rows: float32[2 n, 2 n_features], both networks of a pair side by side, in both orders.
        better: int8[2 n], whether the first one is better.
    """

    rows: npt.NDArray[np.float32]
    better: npt.NDArray[np.int8]


def random_pairs(y: Targets, n_pairs: int, rng: np.random.Generator) -> Pairs:
    """Up to `n_pairs` distinct ordered pairs (i, j), i != j, with different accuracies.

    Raises:
        InvalidInput: There is none.
    """
    first, second = _drawn(len(y), n_pairs, rng)
    decided = y[first] != y[second]
    if not decided.any():
        raise InvalidInput(f"The {len(y)} accuracies have no pair that differs; a comparator cannot be fitted on them.")
    return Pairs(first[decided], second[decided])


def judged_pairs(n: int, rng: np.random.Generator) -> Pairs:
    """All pairs i < j of n networks, or `MOST_JUDGED` random ones where there are more."""
    if n * (n - 1) // 2 <= MOST_JUDGED:
        return Pairs(*np.triu_indices(n, 1))
    return _drawn(n, MOST_JUDGED, rng)


def _drawn(n: int, n_pairs: int, rng: np.random.Generator) -> Pairs:
    """Up to `n_pairs` distinct ordered pairs (i, j), i != j, of n."""
    codes = rng.choice(n * (n - 1), min(n_pairs, n * (n - 1)), replace=False, shuffle=False)
    first, second = np.divmod(codes, n - 1) if n > 1 else (codes, codes)
    return Pairs(first, second + (second >= first))  # skips the network itself


def pair_rows(x: Features, y: Targets, n_pairs: int, rng: np.random.Generator) -> PairData:
    """Up to `n_pairs` random pairs as training data."""
    first, second = random_pairs(y, n_pairs, rng)
    rows = np.concatenate([np.hstack([x[first], x[second]]), np.hstack([x[second], x[first]])])
    better = (y[first] > y[second]).astype(np.int8)
    return PairData(rows, np.concatenate([better, 1 - better]))


def sigmoid(raw: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-raw)), of any shape and without overflow; without scipy.special, which is slow to import."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(raw, np.float64)))


class PairClassifier(Comparator):
    """A comparator whose answer is a classifier's, averaged over both orders: p = (f(a, b) + 1 - f(b, a)) / 2."""

    @abstractmethod
    def _probability(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """P(first better) by the classifier itself, for float32[n, 2 n_features]."""

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """P(row of a better than row of b)."""
        return 0.5 + 0.5 * (self.raw_compare(a, b) - self.raw_compare(b, a))

    def raw_compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """The classifier's own probability, before symmetrising."""
        return np.asarray(self._probability(np.hstack([a, b]).astype(np.float32)), np.float64)
