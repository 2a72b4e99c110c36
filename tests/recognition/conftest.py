"""Photos with drawn faces that the detector finds."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.data import load_data


@pytest.fixture(scope="session")
def drawn() -> np.ndarray:
    """uint8 [24, 224, 224, 3]: three photos each of eight drawn people whom YuNet takes for faces."""
    report = load_data({"name": "procedural", "people": 64, "photos": 3}).report
    people = [2, 3, 4, 6, 8, 9, 10, 15]
    return report.load(np.flatnonzero(np.isin(report.labels, people)), size=224).images


@pytest.fixture(scope="session")
def group(drawn: np.ndarray) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """A photo of 420 x 640 with three faces, and the corner and side of each picture in it."""
    from PIL import Image

    photo = np.full((420, 640, 3), 128, np.uint8)
    places = [(20, 30, 160), (240, 180, 224), (470, 60, 150)]
    for row, (x, y, side) in zip((0, 9, 21), places, strict=True):
        photo[y : y + side, x : x + side] = np.asarray(Image.fromarray(drawn[row]).resize((side, side)))
    return photo, places
