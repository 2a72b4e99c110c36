"""Photos with drawn faces that the detector finds."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.testing.faces import drawn_people


@pytest.fixture(scope="session")
def drawn() -> np.ndarray:
    """uint8 [15, 224, 224, 3]: five drawn people, three photos each."""
    return drawn_people()


@pytest.fixture(scope="session")
def group(drawn: np.ndarray) -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """A photo of 420 x 640 with three faces, and the corner and side of each picture in it."""
    from PIL import Image

    photo = np.full((420, 640, 3), 128, np.uint8)
    places = [(20, 30, 160), (240, 180, 224), (470, 60, 150)]
    for row, (x, y, side) in zip((0, 6, 12), places, strict=True):
        photo[y : y + side, x : x + side] = np.asarray(Image.fromarray(drawn[row]).resize((side, side)))
    return photo, places
