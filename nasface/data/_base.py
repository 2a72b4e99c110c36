"""What a set of photos is: named photos of labelled people, read on demand.

A `PhotoSource` knows which photos there are (`PhotoIndex`) and reads one by its row. A `FaceSet` is a source and some
of its rows: 4 bytes a photo, so that subsets are cheap however large the source is.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from nasface.data._index import Chosen, PhotoIndex, Rows, Texts
from nasface.errors import DataError, InvalidInput, listing

logger = logging.getLogger(__name__)

Photo = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]

THREADS = 4
"""Most threads that read photos: decoders release Python's lock, but not for long enough to feed more."""

BLOCK = 1024


class UnreadablePhotoError(Exception):
    """A source cannot give a photo; the message is the reason. It never leaves `FaceSet.load`, which counts it."""


class PhotoSource(Protocol):
    """Where photos come from. Must be safe to call from several threads, and to pickle."""

    @property
    def index(self) -> PhotoIndex:
        """Which photos there are; a photo's row in it is how it is asked for."""
        ...

    def photo(self, row: int, size: int) -> Photo:
        """The photo as uint8 RGB (size, size, 3); raises `UnreadablePhotoError`."""
        ...

    def fingerprint(self, row: int) -> str:
        """A short text that changes when the photo changes and costs no decoding, such as the file's size."""
        ...


@dataclass(frozen=True)
class Skipped:
    """A photo that could not be read, and why."""

    name: str
    reason: str


class ReadPhotos(NamedTuple):
    """What could be read of the rows asked for.

    Attributes:
        images: uint8 RGB (k, size, size, 3).
        places: (k,) which of the rows asked for they are, ascending.
        skipped: The others, with the reason.
    """

    images: Photo
    places: Indices
    skipped: tuple[Skipped, ...]


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
        source: Gives the photos.
        rows: int32 (n,), ascending: which of the source's photos these are.
    """

    source: PhotoSource
    rows: Rows

    @classmethod
    def all(cls, source: PhotoSource) -> FaceSet:
        """Every photo of a source."""
        return cls(source, np.arange(len(source.index), dtype=np.int32))

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def names(self) -> Texts:
        """Names of the photos, "person/file", ascending; each is made when asked for."""
        return Chosen(self.source.index.names, self.rows)

    @cached_property
    def people(self) -> tuple[str, ...]:
        """Names of the people who have a photo in this set, ascending."""
        known = self.source.index.people
        return tuple(known[code] for code in np.flatnonzero(self._present).tolist())

    @cached_property
    def labels(self) -> Rows:
        """int32 (n,), person of every photo as a row of `people`."""
        new = np.cumsum(self._present, dtype=np.int32) - 1
        return np.asarray(new[self.source.index.labels[self.rows]], np.int32)

    def labels_in(self, people: Sequence[str]) -> Indices:
        """int64 (n,), person of every photo as a place in another list, such as the people a classifier was trained on.

        Raises:
            DataError: Somebody in this set is not in the list.
        """
        code = {person: place for place, person in enumerate(people)}
        missing = [person for person in self.people if person not in code]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(self.people)} people are not among the {len(people)} that are known: "
                f"{listing(missing)}; give photos of known people only."
            )
        return np.array([code[person] for person in self.people], np.int64)[self.labels]

    @cached_property
    def _present(self) -> npt.NDArray[np.bool_]:
        """Which of the source's people have a photo in this set."""
        present = np.zeros(len(self.source.index.people), np.bool_)
        present[self.source.index.labels[self.rows]] = True
        return present

    def load(self, indices: Sequence[int] | Indices | None = None, *, size: int) -> Photos:
        """Read photos; one that cannot be read is skipped, listed and logged.

        Args:
            indices: Rows wanted, default all.
            size: Side of the square that photos are resized to, in pixels.

        Raises:
            DataError: None of the photos can be read.
            InvalidInput: The size is below 1.
        """
        wanted = np.arange(len(self)) if indices is None else np.asarray(indices, np.int64)
        images, read, skipped = self.read(wanted, size)
        report_skipped(skipped, len(wanted))
        rows = wanted[read]
        return Photos(images, rows, self.labels[rows].astype(np.int64), skipped)

    def read(self, wanted: Indices, size: int) -> ReadPhotos:
        """Photos of these rows.

        Raises:
            InvalidInput: The size is below 1.
        """
        check_size(size)
        images = np.empty((len(wanted), size, size, 3), np.uint8)

        def one(place: int) -> Skipped | None:
            row = int(wanted[place])
            try:
                images[place] = self.source.photo(int(self.rows[row]), size)
            except UnreadablePhotoError as error:
                return Skipped(self.names[row], str(error))
            return None

        outcomes = _in_threads(one, len(wanted))
        read = np.array([place for place, skip in enumerate(outcomes) if skip is None], np.int64)
        if len(read) < len(wanted):
            for place, old in enumerate(read.tolist()):  # in place: a second array might not fit into memory
                images[place] = images[old]
        return ReadPhotos(images[: len(read)], read, tuple(skip for skip in outcomes if skip is not None))

    def select(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> FaceSet:
        """Some of the photos: ascending row numbers of this set, or a boolean per photo."""
        return FaceSet(self.source, self.rows[rows])

    def people_only(self, people: Iterable[str]) -> FaceSet:
        """The photos of these people; names of people without a photo are passed over."""
        wanted = set(people)
        keep = np.array([person in wanted for person in self.source.index.people], np.bool_)
        return self.select(keep[self.source.index.labels[self.rows]])

    def positions(self, names: Iterable[str]) -> Indices:
        """Rows of the photos with these names.

        Raises:
            DataError: A name is not in the set.
        """
        wanted = list(names)
        found = np.array([self.names.find(name) for name in wanted], np.int64)
        missing = [wanted[place] for place in np.flatnonzero(found < 0).tolist()]
        if missing:
            raise DataError(f"{len(missing)} of {len(wanted)} photos are not in this set: {listing(missing)}.")
        return found

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over sorted names, people and fingerprints of photos: cheap, and other photos give another one."""
        digest = hashlib.sha256()
        for row in self.rows.tolist():
            name = self.source.index.names[row]
            digest.update(f"{name}\t{self.source.fingerprint(row)}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def check_size(size: int) -> None:
    """Refuse photos without pixels."""
    if size < 1:
        raise InvalidInput(f"Photos cannot have {size} pixels; give a size of 1 or more.")


def report_skipped(skipped: Sequence[Skipped], wanted: int) -> None:
    """Log what could not be read; a `DataError` if that is everything."""
    if not skipped:
        return
    named = listing([f"{photo.name} ({photo.reason})" for photo in skipped])
    if len(skipped) == wanted:
        raise DataError(f"None of the {wanted} photos can be read: {named}; give JPEG or PNG files.")
    logger.warning("skipped %d of %d photos that cannot be read: %s", len(skipped), wanted, named)


def _in_threads(one: Callable[[int], Skipped | None], count: int) -> list[Skipped | None]:
    """`one` of every number below `count`, in order; in blocks, as every pending call takes memory."""
    threads = min(THREADS, cores(), count // 16)
    if threads < 2:
        return [one(place) for place in range(count)]
    outcomes: list[Skipped | None] = []
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, count, BLOCK):
            outcomes += pool.map(one, range(start, min(start + BLOCK, count)))
    return outcomes


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
