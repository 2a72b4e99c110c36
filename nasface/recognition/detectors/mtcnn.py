"""MTCNN, which many sets of faces were cut out with; several times slower than YuNet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, requires
from nasface.recognition.detectors._base import Detector, cover, suppress
from nasface.recognition.faces import Face, Photo, check_photo
from nasface.recognition.photos import shrunk
from nasface.registry import register

if TYPE_CHECKING:
    from nasface.recognition.detectors.mtcnn_networks import Network, Networks

Floats = npt.NDArray[np.float32]
Boxes = npt.NDArray[np.float64]
"""float64[n, 4], left, top, right, bottom."""

CELL: Final = 12
"""Side of the pictures that the first network judges, two pixels apart."""

STEP: Final = 0.709
"""From one size of the photo to the next: half of its area."""

SIDES: Final = (24, 48)
"""Of the pictures that the second and third network take."""

PROPOSED, REFINED = 0.6, 0.7
"""Least scores of the first two networks (the paper's)."""

WITHIN, ACROSS, LAST = 0.5, 0.7, 0.7
"""Largest overlap of proposals of one size, of all sizes, and (over the smaller one's area) of faces."""


@dataclass
class MtcnnConfig:
    """Parameters of `mtcnn`.

    Attributes:
        side: Photos with a longer side are shrunk to it.
        smallest: Smallest face that is looked for there, in pixels, 12 or more. Half as large takes four times as long.
        score: Least score of a face, in (0, 1).
    """

    name: str = "mtcnn"
    side: int = 640
    smallest: int = 20
    score: float = 0.8


class _Found(NamedTuple):
    """Boxes and their scores."""

    boxes: Boxes
    scores: npt.NDArray[np.float64]

    def only(self, overlap: float) -> _Found:
        """Of those that overlap too much the best; best first."""
        rows = suppress(self.boxes, self.scores, overlap)
        return _Found(self.boxes[rows], self.scores[rows])


@register("detector", "mtcnn", config=MtcnnConfig)
class Mtcnn(Detector):
    """MTCNN in torch, with the weights of the package mtcnn (extra [mtcnn]); several times slower than yunet."""

    name = "mtcnn"

    def __init__(self, config: MtcnnConfig) -> None:
        if not (0 < config.score < 1 and config.smallest >= CELL and config.side >= CELL):
            raise InvalidInput(
                f"detector=mtcnn takes a score between 0 and 1, and a side and a smallest face of {CELL} pixels or "
                f"more, not {config.score:g}, {config.side} and {config.smallest}."
            )
        self._config = config

    def detect(self, photo: Photo, name: str = "") -> list[Face]:
        """The faces in a photo, best first."""
        check_photo(photo)
        small, scale = shrunk(photo, self._config.side)
        picture: Floats = np.asarray((small.astype(np.float32) - 127.5) / 128, np.float32)
        networks = _networks()
        proposed = proposals(picture, networks.proposing, self._config.smallest)
        refined = _refined(picture, networks.refining, _squares(proposed.boxes))
        return _placed(picture, networks.placing, _squares(refined.boxes), self._config.score, scale)


def _networks() -> Networks:
    with requires("torch", "torch", "detector=mtcnn"):
        from nasface.recognition.detectors.mtcnn_networks import networks
    return networks()


def proposals(picture: Floats, network: Network, smallest: int) -> _Found:
    """What the first network takes for faces in the photo at every size."""
    parts = [_Found(np.zeros((0, 4)), np.zeros(0))]
    for scale in _scales(min(picture.shape[:2]), smallest):
        size = int(picture.shape[0] * scale), int(picture.shape[1] * scale)
        corrections, chances = (end[0] for end in network.run(averaged(picture, size)[None]))
        rows, columns = np.nonzero(chances[1] > PROPOSED)
        corners = 2.0 * np.stack([columns, rows, columns, rows], axis=1) + [1, 1, CELL, CELL]
        boxes = corners + corrections[:, rows, columns].T * (CELL - 1)
        parts.append(_Found(boxes / scale, chances[1, rows, columns].astype(np.float64)).only(WITHIN))
    return _Found(*map(np.concatenate, zip(*parts, strict=True))).only(ACROSS)


def _scales(side: int, smallest: int) -> Iterator[float]:
    scale = CELL / smallest
    while side * scale >= CELL:
        yield scale
        scale *= STEP


def _refined(picture: Floats, network: Network, boxes: Boxes) -> _Found:
    corrections, chances = network.run(pieces(picture, boxes, SIDES[0]))
    good = chances[:, 1] > REFINED
    return _Found(_corrected(boxes, corrections)[good], chances[good, 1].astype(np.float64)).only(ACROSS)


def _placed(picture: Floats, network: Network, boxes: Boxes, score: float, scale: float) -> list[Face]:
    corrections, places, chances = network.run(pieces(picture, boxes, SIDES[1]))
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    points = places.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes[:, None] + boxes[:, None, :2] - 1
    boxes, scores = _corrected(boxes, corrections), chances[:, 1].astype(np.float64)
    good = np.flatnonzero(scores > score)
    kept = good[suppress(boxes[good], scores[good], LAST, cover)].tolist()
    return [Face((*(boxes[row] / scale).tolist(),), float(scores[row]), points[row] / scale) for row in kept]


def _corrected(boxes: Boxes, corrections: Floats) -> Boxes:
    sizes = boxes[:, 2:] - boxes[:, :2] + 1
    return np.asarray(boxes + corrections * np.tile(sizes, 2))


def _squares(boxes: Boxes) -> Boxes:
    """Around the same centres, with the longer sides."""
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)


