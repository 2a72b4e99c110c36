"""From a face in a photo to the square picture that a network takes: aligned to a template, or cropped.

Where eyes, nose and mouth were in a network's training photos is part of the network: `Template`. A similarity (turn,
scale, shift) brings a face's five points there by least squares (Umeyama, IEEE PAMI 13(4), 1991); the paper's simple
crop (Fig. 3a) is the detector's box without margin, squashed into a square.

Coordinates are pixels, (0, 0) the centre of the first one; a template of 112 pixels is scaled to other sizes by their
ratio, as ArcFace's authors do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nasface.data.decoding import pillow_modules
from nasface.errors import InvalidInput
from nasface.preprocessing import Points, Template
from nasface.recognition.faces import Box, Face, Photo

Matrix = npt.NDArray[np.float64]
"""float64[2, 3]: (x, y, 1) of a photo to (x, y) of the aligned picture."""


def similarity(points: Points, target: Points) -> Matrix:
    """The similarity that brings `points` nearest to `target` by least squares; never a reflection.

    Args:
        points: float64[n, 2].
        target: float64[n, 2].

    Raises:
        InvalidInput: All points are in one place, or not finite.
    """
    centre, goal = points.mean(axis=0), target.mean(axis=0)
    spread = float(np.square(points - centre).sum())
    if not np.isfinite(points).all() or spread <= np.finfo(np.float64).eps * max(float(np.square(points).sum()), 1.0):
        raise InvalidInput(f"Five different points are needed to align a face; given are {points.tolist()}.")
    u, values, vt = np.linalg.svd((target - goal).T @ (points - centre))
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * signs) @ vt * float(values @ signs) / spread
    return np.column_stack([turn, goal - turn @ centre])


def warp(photo: Photo, matrix: Matrix, size: int) -> Photo:
    """The part of a photo that `matrix` brings into a square of `size` pixels; black beyond the photo.

    Bilinear. A photo that becomes less than half as large is first averaged over blocks of whole pixels, so that no
    pixel of it is passed over.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if (block := int(1 / scale)) > 1:
        pillow, _ = pillow_modules()
        photo = np.asarray(pillow.fromarray(photo).reduce(block))
        # pixel k of the smaller photo is the mean of k * block to (k + 1) * block - 1
        matrix = np.column_stack([matrix[:, :2] * block, matrix[:, :2].sum(axis=1) * (block - 1) / 2 + matrix[:, 2]])
    back = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))[:2]
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    x, y = np.tensordot(back[:, :2], np.stack([columns, rows]), 1) + back[:, 2, None, None]
    return _bilinear(photo, x, y)


def aligned(photo: Photo, face: Face, template: Template, size: int) -> Photo:
    """The face turned, scaled and shifted to the template.

    Raises:
        InvalidInput: The detector gave no points.
    """
    if face.points is None:
        raise InvalidInput(
            "This detector gives no points to align a face by: take detector=yunet, or recognition.crop=square."
        )
    return warp(photo, similarity(face.points, template.scaled(size)), size)


def squashed(photo: Photo, box: Box, size: int) -> Photo:
    """The box as far as it lies in the photo, made a square without keeping its aspect (the paper's Fig. 3a)."""
    height, width = photo.shape[:2]
    left, right = (min(max(value, 0.0), width) for value in (box[0], box[2]))
    top, bottom = (min(max(value, 0.0), height) for value in (box[1], box[3]))
    if right - left < 1 or bottom - top < 1:
        raise InvalidInput(f"The box {[round(value, 1) for value in box]} lies outside a photo of {width} x {height}.")
    pillow, _ = pillow_modules()
    picture = pillow.fromarray(photo).resize((size, size), pillow.Resampling.BILINEAR, (left, top, right, bottom))
    return np.asarray(picture, np.uint8)


def squared(photo: Photo, box: Box, size: int) -> Photo:
    """The square around the box's centre with the box's longer side; black beyond the photo."""
    side = max(box[2] - box[0], box[3] - box[1])
    if side < 1:
        raise InvalidInput(f"The box {[round(value, 1) for value in box]} has no area; give boxes of faces.")
    scale, half = size / side, (size - 1) / 2
    centre = (np.array(box[:2]) + np.array(box[2:])) / 2
    return warp(photo, np.column_stack([np.eye(2) * scale, half - scale * centre]), size)


def _bilinear(photo: Photo, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Photo:
    """Values of a photo between its pixels, rounded."""
    padded = np.pad(photo, ((1, 1), (1, 1), (0, 0)))
    last = padded.shape[1] - 1, padded.shape[0] - 1
    x, y = (np.clip(v + 1, 0, end) for v, end in zip((x, y), last, strict=True))
    left, top = (np.minimum(v.astype(np.intp), end - 1) for v, end in zip((x, y), last, strict=True))
    wx, wy = ((v - whole)[..., None].astype(np.float32) for v, whole in ((x, left), (y, top)))
    upper = padded[top, left] * (1 - wx) + padded[top, left + 1] * wx
    lower = padded[top + 1, left] * (1 - wx) + padded[top + 1, left + 1] * wx
    return np.asarray(np.rint(upper * (1 - wy) + lower * wy), np.uint8)
