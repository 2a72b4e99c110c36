"""A small set of photo files: noise, drawn afresh for every test session, of nobody."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PEOPLE = {"Ann_Lee": 4, "Bob_Ray": 3, "Cy_Ode": 5, "Di_Fox": 1, "Ed_Kim": 4, "Flo_Orr": 6}


@pytest.fixture
def photo_folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    """root/Name/Name_0001.jpg, 23 photos of six people, 20 x 20 pixels."""
    root = tmp_path / "photos"
    for person, count in PEOPLE.items():
        (root / person).mkdir(parents=True)
        for number in range(1, count + 1):
            pixels = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / person / f"{person}_{number:04d}.jpg")
    return root


@pytest.fixture
def make_tar(tmp_path: Path) -> Callable[..., Path]:
    """Pack a folder into a tar below a leading folder; returns the tar."""

    def pack(folder: Path, mode: str = "w", name: str = "packed/photos.tar") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
            tar.add(folder, "release/photos")
        return path

    return pack


@pytest.fixture
def write_list(photo_folder: Path) -> Callable[..., Path]:
    """Write lines to a text file in the photo folder."""

    def write(name: str, *lines: str) -> Path:
        path = photo_folder / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write
