"""Training photos by row: decoded once into memory, or every batch anew, while the step before it runs."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from nasface.data import FaceSet
from nasface.data import Photos as PhotosRead
from nasface.errors import InvalidInput

logger = logging.getLogger(__name__)

MEMORY = 2 * 10**9
"""Bytes up to which `photos=auto` decodes everything once."""

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


class ReadBatch(NamedTuple):
    """Photos of a batch.

    Attributes:
        images: uint8[b, size, size, 1 or 3].
        rows: (b,) the rows they are of.
    """

    images: Images
    rows: Rows


class Photos(Protocol):
    """Photos of one size. Rows are those of the face set; what cannot be read is left out of a batch."""

    @property
    def labels(self) -> Rows:
        """Person of every photo."""
        ...

    def batch(self, rows: Rows) -> ReadBatch:
        """The photos of these rows that can be read."""
        ...

    def expect(self, rows: Rows) -> None:
        """These rows will be asked for next."""
        ...


@dataclass(frozen=True)
class MemoryPhotos:
    """All photos, decoded; grey ones with one channel.

    Attributes:
        images: uint8[n, size, size, 1 or 3].
        rows: (n,) their rows in the face set.
        labels: Person of every row of the face set.
    """

    images: Images
    rows: Rows
    labels: Rows

    def batch(self, rows: Rows) -> ReadBatch:
        """See `Photos.batch`."""
        at = np.searchsorted(self.rows, rows)
        read = (at < len(self.rows)) & (self.rows[np.minimum(at, len(self.rows) - 1)] == rows)
        return ReadBatch(self.images[at[read]], rows[read])

    def expect(self, rows: Rows) -> None:
        """Nothing to do."""


class StreamedPhotos:
    """Photos that are decoded when they are asked for, or, once they are expected, in a thread beforehand.

    Args:
        faces: The photos.
        size: Side in pixels.
    """

    def __init__(self, faces: FaceSet, size: int) -> None:
        self._faces, self._size = faces, size
        self._thread = ThreadPoolExecutor(1)
        self._expected: tuple[bytes, Future[PhotosRead]] | None = None

    @property
    def labels(self) -> Rows:
        """Person of every photo."""
        return self._faces.labels.astype(np.int64)

    def batch(self, rows: Rows) -> ReadBatch:
        """See `Photos.batch`."""
        expected, self._expected = self._expected, None
        early = expected is not None and expected[0] == rows.tobytes()
        photos = expected[1].result() if expected is not None and early else self._load(rows)
        return ReadBatch(photos.images, photos.indices)

    def expect(self, rows: Rows) -> None:
        """See `Photos.expect`."""
        self._expected = rows.tobytes(), self._thread.submit(self._load, rows)

    def _load(self, rows: Rows) -> PhotosRead:
        return self._faces.load(rows, size=self._size)


def open_photos(faces: FaceSet, size: int, where: str) -> Photos:
    """The photos of a face set at one size; `where` is `TrainingConfig.photos`."""
    if where not in ("auto", "memory", "stream"):
        raise InvalidInput(f"training.photos is '{where}'; give auto, memory or stream.")
    if where == "stream" or (where == "auto" and len(faces) * size * size * 3 > MEMORY):
        return StreamedPhotos(faces, size)
    loaded = faces.load(size=size)
    return MemoryPhotos(_grey(loaded.images), loaded.indices, faces.labels.astype(np.int64))


def _grey(images: Images) -> Images:
    """One channel where all channels are equal, so that augmentation has a third of the work."""
    grey = all(bool((part == part[..., :1]).all()) for part in np.array_split(images, -(-len(images) // 256)))
    return np.ascontiguousarray(images[..., :1]) if grey else images
