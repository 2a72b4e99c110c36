"""Training photos by row: decoded once into memory, or every batch anew."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasface.data import FaceSet
from nasface.errors import InvalidInput

logger = logging.getLogger(__name__)

MEMORY = 2 * 10**9
"""Bytes up to which `photos=auto` decodes everything once."""

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


class Photos(Protocol):
    """Photos of one size. Rows are those of the face set; what cannot be read is left out of a batch."""

    @property
    def labels(self) -> Rows:
        """Person of every photo."""
        ...

    def batch(self, rows: Rows) -> tuple[Images, Rows]:
        """Images uint8[b, size, size, 1 or 3] and the rows they are of."""
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

    def batch(self, rows: Rows) -> tuple[Images, Rows]:
        """See `Photos.batch`."""
        at = np.searchsorted(self.rows, rows)
        read = (at < len(self.rows)) & (self.rows[np.minimum(at, len(self.rows) - 1)] == rows)
        return self.images[at[read]], rows[read]


@dataclass(frozen=True)
class StreamedPhotos:
    """Photos that are decoded when they are asked for."""

    faces: FaceSet
    size: int

    @property
    def labels(self) -> Rows:
        """Person of every photo."""
        return self.faces.labels

    def batch(self, rows: Rows) -> tuple[Images, Rows]:
        """See `Photos.batch`."""
        photos = self.faces.load(rows, size=self.size)
        return photos.images, photos.indices


def open_photos(faces: FaceSet, size: int, where: str) -> Photos:
    """The photos of a face set at one size; `where` is `TrainingConfig.photos`."""
    if where not in ("auto", "memory", "stream"):
        raise InvalidInput(f"training.photos is '{where}'; give auto, memory or stream.")
    if where == "stream" or (where == "auto" and len(faces) * size * size * 3 > MEMORY):
        return StreamedPhotos(faces, size)
    loaded = faces.load(size=size)
    return MemoryPhotos(_grey(loaded.images), loaded.indices, faces.labels)


def _grey(images: Images) -> Images:
    """One channel where all channels are equal, so that augmentation has a third of the work."""
    grey = all(bool((part == part[..., :1]).all()) for part in np.array_split(images, -(-len(images) // 256)))
    return np.ascontiguousarray(images[..., :1]) if grey else images
