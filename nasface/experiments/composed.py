"""Photos made of face photos: several on a background of blurred colours, each place known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data import Photos
from nasface.data.decoding import pillow_modules
from nasface.errors import DataError
from nasface.preprocessing import ARCFACE, Template
from nasface.recognition.alignment import Matrix, aligned, squared, squashed, warp
from nasface.recognition.detectors import Detector
from nasface.recognition.faces import Box, Face, Photo

HEIGHT, WIDTH = 480, 640

SIDES: Final = (48, 170)
"""Pixels that a face photo takes, from uniform logarithms."""

ROLL: Final = 12.0
"""Standard deviation of the turn, degrees."""

GAIN: Final = (0.55, 1.35)
"""Brightness is multiplied by."""

TILE: Final = 40
"""Pixels of a patch of the background."""

ORIGINAL, TRUE, ALIGNED, SQUARE, BOX = "original", "true place", "aligned", "square", "box"
TO_ARCFACE, SHIFTED, FAR_SHIFTED = "aligned to ArcFace", "box, shifted 10 %", "box, shifted 20 %"
WAYS: Final = {
    ORIGINAL: "the face photo itself, never put on a background",
    TRUE: "cut out where it was put, and turned back: what the background and the resampling cost",
    ALIGNED: "the detector's five points onto the model's template",
    TO_ARCFACE: "the five points onto ArcFace's template",
    SQUARE: "the square around the detector's box",
    BOX: "the detector's box made a square (the paper's crop, Fig. 3a)",
    SHIFTED: "the same box, shifted by a tenth of its sides in a random direction",
    FAR_SHIFTED: "the same, by a fifth",
}
"""Ways of getting the picture of a face, and what they are."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A face photo in a composed one.

    Attributes:
        row: Of the face photo.
        matrix: float64[2, 3], from its pixels to those of the composed photo.
        centre: Of it, x and y.
        side: Pixels it takes.
    """

    row: int
    matrix: Matrix
    centre: npt.NDArray[np.float64]
    side: float


class ComposedFaces:
    """The faces that a detector finds on composed photos of these face photos.

    Args:
        photos: Face photos with the people they show.
        detector: Must give points.
        seed: Of the composed photos and the shifts.

    Attributes:
        labels: Person of every face that was found.
        rows: Its face photo, as a row of the set that the photos were read from.
        found: Share of the face photos that were found.

    Raises:
        DataError: It finds none.
    """

    def __init__(self, photos: Photos, detector: Detector, seed: int) -> None:
        self._pictures, self._seed = photos.images, seed
        self._seen = [
            (photo, face, place)
            for photo, placed in compose(photos.images, np.random.default_rng(seed))
            for place, face in _matched(placed, detector.detect(photo))
        ]
        if not self._seen:
            raise DataError("The detector found none of the composed faces; take another detector.")
        found = [place.row for _, _, place in self._seen]
        self.labels, self.rows = photos.labels[found], photos.indices[found]
        self.found = len(self._seen) / len(photos)

    def cut(self, way: str, template: Template, size: int) -> npt.NDArray[np.uint8]:
        """uint8[faces, size, size, 3], every face cut out in one of `WAYS`."""
        rng = np.random.default_rng([self._seed, 1])
        return np.stack([self._picture(way, *seen, template, size, rng) for seen in self._seen])

    def _picture(
        self, way: str, photo: Photo, face: Face, place: Placed, template: Template, size: int, rng: np.random.Generator
    ) -> Photo:
        if way == ORIGINAL:
            return np.asarray(self._pictures[place.row])
        if way == TRUE:
            back = np.linalg.inv(np.vstack([place.matrix, [0.0, 0.0, 1.0]]))[:2]
            return warp(photo, back, size)
        if way in (ALIGNED, TO_ARCFACE):
            return aligned(photo, face, template if way == ALIGNED else ARCFACE, size)
        if way == SQUARE:
            return squared(photo, face.box, size)
        share = {BOX: 0.0, SHIFTED: 0.1, FAR_SHIFTED: 0.2}[way]
        return squashed(photo, _shifted(face.box, share, rng), size)


def _matched(placed: Sequence[Placed], faces: Sequence[Face]) -> Iterator[tuple[Placed, Face]]:
    """What was placed and found; points beyond a third of its side from its centre are of something else."""
    for place in placed:
        near = [
            (float(np.hypot(*(face.points.mean(axis=0) - place.centre))), face)
            for face in faces
            if face.points is not None
        ]
        distance, face = min(near, key=lambda pair: pair[0], default=(np.inf, None))
        if face is not None and distance < place.side / 3:
            yield place, face


def _shifted(box: Box, share: float, rng: np.random.Generator) -> Box:
    """The box, shifted by a share of its sides in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    x, y = share * (box[2] - box[0]) * np.cos(angle), share * (box[3] - box[1]) * np.sin(angle)
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def compose(faces: npt.NDArray[np.uint8], rng: np.random.Generator) -> Iterator[tuple[Photo, list[Placed]]]:
    """Every face photo once, four on a photo, a quarter of it each: random size, place, turn and brightness.

    Args:
        faces: uint8[n, size, size, 3].
        rng: Draws all of it.

    Yields:
        A photo, uint8 (480, 640, 3), and what is where.
    """
    corners = [(x, y) for y in (0, HEIGHT // 2) for x in (0, WIDTH // 2)]
    for start in range(0, len(faces), len(corners)):
        photo = _background(rng)
        placed = []
        for row, corner in zip(range(start, min(start + len(corners), len(faces))), corners, strict=False):
            place = _place(row, faces.shape[1], corner, rng)
            _paste(photo, faces[row], place, rng.uniform(*GAIN))
            placed.append(place)
        yield np.rint(np.clip(photo, 0, 255)).astype(np.uint8), placed


def _background(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    pillow, _ = pillow_modules()
    tiles = rng.integers(0, 256, (HEIGHT // TILE, WIDTH // TILE, 3), np.uint8)
    return np.array(pillow.fromarray(tiles).resize((WIDTH, HEIGHT), pillow.Resampling.BICUBIC), np.float32)


def _place(row: int, size: int, corner: tuple[int, int], rng: np.random.Generator) -> Placed:
    side, angle = float(np.exp(rng.uniform(*np.log(SIDES)))), np.radians(np.clip(rng.normal(0, ROLL), -30, 30))
    reach = side * (abs(np.cos(angle)) + abs(np.sin(angle))) / 2
    spans = (WIDTH // 2, HEIGHT // 2)
    room = [max(span - 2 * reach, 0.0) for span in spans]
    centre = np.array(
        [c + min(reach, span / 2) + rng.uniform(0, r) for c, span, r in zip(corner, spans, room, strict=True)]
    )
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * side / size
    return Placed(row, np.column_stack([turn, centre - turn @ np.full(2, (size - 1) / 2)]), centre, side)


def _paste(photo: npt.NDArray[np.float32], face: Photo, place: Placed, gain: float) -> None:
    """Pillow's resampling, so that shrinking averages; pixels outside the turned face photo stay."""
    pillow, _ = pillow_modules()
    side = round(place.side)
    small = pillow.fromarray(face).resize((side, side), pillow.Resampling.BILINEAR)
    shrink = len(face) / side  # pixel k of the smaller one lies at (k + 0.5) * shrink - 0.5 of the face photo
    scaled = np.column_stack([place.matrix[:, :2] * shrink, place.matrix @ [shrink / 2 - 0.5, shrink / 2 - 0.5, 1.0]])
    back = np.linalg.inv(np.vstack([scaled, [0.0, 0.0, 1.0]]))
    corner = back[:2, 2] + 0.5 - back[:2, :2].sum(axis=1) / 2  # Pillow counts from the corner of a pixel
    data = (*back[0, :2], corner[0], *back[1, :2], corner[1])
    size, how = (WIDTH, HEIGHT), pillow.Transform.AFFINE
    turned = np.asarray(small.transform(size, how, data, pillow.Resampling.BILINEAR), np.float32)
    full = pillow.new("L", small.size, 255)
    covered = np.asarray(full.transform(size, how, data, pillow.Resampling.NEAREST)) > 0
    photo[covered] = turned[covered] * gain
