"""What metrics are computed from: the people on some photos, and how similar one network finds the photos.

A `PhotoSet` is the same for all networks: pairs and galleries are drawn once, so that every network is asked the same.
`Similarities` belong to one network; what several metrics share (the curve, the nearest photos) is computed once, on
first use.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.metrics._checks import label_codes, unit_rows
from nasface.metrics.all_pairs import ByKind, count_pairs, distances_of_all_pairs, distances_of_cosines
from nasface.metrics.identification import LeaveOneOut, RandomGallery, draw_galleries, identify, leave_one_out_of
from nasface.metrics.roc import PairDistances, Roc
from nasface.metrics.sampling import ListedPairs, balanced_pairs
from nasface.metrics.verification import Verification, evaluate_pairs

REPETITIONS: Final = 10
"""Galleries drawn, as for the paper's tables."""

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """The people on some photos; photos stand in order of people, a person's in their own order.

    Attributes:
        codes: (n,) person of every photo, ascending from 0.
        order: (n,) row of every photo where the photos came from.
        listed: Pairs for `accuracy`, in rows of `codes`; None draws balanced ones.
    """

    codes: Ids
    order: Ids
    listed: ListedPairs | None = None

    @classmethod
    def of(cls, labels: npt.ArrayLike, pairs: ListedPairs | None = None) -> PhotoSet:
        """From the person of every photo, of any type and in any order, and pairs of the rows of these photos.

        Raises:
            InvalidInput: Labels are not one-dimensional.
        """
        codes = label_codes(labels, np.asarray(labels).size)
        order = np.argsort(codes, kind="stable")
        if pairs is not None:
            place = np.argsort(order)
            pairs = replace(pairs, first=place[pairs.first], second=place[pairs.second])
        return cls(codes[order], order, pairs)

    @cached_property
    def impostors(self) -> int:
        """Number of pairs of two people."""
        return count_pairs(self.codes).impostors

    def size_for(self, impostors: int) -> int:
        """How many photos, each person having as many as here on average, make so many pairs of two people."""
        each = len(self.codes) / (int(self.codes[-1]) + 1)
        return math.ceil(0.5 * each + math.sqrt(0.25 * each**2 + 2.0 * impostors))

    @cached_property
    def people_with_two(self) -> int:
        """Number of people with two photos or more."""
        return int((np.bincount(self.codes) > 1).sum())

    @cached_property
    def probes(self) -> Ids:
        """Photos of people with two photos or more."""
        return np.flatnonzero(np.bincount(self.codes)[self.codes] > 1)

    @cached_property
    def probe_codes(self) -> Ids:
        """Person of every probe, from 0 without a gap."""
        return np.unique(self.codes[self.probes], return_inverse=True)[1].astype(np.int64)

    @cached_property
    def galleries(self) -> tuple[Ids, ...]:
        """One probe a person, `REPETITIONS` times, as places among `probes`; needs a person with two photos."""
        return tuple(draw_galleries(self.probe_codes, REPETITIONS, 0))

    @cached_property
    def pairs(self) -> ListedPairs:
        """The pairs given, or balanced ones.

        Raises:
            InvalidInput: None were given, and there are fewer than four people with two photos.
        """
        return self.listed or balanced_pairs(self.codes, np.random.default_rng(0))


class Similarities(ABC):
    """How similar one network finds the photos of a set; `of_descriptors` and `of_cosines` make it.

    Attributes:
        photos: The set.
    """

    def __init__(self, photos: PhotoSet) -> None:
        self.photos = photos

    @staticmethod
    def of_descriptors(photos: PhotoSet, descriptors: npt.ArrayLike) -> Similarities:
        """From descriptors (n, d) of any length, in the rows that the photos came in; for any number of photos.

        Raises:
            InvalidInput: A descriptor is zero or not finite.
        """
        return _OfDescriptors(photos, unit_rows(descriptors)[photos.order])

    @staticmethod
    def of_cosines(photos: PhotoSet, cosines: Floats) -> Similarities:
        """From the cosines (m, m) of all rows that the photos came in; quicker where several sets share them."""
        return _OfCosines(photos, cosines[np.ix_(photos.order, photos.order)])

    @abstractmethod
    def cosines(self, rows: Ids) -> Floats:
        """float32[k, n]: cosines of some photos with all."""

    @abstractmethod
    def pair_distances(self, first: Ids, second: Ids) -> Floats:
        """float32[k]: squared L2 distances of unit descriptors."""

    @abstractmethod
    def all_distances(self) -> ByKind:
        """Squared L2 distances of all genuine and of all impostor pairs."""

    @cached_property
    def roc(self) -> Roc:
        """The curve of all pairs."""
        return PairDistances(*self.all_distances()).roc()

    @cached_property
    def leave_one_out(self) -> LeaveOneOut:
        """Rank-1 identification, each probe against all other photos."""
        return leave_one_out_of(self.cosines, self.photos.codes, self.photos.probes)

    @cached_property
    def identification(self) -> RandomGallery:
        """Identification among the people with two photos, one random photo of each being the gallery."""
        probes = self.photos.probes
        return identify(self.cosines(probes)[:, probes], self.photos.probe_codes, self.photos.galleries)

    @cached_property
    def verification(self) -> Verification:
        """Verification on `PhotoSet.pairs`, each fold's threshold being chosen on the others."""
        pairs = self.photos.pairs
        return evaluate_pairs(self.pair_distances(pairs.first, pairs.second), pairs.same, pairs.folds, None)


class _OfDescriptors(Similarities):
    """Products are made as they are needed."""

    def __init__(self, photos: PhotoSet, rows: Floats) -> None:
        super().__init__(photos)
        self._rows = rows

    def cosines(self, rows: Ids) -> Floats:
        return np.asarray(self._rows[rows] @ self._rows.T)

    def pair_distances(self, first: Ids, second: Ids) -> Floats:
        return np.asarray(((self._rows[first] - self._rows[second]) ** 2).sum(axis=1))

    def all_distances(self) -> ByKind:
        return distances_of_all_pairs(self._rows, self.photos.codes)


class _OfCosines(Similarities):
    """All products are there."""

    def __init__(self, photos: PhotoSet, cosines: Floats) -> None:
        super().__init__(photos)
        self._cosines = cosines

    def cosines(self, rows: Ids) -> Floats:
        return self._cosines[rows]

    def pair_distances(self, first: Ids, second: Ids) -> Floats:
        return np.asarray(2.0 - 2.0 * self._cosines[first, second])

    def all_distances(self) -> ByKind:
        return distances_of_cosines(self._cosines, self.photos.codes)
