"""A face that was found in a photo, and which of several is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.preprocessing import Points

Photo = npt.NDArray[np.uint8]
"""uint8 RGB (height, width, 3)."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom; may reach beyond the photo."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo.

    Attributes:
        box: Where it is.
        score: How sure the detector is, in [0, 1].
        points: Its five points, or None from a detector that knows none.
    """

    box: Box
    score: float = 1.0
    points: Points | None = None

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        left, top, right, bottom = self.box
        return max(right - left, 0.0) * max(bottom - top, 0.0)


def check_photo(photo: Photo) -> None:
    """Refuse what is not uint8 RGB of at least one pixel."""
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or 0 in photo.shape:
        raise InvalidInput(
            f"A photo is uint8 RGB of shape (height, width, 3); given is {photo.dtype} of shape {photo.shape}."
        )


def largest(faces: Sequence[Face]) -> Face:
    """The face with the largest box; the first of equals."""
    return max(faces, key=lambda face: face.area)


def central(faces: Sequence[Face], photo: Photo) -> Face:
    """The face whose box holds the photo's centre (the largest, if several), or else the one nearest to it.

    LFW's rule for whom a photo shows.
    """
    centre = np.array([photo.shape[1] - 1, photo.shape[0] - 1]) / 2

    def distance(face: Face) -> float:
        outside = np.maximum(np.maximum(np.array(face.box[:2]) - centre, centre - np.array(face.box[2:])), 0.0)
        return float(np.hypot(*outside))

    return min(faces, key=lambda face: (distance(face), -face.area))
