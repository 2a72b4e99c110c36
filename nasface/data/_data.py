"""What a loader returns: up to three sets of photos with a role each, and pairs for verification.

Training people train and calibrate, validation people serve every choice, report people only what is reported. No
person is in two of them, with one declared exception: a split by photos (`closed_set`), where the validation photos are
other photos of the training people. Those can say how well known people are told apart, and nothing about strangers.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Indices, Photo, PhotoSource
from nasface.data._index import PhotoIndex, Rows
from nasface.data.pairs import NamedPairs
from nasface.errors import DataError, listing


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of photos for verification.

    Attributes:
        photos: The distinct photos that the pairs name.
        first: (n,) row in `photos` of the first photo of every pair.
        second: (n,) that of the second.
        same: (n,) whether a pair shows one person.
        folds: (n,) fold of every pair, from 0.
    """

    photos: FaceSet
    first: Indices
    second: Indices
    same: npt.NDArray[np.bool_]
    folds: Indices

    @classmethod
    def of(cls, named: NamedPairs, faces: FaceSet, origin: str) -> Pairs:
        """Pairs given by names of photos, all of which must be in `faces`.

        Raises:
            DataError: Photos are missing.
        """
        place = {name: faces.names.find(name) for name in sorted({*named.first, *named.second})}
        missing = [name for name, row in place.items() if row < 0]
        if missing:
            raise DataError(
                f"{origin} names {len(missing)} photos (of {len(place)}) that the data set does not have: "
                f"{listing(missing)}; give the pairs file that belongs to these photos, or data.pairs=none."
            )
        rows = np.array(sorted(place.values()), np.int64)
        first, second = (np.array([place[name] for name in names], np.int64) for names in (named.first, named.second))
        return cls(
            faces.select(rows), np.searchsorted(rows, first), np.searchsorted(rows, second), named.same, named.folds
        )

    def __len__(self) -> int:
        return len(self.same)

    def keep(self, rows: Indices) -> Pairs:
        """The pairs whose photos are both among these ascending rows of `photos`, re-numbered to them.

        Folds stay as they are.
        """
        new = np.full(len(self.photos), -1, np.int64)
        new[rows] = np.arange(len(rows))
        usable = (new[self.first] >= 0) & (new[self.second] >= 0)
        photos = self.photos.select(rows)
        return Pairs(photos, new[self.first][usable], new[self.second][usable], self.same[usable], self.folds[usable])


@dataclass(frozen=True, eq=False)
class FaceData:
    """What a loader returns: three sets, any of which may be absent, and pairs.

    Attributes:
        name: Name of the option, e.g. "lfw".
        training: Photos for training networks and calibrating batch norms.
        validation: Photos for accuracy tables and every choice.
        report: Photos for results; never of training or validation people.
        pairs: Pairs for verification, of no training or validation person.
        closed_set: Whether the validation photos show the training people (split by photos).
        drawn: How the sets were drawn, as options; empty where lists say who is in which.
    """

    name: str
    training: FaceSet | None
    validation: FaceSet | None
    report: FaceSet | None
    pairs: Pairs | None = None
    closed_set: bool = False
    drawn: str = ""

    @property
    def caveat(self) -> str:
        """What belongs beside figures of report people whom no list names; empty where one does."""
        if not self.drawn:
            return ""
        return (
            f"the report people were drawn ({self.drawn}), not listed: a network that was trained on other people of "
            "these photos has seen some of them"
        )

    @property
    def parts(self) -> dict[str, FaceSet | None]:
        """The three sets by role."""
        return {"training": self.training, "validation": self.validation, "report": self.report}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the three sets, who is in which, and pairs of photos from elsewhere."""
        text = "".join(f"{role} {part.fingerprint if part else '-'}\n" for role, part in self.parts.items())
        if self.pairs is not None and not any(
            part and part.source is self.pairs.photos.source for part in self.parts.values()
        ):
            text += f"pairs {self.pairs.photos.fingerprint}\n"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def summary(self) -> str:
        """People and photos of every set, for a user to check before anything runs."""
        counts = [
            f"{role} {len(part.people):,} people, {len(part):,} photos" if part else f"no {role} people"
            for role, part in self.parts.items()
        ]
        if self.closed_set:
            counts[1] += " (other photos of the training people: closed set)"
        pairs = [f"{len(self.pairs):,} pairs"] if self.pairs is not None else []
        return f"data {self.name}: {'; '.join(counts + pairs)}"

    def require(self, role: str, *, closed_set: bool = False) -> FaceSet:
        """One of the three sets by name.

        Args:
            role: "training", "validation" or "report".
            closed_set: Whether validation photos of training people serve, as they do for top-1 among known people
                and for nothing that is said about strangers.

        Raises:
            DataError: The data has no such people, or its validation people are not strangers and must be.
        """
        part = self.parts[role]
        if part is None:
            everybody = " (or data.split=none, which reports on everybody)" if role == "report" else ""
            raise DataError(
                f"Data '{self.name}' has no {role} people: give a list of them, data.{role}_people=FILE{everybody}."
            )
        if role == "validation" and self.closed_set and not closed_set:
            raise DataError(
                f"Data '{self.name}' is split by photos (data.split=image), so its validation photos show training "
                "people, and verification of strangers cannot be measured on them: take data.split=identity."
            )
        return part

    @property
    def everything(self) -> FaceSet | None:
        """The photos of all three sets."""
        present = [part for part in self.parts.values() if part is not None]
        return functools.reduce(together, present) if present else None

    @property
    def photos_to_judge(self) -> FaceSet:
        """The photos that results are measured on: the report people's, and those that the pairs name.

        Raises:
            DataError: Neither exists.
        """
        if self.pairs is None:
            return self.require("report")
        return self.pairs.photos if self.report is None else together(self.report, self.pairs.photos)


@dataclass(frozen=True, eq=False)
class _Joined:
    """Photos of two sets with a source each."""

    index: PhotoIndex
    sets: tuple[FaceSet, FaceSet]
    places: Rows

    def photo(self, row: int, size: int) -> Photo:
        """The photo from the source that has it."""
        source, own = self._find(row)
        return source.photo(own, size)

    def fingerprint(self, row: int) -> str:
        """That of the source that has it."""
        source, own = self._find(row)
        return source.fingerprint(own)

    def _find(self, row: int) -> tuple[PhotoSource, int]:
        place, first = int(self.places[row]), len(self.sets[0])
        part, own = (self.sets[0], place) if place < first else (self.sets[1], place - first)
        return part.source, int(part.rows[own])


def together(one: FaceSet, other: FaceSet) -> FaceSet:
    """The photos of both, which may come from two sources.

    Raises:
        DataError: Two different photos have one name.
    """
    if one.source is other.source:
        return FaceSet(one.source, np.union1d(one.rows, other.rows).astype(np.int32))
    names = [*one.names, *other.names]
    order = sorted(range(len(names)), key=names.__getitem__)
    if len(set(names)) < len(names):
        raise DataError("Two different photos of this data have one name; rename the people or files of either.")
    index = PhotoIndex.of(names)
    return FaceSet.all(_Joined(index, (one, other), np.array(order, np.int32)))
