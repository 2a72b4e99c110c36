"""The detector interface: a photo to the faces in it.

Protocol. A detector is constructed as `cls(config)`; the constructor checks the configuration, and heavy imports wait
for the first photo. `detect(photo, name)` may be called any number of times, in any order, and answers for one photo
alone: uint8 RGB (height, width, 3) of any size, upright (`nasface.recognition.open_photo` turns it so). No face is an
answer, an empty list; faces come best first. Coordinates are pixels of the photo as it was given, x to the right and y
down, (0, 0) the centre of its first pixel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

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


def suppress(boxes: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], overlap: float) -> npt.NDArray[np.int64]:
    """Rows of the boxes that stay when of two that overlap too much the better one stays; best first.

    Args:
        boxes: float64[n, 4], left, top, right, bottom.
        scores: float64[n].
        overlap: Largest intersection over union that two boxes of different faces may have.
    """
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        left = left[iou(boxes[best], boxes[left]) <= overlap]
    return np.array(kept, np.int64)


def iou(box: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of a box with each of float64[n, 4]."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    areas = [np.prod(b[..., 2:] - b[..., :2], axis=-1) for b in (box, others)]
    return np.asarray(shared / np.maximum(areas[0] + areas[1] - shared, np.finfo(np.float64).tiny))
