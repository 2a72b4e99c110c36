"""Verification over all pairs of a set of photos: millions of impostor pairs, so that low rates mean something.

Distances are squared L2 distances of unit descriptors in float32. They are computed in blocks and kept, four bytes a
pair, then sorted, so that every number is exact for the given descriptors; a set too large for that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import check_far, label_codes, unit_rows
from nasface.metrics.roc import OperatingPoint, PairDistances, Roc

MAX_PAIRS = 250_000_000
"""Most pairs that are kept at once: 1 GB, about 22,000 photos."""

BLOCK_VALUES = 1 << 22
"""Values of one block of the product of all descriptors with all: 16 MB."""


@dataclass(frozen=True)
class AllPairs:
    """Result of `evaluate_all_pairs`.

    Attributes:
        auc: Exact area under the curve.
        eer: Exact equal error rate.
        points: True accept rate and threshold at every false accept rate asked for.
        genuine: Number of pairs of one person.
        impostors: Number of pairs of two people.
        photos: Number of photos.
        people: Number of people.
    """

    auc: float
    eer: float
    points: tuple[OperatingPoint, ...]
    genuine: int
    impostors: int
    photos: int
    people: int

    @classmethod
    def of(cls, roc: Roc, codes: npt.NDArray[np.int64], fars: Sequence[float]) -> AllPairs:
        """From the curve of photos with these codes 0..people-1, at rates that `check_far` has let pass."""
        genuine, impostors = count_pairs(codes)
        points = tuple(roc.at_far(far) for far in fars)
        return cls(roc.auc, roc.eer, points, genuine, impostors, len(codes), int(codes.max()) + 1)

    def tar(self, far: float) -> float:
        """True accept rate at one of the rates that were asked for."""
        for point in self.points:
            if point.far == far:
                return point.tar
        raise InvalidInput(f"No true accept rate was computed at {far:g}; there is {[p.far for p in self.points]}.")


def evaluate_all_pairs(
    descriptors: npt.ArrayLike, labels: npt.ArrayLike, fars: Sequence[float] = (1e-2, 1e-3)
) -> AllPairs:
    """Verification over all pairs of photos.

    Args:
        descriptors: (n, d), of any length; they are scaled to unit length.
        labels: (n,) person of every photo, of any type.
        fars: False accept rates, each at least ten over the number of impostor pairs.

    Raises:
        InvalidInput: Bad shapes or values, no genuine or no impostor pair, too many pairs, or a rate that is too low.
    """
    rows, codes = by_person(descriptors, labels)
    impostors = count_pairs(codes).impostors
    for far in fars:  # before the long part
        check_far(far, impostors)
    return AllPairs.of(PairDistances(*distances_of_all_pairs(rows, codes)).roc(), codes, fars)


class ByPerson(NamedTuple):
    """Photos in order of people.

    Attributes:
        rows: float32[n, d], unit descriptors.
        codes: (n,) code of every photo's person, ascending.
    """

    rows: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int64]


class PairCounts(NamedTuple):
    """How many pairs of two kinds there are."""

    genuine: int
    impostors: int


class ByKind(NamedTuple):
    """Squared L2 distances of unit descriptors, float32, of the pairs of one person and of two."""

    genuine: npt.NDArray[np.float32]
    impostors: npt.NDArray[np.float32]


def by_person(descriptors: npt.ArrayLike, labels: npt.ArrayLike) -> ByPerson:
    """Unit descriptors in order of people; a person's photos keep their order."""
    rows = unit_rows(descriptors)
    codes = label_codes(labels, len(rows))
    order = np.argsort(codes, kind="stable")
    return ByPerson(rows[order], codes[order])


def count_pairs(codes: npt.NDArray[np.int64]) -> PairCounts:
    """Numbers of genuine and impostor pairs among photos with these codes.

    Raises:
        InvalidInput: There are more than `MAX_PAIRS` pairs.
    """
    n, sizes = len(codes), np.bincount(codes)
    total, genuine = n * (n - 1) // 2, int((sizes * (sizes - 1) // 2).sum())
    if total > MAX_PAIRS:
        raise InvalidInput(
            f"{n:,} photos make {total:,} pairs and at most {MAX_PAIRS:,} are compared: give a subset of the people."
        )
    return PairCounts(genuine, total - genuine)


def person_ends(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n,) for every photo of an ordered set, the row behind the last photo of the same person."""
    return np.searchsorted(codes, codes, side="right")


def distances_of_all_pairs(rows: npt.NDArray[np.float32], codes: npt.NDArray[np.int64]) -> ByKind:
    """Squared distances of all pairs i < j, row by row, photos ordered as by `by_person`.

    So the genuine pairs of row i are columns i + 1 to `person_ends`, its impostor pairs the columns from there on.
    """
    return _split(_upper_rows(rows), codes)


def distances_of_cosines(cosines: npt.NDArray[np.float32], codes: npt.NDArray[np.int64]) -> ByKind:
    """As `distances_of_all_pairs`, from the cosines (n, n) of all photos with all, ordered by person."""
    return _split(((i, row[i + 1 :]) for i, row in enumerate(cosines)), codes)


def _split(upper: Iterable[tuple[int, npt.NDArray[np.float32]]], codes: npt.NDArray[np.int64]) -> ByKind:
    sizes = count_pairs(codes)
    genuine, impostor = np.empty(sizes.genuine, np.float32), np.empty(sizes.impostors, np.float32)
    ends, g, h = person_ends(codes), 0, 0
    for i, cosines in upper:
        same, other = cosines[: ends[i] - i - 1], cosines[ends[i] - i - 1 :]
        genuine[g : g + len(same)], impostor[h : h + len(other)] = same, other
        g, h = g + len(same), h + len(other)
    return ByKind(_to_distance(genuine), _to_distance(impostor))


def _upper_rows(rows: npt.NDArray[np.float32]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """(i, cosines of photo i with the photos after it), the products being made in blocks of rows."""
    step = max(1, BLOCK_VALUES // len(rows))
    for start in range(0, len(rows), step):
        block = rows[start : start + step] @ rows[start:].T
        for i in range(start, min(start + step, len(rows))):
            yield i, block[i - start, i - start + 1 :]


def _to_distance(cosines: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """2 - 2 cos in place; float32 cosines can leave [-1, 1] by a rounding."""
    np.clip(cosines, -1.0, 1.0, out=cosines)
    cosines *= -2.0
    cosines += 2.0
    return cosines
