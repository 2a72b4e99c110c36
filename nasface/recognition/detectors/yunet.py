"""The default detector: YuNet, run in TFLite, decoded in numpy."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.preprocessing import ARCFACE, Points
from nasface.recognition.alignment import similarity, warp
from nasface.recognition.detectors._base import Detector, suppress
from nasface.recognition.detectors.yunet_network import HEADS, STRIDES
from nasface.recognition.faces import Face, Photo, central, check_photo
from nasface.recognition.photos import shrunk
from nasface.registry import register
from nasface.runtimes.tflite import open_tflite

Maps = Mapping[str, npt.NDArray[np.float32]]
"""float32[1, height / stride, width / stride, channels] by output, see `yunet_network.yunet`."""

FILE: Final = Path(str(resources.files("nasface.assets").joinpath("detectors", "yunet.tflite")))
"""The network; takes photos of any size whose sides are multiples of 32."""

_THREAD: Final = threading.local()
"""An interpreter a thread: they take one image at a time. Not in the detector, which can be pickled so."""


@dataclass
class YuNetConfig:
    """Parameters of `yunet`.

    Attributes:
        side: Photos with a longer side are shrunk to it. There, a face of 45 pixels is mostly found and one of 20
            sometimes: with the default, 7 and 3 % of the photo's longer side. More finds smaller faces, and takes
            longer.
        score: Least score of a face, in (0, 1).
        overlap: Largest intersection over union of two faces' boxes, in (0, 1).
        second_look: Look at every face again, upright and at one size, to place its points better.
    """

    name: str = "yunet"
    side: int = 640
    score: float = 0.6
    overlap: float = 0.3
    second_look: bool = True


UPRIGHT: Final = 224
"""Side of the picture of the second look; the face takes the middle half."""


@register("detector", "yunet", config=YuNetConfig)
class YuNet(Detector):
    """YuNet in TFLite: faces of any size with five points; a network of 136 KB that comes with nasface."""

    name = "yunet"

    def __init__(self, config: YuNetConfig) -> None:
        if not (0 < config.score < 1 and 0 < config.overlap < 1 and config.side >= STRIDES[-1]):
            raise InvalidInput(
                f"detector=yunet takes a score and an overlap between 0 and 1 and a side of {STRIDES[-1]} or more, not "
                f"{config.score:g}, {config.overlap:g} and {config.side}."
            )
        self._config = config

    def detect(self, photo: Photo, name: str = "") -> list[Face]:
        """The faces in a photo, best first."""
        check_photo(photo)
        small, scale = shrunk(photo, self._config.side)
        found = self._find(small)
        faces = [Face((*(np.array(face.box) / scale).tolist(),), face.score, _points(face) / scale) for face in found]
        return [self._looked_at_again(photo, face) for face in faces] if self._config.second_look else faces

    def _find(self, photo: Photo) -> list[Face]:
        boxes, points, scores = decode(run(padded(photo)), self._config.score)
        kept = suppress(boxes, scores, self._config.overlap).tolist()
        return [Face((*boxes[row].tolist(),), float(scores[row]), points[row]) for row in kept]

    def _looked_at_again(self, photo: Photo, face: Face) -> Face:
        """The same face with the points that are found in an upright picture of it, if it is found there."""
        matrix = similarity(_points(face), ARCFACE.scaled(UPRIGHT // 2) + UPRIGHT / 4)
        picture = warp(photo, matrix, UPRIGHT)
        if not (found := self._find(picture)):
            return face
        points = _points(central(found, picture)) - matrix[:, 2]
        return replace(face, points=np.asarray(np.linalg.solve(matrix[:, :2], points.T).T))


def _points(face: Face) -> Points:
    """YuNet's faces all have points."""
    if face.points is None:
        raise TypeError("a face of YuNet without points")
    return face.points


def padded(photo: Photo) -> Photo:
    """With black below and to the right, so that both sides are multiples of 32."""
    height, width = (-size % STRIDES[-1] for size in photo.shape[:2])
    return np.pad(photo, ((0, height), (0, width), (0, 0)))


def run(photo: Photo) -> Maps:
    """The network's maps of a photo whose sides are multiples of 32."""
    network = _network()
    source = network.get_input_details()[0]
    shape = (1, *photo.shape)
    if tuple(source["shape"]) != shape:
        network.resize_tensor_input(source["index"], shape)
        network.allocate_tensors()
    network.set_tensor(source["index"], photo[None].astype(np.float32))
    network.invoke()
    return {end["name"]: network.get_tensor(end["index"]) for end in network.get_output_details()}


def _network() -> Any:
    if not hasattr(_THREAD, "network"):
        _THREAD.network = open_tflite(FILE)
    return _THREAD.network


Floats = npt.NDArray[np.float64]


def decode(maps: Maps, least: float) -> tuple[Floats, Floats, Floats]:
    """What the maps say, as `FaceDetectorYN` of OpenCV reads them, before overlapping boxes are sorted out.

    A cell's score is the geometric mean of the probability of a face and of how well its box fits. Positions are
    relative to the cell's corner, sizes are logarithms, both in units of the stride.

    Args:
        maps: From `run`.
        least: Least score.

    Returns:
        float64 boxes [n, 4] (left, top, right, bottom), points [n, 5, 2] and scores [n], in pixels of the network's
        input, best first.
    """
    found = [_decode(stride, {head: maps[f"{head}_{stride}"][0] for head in HEADS}, least) for stride in STRIDES]
    boxes, points, scores = (np.concatenate(parts).astype(np.float64) for parts in zip(*found, strict=True))
    order = np.argsort(-scores, kind="stable")
    return boxes[order], points[order], scores[order]


def _decode(stride: int, maps: Maps, least: float) -> tuple[npt.NDArray[np.float32], ...]:
    """Of one stride, from maps [height, width, channels] by head."""
    scores = np.sqrt(np.clip(maps["cls"][..., 0], 0, 1) * np.clip(maps["obj"][..., 0], 0, 1))
    rows, columns = np.nonzero(scores >= least)
    corners = np.stack([columns, rows], axis=1).astype(np.float32)
    box = maps["bbox"][rows, columns]
    centres, halves = (corners + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride / 2
    points = (corners[:, None] + maps["kps"][rows, columns].reshape(-1, 5, 2)) * stride
    return np.concatenate([centres - halves, centres + halves], axis=1), points, scores[rows, columns]
