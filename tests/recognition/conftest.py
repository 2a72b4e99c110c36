"""Photos with drawn faces that the detector finds."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.data import load_data


@pytest.fixture(scope="session")
def drawn() -> np.ndarray:
    """uint8 [15, 224, 224, 3]: five drawn people whom YuNet takes for faces, three photos each.

    A person's photos differ in place, size, brightness and noise: enough for code, not for stating accuracy.
    """
    from PIL import Image

    report = load_data({"name": "procedural", "people": 64, "photos": 3}).report
    firsts = np.flatnonzero(np.isin(report.labels, [3, 6, 9, 10, 15]))[::3]
    rng, photos = np.random.default_rng(0), []
    for picture in report.load(firsts, size=224).images:
        for side, left, top, gain in ((224, 0, 0, 1.0), (200, 20, 4, 0.92), (184, 6, 30, 1.05)):
            photo = np.full((224, 224, 3), 128.0)
            photo[top : top + side, left : left + side] = np.asarray(Image.fromarray(picture).resize((side, side)))
            photos.append(np.clip(photo * gain + rng.normal(0, 3, photo.shape), 0, 255).astype(np.uint8))
    return np.stack(photos)


@pytest.fixture(scope="session")
def group(drawn: np.ndarray) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """A photo of 420 x 640 with three faces, and the corner and side of each picture in it."""
    from PIL import Image

    photo = np.full((420, 640, 3), 128, np.uint8)
    places = [(20, 30, 160), (240, 180, 224), (470, 60, 150)]
    for row, (x, y, side) in zip((0, 6, 12), places, strict=True):
        photo[y : y + side, x : x + side] = np.asarray(Image.fromarray(drawn[row]).resize((side, side)))
    return photo, places
