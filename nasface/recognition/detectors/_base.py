"""The detector interface: a photo to the faces in it.

Protocol. A detector is constructed as `cls(config)`; the constructor checks the configuration, and heavy imports wait
for the first photo. `detect(photo, name)` may be called any number of times, in any order, and answers for one photo
alone: uint8 RGB (height, width, 3) of any size, upright (`nasface.recognition.open_photo` turns it so). No face is an
answer, an empty list; faces come best first. It is called from several threads and pickled into other processes, so
that it keeps nothing between photos. Coordinates are pixels of the photo as it was given, x to the right and y down,
(0, 0) the centre of its first pixel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from nasface.recognition.faces import Face, Photo


class Detector(ABC):
    """Finds the faces in a photo.

    Attributes:
        name: Its registered name.
        gives_points: Whether its faces have points, so that they can be aligned.
    """

    name: str
    gives_points: bool = True

    @abstractmethod
    def detect(self, photo: Photo, name: str = "") -> list[Face]:
        """The faces in a photo, best first.

        Args:
            photo: uint8 RGB (height, width, 3).
            name: What the photo is called, for detectors that look faces up, and for messages.

        Raises:
            InvalidInput: The photo is not uint8 RGB.
        """


Floats = npt.NDArray[np.float64]


def iou(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box with each of float64[n, 4]."""
    shared = _shared(box, others)
    return np.asarray(shared / np.maximum(_area(box) + _area(others) - shared, np.finfo(np.float64).tiny))


def cover(box: Floats, others: Floats) -> Floats:
    """Intersection over the smaller area of a box and each of float64[n, 4]; 1 where one lies in the other."""
    smaller = np.minimum(_area(box), _area(others))
    return np.asarray(_shared(box, others) / np.maximum(smaller, np.finfo(np.float64).tiny))


def suppress(
    boxes: Floats, scores: Floats, overlap: float, measure: Callable[[Floats, Floats], Floats] = iou
) -> npt.NDArray[np.int64]:
    """Rows of the boxes that stay when of two that overlap too much the better one stays; best first.

    Args:
        boxes: float64[n, 4], left, top, right, bottom.
        scores: float64[n].
        overlap: The most that two boxes of different faces may overlap.
        measure: How much that is, `iou` or `cover`.
    """
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[measure(boxes[best], boxes[left]) <= overlap]
    return np.array(kept, np.int64)


def _shared(box: Floats, others: Floats) -> Floats:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    return np.asarray(np.prod(np.maximum(high - low, 0.0), axis=1))


def _area(boxes: Floats) -> Floats:
    return np.asarray(np.prod(boxes[..., 2:] - boxes[..., :2], axis=-1))
