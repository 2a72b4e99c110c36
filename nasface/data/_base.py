"""What a face data set is: named photos of labelled people, read on demand, in up to three sets of different people.

Training people train and calibrate, validation people serve every choice, report people only what is reported. A loader
returns one `FaceData`; consumers call `FaceSet.load` for the photos they need at the size they need. Nothing is cached.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasface.data.pairs import NamedPairs
from nasface.errors import DataError, listing

logger = logging.getLogger(__name__)

Photo = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]


class UnreadablePhotoError(Exception):
    """A source cannot give a photo; the message is the reason. It never leaves `FaceSet.load`, which counts it."""


class PhotoSource(Protocol):
    """Where photos come from. Names are unique, "person/file", and sorted names are the set's order."""

    def photo(self, name: str, size: int) -> Photo:
        """The photo as uint8 RGB (size, size, 3); raises `UnreadablePhotoError`."""
        ...

    def stamp(self, name: str) -> str:
        """A short text that changes when the photo changes and costs no reading, such as the file's size."""
        ...


@dataclass(frozen=True)
class Skipped:
    """A photo that could not be read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos that were read.

    Attributes:
        images: uint8 RGB (n, size, size, 3).
        indices: (n,) their rows in the set they come from, in the order asked for.
        labels: (n,) person of every photo.
        skipped: What was asked for and could not be read.
    """

    images: Photo
    indices: Indices
    labels: Indices
    skipped: tuple[Skipped, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Photos of labelled people.

    Attributes:
        names: "person/file" of every photo, sorted.
        labels: (n,) index of every photo's person in `people`.
        people: Names of the people, sorted.
        source: Gives the photos.
    """

    names: tuple[str, ...]
    labels: Indices
    people: tuple[str, ...]
    source: PhotoSource

    @classmethod
    def of(cls, names: Iterable[str], source: PhotoSource) -> FaceSet:
        """The set of the photos with these names, the part before the slash being the person."""
        ordered = tuple(sorted(names))
        owners = [name.rsplit("/", 1)[0] for name in ordered]
        people = tuple(sorted(set(owners)))
        code = {person: i for i, person in enumerate(people)}
        return cls(ordered, np.array([code[owner] for owner in owners], np.int64), people, source)

    def __len__(self) -> int:
        return len(self.names)

    def load(self, indices: Sequence[int] | Indices | None = None, *, size: int) -> Photos:
        """Read photos; one that cannot be read is skipped, listed and logged.

        Args:
            indices: Rows wanted, default all.
            size: Side of the square that photos are resized to, in pixels.

        Raises:
            DataError: None of the photos can be read.
        """
        wanted = np.arange(len(self)) if indices is None else np.asarray(indices, np.int64)
        images = np.empty((len(wanted), size, size, 3), np.uint8)
        read: list[int] = []
        skipped: list[Skipped] = []
        for index in wanted.tolist():
            try:
                images[len(read)] = self.source.photo(self.names[index], size)
                read.append(index)
            except UnreadablePhotoError as error:
                skipped.append(Skipped(self.names[index], str(error)))
        self._report(skipped, len(wanted))
        rows = np.array(read, np.int64)
        return Photos(images[: len(read)], rows, self.labels[rows], tuple(skipped))

    def people_only(self, people: Iterable[str]) -> FaceSet:
        """The photos of these people; names of people without a photo are passed over."""
        wanted = set(people)
        keep = [name for name, label in zip(self.names, self.labels, strict=True) if self.people[label] in wanted]
        return FaceSet.of(keep, self.source)

    def positions(self, names: Iterable[str]) -> Indices:
        """Rows of the photos with these names.

        Raises:
            DataError: A name is not in the set.
        """
        wanted = list(names)
        missing = [name for name in wanted if name not in self._row]
        if missing:
            raise DataError(f"{len(missing)} of {len(wanted)} photos are not in this set: {listing(missing)}.")
        return np.array([self._row[name] for name in wanted], np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over sorted names, people and stamps: cheap, and other photos give another one."""
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(f"{name}\t{self.source.stamp(name)}\n".encode())
        return digest.hexdigest()

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    @staticmethod
    def _report(skipped: list[Skipped], wanted: int) -> None:
        if not skipped:
            return
        named = listing([f"{photo.name} ({photo.reason})" for photo in skipped])
        if len(skipped) == wanted:
            raise DataError(f"None of the {wanted} photos can be read: {named}; give JPEG or PNG files.")
        logger.warning("skipped %d of %d photos that cannot be read: %s", len(skipped), wanted, named)


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
        used = sorted({*named.first, *named.second})
        known = set(faces.names)
        missing = [name for name in used if name not in known]
        if missing:
            raise DataError(
                f"{origin} names {len(missing)} photos (of {len(used)}) that the data set does not have: "
                f"{listing(missing)}; give the pairs file that belongs to these photos, or data.pairs=none."
            )
        photos = FaceSet.of(used, faces.source)
        return cls(photos, photos.positions(named.first), photos.positions(named.second), named.same, named.folds)

    def __len__(self) -> int:
        return len(self.same)

    def keep(self, rows: Indices) -> Pairs:
        """The pairs whose two photos are among these rows of `photos`, re-numbered to them; folds stay as they are."""
        new = np.full(len(self.photos), -1, np.int64)
        new[rows] = np.arange(len(rows))
        usable = (new[self.first] >= 0) & (new[self.second] >= 0)
        photos = FaceSet.of([self.photos.names[row] for row in rows], self.photos.source)
        return Pairs(photos, new[self.first][usable], new[self.second][usable], self.same[usable], self.folds[usable])


@dataclass(frozen=True, eq=False)
class FaceData:
    """What a loader returns: three sets without a common person, any of which may be absent, and pairs.

    Attributes:
        name: Name of the option, e.g. "lfw".
        training: Photos for training networks and calibrating batch norms.
        validation: Photos for accuracy tables and every choice.
        report: Photos for results.
        pairs: Pairs for verification, of no training or validation person.
    """

    name: str
    training: FaceSet | None
    validation: FaceSet | None
    report: FaceSet | None
    pairs: Pairs | None = None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the three sets and who is in which."""
        parts = {"training": self.training, "validation": self.validation, "report": self.report}
        text = "".join(f"{role} {part.fingerprint if part else '-'}\n" for role, part in parts.items())
        return hashlib.sha256(text.encode()).hexdigest()

    def require(self, role: str) -> FaceSet:
        """One of the three sets by name.

        Raises:
            DataError: The data has no such people.
        """
        part: FaceSet | None = {"training": self.training, "validation": self.validation, "report": self.report}[role]
        if part is None:
            raise DataError(f"Data '{self.name}' has no {role} people: give a list of them, data.{role}_people=FILE.")
        return part