def averaged(picture: Floats, size: tuple[int, int]) -> Floats:
    """A picture at another size (height, width), every pixel the mean of the area that it covers."""
    down, across = (_shares(old, new) for old, new in zip(picture.shape[:2], size, strict=True))
    return np.asarray(np.einsum("ih,hwc,jw->ijc", down, picture, across, optimize=True), np.float32)


def _shares(old: int, new: int) -> Floats:
    """float32[new, old], which share of a new pixel is which old one."""
    edges = np.arange(new + 1)[:, None] * old / new
    ends = np.minimum(edges[1:], np.arange(1, old + 1))
    starts = np.maximum(edges[:-1], np.arange(old))
    return np.asarray(np.maximum(ends - starts, 0) * new / old, np.float32)


def pieces(picture: Floats, boxes: Boxes, side: int) -> Floats:
    """float32[n, side, side, 3], boxes of a picture; bilinear, grey beyond it (as TensorFlow's crop_and_resize)."""
    height, width = picture.shape[:2]
    steps = np.linspace(0, 1, side)
    x, y = (
        (boxes[:, [axis]] + (boxes[:, [axis + 2]] - boxes[:, [axis]]) * steps) * (length - 1) / length
        for axis, length in ((0, width), (1, height))
    )
    (left, wx, seen_x), (top, wy, seen_y) = (_between(v, length) for v, length in ((x, width), (y, height)))
    top, left = top[:, :, None], left[:, None]
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    wx, wy = wx[:, None, :, None], wy[:, :, None, None]
    upper = picture[top, left] * (1 - wx) + picture[top, right] * wx
    lower = picture[below, left] * (1 - wx) + picture[below, right] * wx
    return np.asarray((upper * (1 - wy) + lower * wy) * (seen_y[:, :, None] & seen_x[:, None])[..., None], np.float32)


def _between(
    places: npt.NDArray[np.float64], length: int
) -> tuple[npt.NDArray[np.intp], Floats, npt.NDArray[np.bool_]]:
    """The pixel before each place, how far it lies beyond it, and whether it lies in the picture."""
    seen = (places >= 0) & (places <= length - 1)
    before = np.floor(np.where(seen, places, 0)).astype(np.intp)
    return before, np.asarray(np.where(seen, places - before, 0), np.float32), seen
