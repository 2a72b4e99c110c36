"""Finding out where a network's training photos have their eyes, nose and mouth."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.data.decoding import pillow_modules
from nasface.errors import DataError
from nasface.preprocessing import Points, Template
from nasface.recognition.detectors import Detector
from nasface.recognition.faces import Photo, largest

LEAST: Final = 20
"""Faces that a mean place is taken over, at least."""

CANVAS: Final = 480
SIDES: Final = (48, 240)
"""Pixels of the canvas that a photo is put on, and of the photo on it."""

TILES: Final = 12
"""Patches of colour along a side of the canvas."""


class Estimated(NamedTuple):
    """A template, and the number of photos in which the detector found the face."""

    template: Template
    faces: int


def estimate_template(photos: npt.NDArray[np.uint8], detector: Detector, rng: np.random.Generator) -> Estimated:
    """The mean points of the faces in a network's training photos, by the detector that will be used with it.

    A detector's points depend on a face's size and place and on what is around it, by several per cent of the distance
    of the eyes. So every photo is put on a canvas of blurred colours, at a random place and size, as faces are in the
    photos that the network will see.

    Args:
        photos: uint8[n, size, size, 3], as the network is trained on them.
        detector: Must give points.
        rng: Draws the canvases.

    Raises:
        DataError: In too few.
    """
    size = photos.shape[1]
    found = [points for photo in photos if (points := _points(photo, detector, rng)) is not None]
    if len(found) < LEAST:
        raise DataError(
            f"The detector found points of {len(found)} faces in {len(photos)} photos, and a template is their mean "
            f"over {LEAST} or more; give photos of {size} pixels that each show one face."
        )
    template = Template(np.mean(found, axis=0).round(2), size, f"mean over {len(found)} photos")
    return Estimated(template, len(found))


def _points(photo: Photo, detector: Detector, rng: np.random.Generator) -> Points | None:
    """Of one face, in pixels of its photo; None if it is not found."""
    pillow, _ = pillow_modules()
    side = round(float(np.exp(rng.uniform(*np.log(SIDES)))))
    left, top = rng.integers(0, CANVAS - side, 2)
    tiles = pillow.fromarray(rng.integers(0, 256, (TILES, TILES, 3), np.uint8))
    canvas = np.array(tiles.resize((CANVAS, CANVAS), pillow.Resampling.BICUBIC))
    canvas[top : top + side, left : left + side] = pillow.fromarray(photo).resize((side, side))
    if not (faces := detector.detect(canvas)) or (points := largest(faces).points) is None:
        return None
    centre = (points.mean(axis=0) - [left, top]) / side
    return (points - [left, top]) * (len(photo) / side) if (np.abs(centre - 0.5) < 0.5).all() else None
