"""Faces that somebody found already, in a CSV file."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from nasface.configs import existing
from nasface.errors import DataError, InvalidInput
from nasface.reading import read_csv
from nasface.recognition.detectors._base import Detector
from nasface.recognition.faces import Face, Photo, check_photo
from nasface.registry import register

BOX: Final = ("left", "top", "right", "bottom")
POINT_COLUMNS: Final = tuple(f"{axis}{number}" for number in range(1, 6) for axis in "xy")


@dataclass
class BoxesConfig:
    """Parameters of `boxes`.

    Attributes:
        file: CSV with the columns photo, left, top, right, bottom (pixels of the upright photo), optionally score, and
            x1, y1, ..., x5, y5 (left eye, right eye, nose, left and right corner of the mouth, as seen in the picture).
    """

    name: str = "boxes"
    file: str = field(default="", metadata=existing())


@register("detector", "boxes", config=BoxesConfig)
class Boxes(Detector):
    """Faces that somebody found already: a CSV file of boxes, with or without points."""

    name = "boxes"

    def __init__(self, config: BoxesConfig) -> None:
        if not config.file:
            raise InvalidInput("detector=boxes needs detector.file=FILE.csv with photo, left, top, right, bottom.")
        self._file = Path(config.file).expanduser()

    @property
    def gives_points(self) -> bool:  # type: ignore[override]
        """Whether the file has points."""
        return all(face.points is not None for faces in self._faces.values() for face in faces)

    def detect(self, photo: Photo, name: str = "") -> list[Face]:
        """The faces listed for the photo of this name: its whole path, person/file, or the file's name alone."""
        check_photo(photo)
        keys = name, "/".join(Path(name).parts[-2:]), Path(name).name
        return next((self._faces[key] for key in keys if key in self._faces), [])

    @cached_property
    def _faces(self) -> dict[str, list[Face]]:
        try:
            columns, rows = read_csv(self._file)
            if missing := [name for name in ("photo", *BOX) if name not in columns]:
                raise ValueError(f"it has no column {missing[0]}")
            faces = defaultdict(list)
            for line, row in enumerate(rows, 2):
                faces[row["photo"]].append(_face(row, line))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self._file} is no list of faces ({error}): give a CSV file with photo, left, top, right, bottom."
            ) from None
        return {photo: sorted(found, key=lambda face: -face.score) for photo, found in faces.items()}


def _face(row: dict[str, str], line: int) -> Face:
    """The face of a row; raises `ValueError` with the line."""
    left, top, right, bottom = (_number(row, side, line) for side in BOX)
    if not (left < right and top < bottom):
        raise ValueError(f"line {line}: the box {left:g}, {top:g}, {right:g}, {bottom:g} of {row['photo']} is empty")
    points = None
    if all(row.get(column) for column in POINT_COLUMNS):
        points = np.array([_number(row, column, line) for column in POINT_COLUMNS]).reshape(5, 2)
    return Face((left, top, right, bottom), _number(row, "score", line) if row.get("score") else 1.0, points)


def _number(row: dict[str, str], column: str, line: int) -> float:
    try:
        value = float(row[column])
    except (ValueError, TypeError):  # a word, or a line that ends before
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"line {line}: {column} is {row[column]!r:.40}")
    return value
