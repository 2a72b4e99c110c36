"""Balanced pairs with folds from any labelled photos, in the manner of LFW's View 2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import label_codes

FOLDS = 10
PER_FOLD = 300
"""Pairs of each kind in a fold at most, as in LFW's View 2."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """Pairs of photos.

    Attributes:
        first: (n,) row of the first photo of every pair.
        second: (n,) that of the second.
        same: (n,) whether a pair shows one person.
        folds: (n,) fold of every pair, from 0.
    """

    first: Indices
    second: Indices
    same: npt.NDArray[np.bool_]
    folds: Indices

    def __len__(self) -> int:
        return len(self.same)


def balanced_pairs(
    labels: npt.ArrayLike, rng: np.random.Generator, *, folds: int = FOLDS, per_fold: int = PER_FOLD
) -> ListedPairs:
    """Draw as many genuine as impostor pairs, in folds without a common person.

    People are dealt to the folds at random. A fold's genuine pairs are drawn from all of its people's, without
    repetition, its impostor pairs from all of two of its people.

    Args:
        labels: (n,) person of every photo.
        rng: Draws people and pairs.
        folds: Number of folds; fewer where there are less than two people with two photos for each.
        per_fold: Pairs of each kind in a fold at most.

    Raises:
        InvalidInput: There are fewer than four people with two photos.
    """
    given = np.asarray(labels)
    codes = label_codes(given, given.size)
    several = np.bincount(codes) > 1
    folds = min(folds, int(several.sum()) // 2)
    if folds < 2:
        raise InvalidInput(
            f"Pairs in folds need four people with two photos; there are {int(several.sum())}: give more photos."
        )
    fold_of = np.empty(len(several), np.int64)
    for kind in (True, False):
        people = rng.permutation(np.flatnonzero(several == kind))
        fold_of[people] = np.arange(len(people)) % folds
    parts = [_fold(codes, np.flatnonzero(fold_of[codes] == fold), rng, per_fold) for fold in range(folds)]
    sizes = [len(part) for part, _ in parts]
    pairs = np.concatenate([part for part, _ in parts])
    same = np.concatenate([kind for _, kind in parts])
    return ListedPairs(pairs[:, 0], pairs[:, 1], same, np.repeat(np.arange(folds), sizes))


def _fold(
    codes: npt.NDArray[np.int64], photos: Indices, rng: np.random.Generator, most: int
) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """Pairs (n, 2) of one fold and whether they are genuine."""
    first, second = np.triu_indices(len(photos), 1)
    same = codes[photos[first]] == codes[photos[second]]
    genuine, impostor = np.flatnonzero(same), np.flatnonzero(~same)
    size = min(most, len(genuine), len(impostor))
    chosen = np.concatenate([rng.choice(kind, size, replace=False) for kind in (genuine, impostor)])
    return np.stack([photos[first[chosen]], photos[second[chosen]]], axis=1), same[chosen]
