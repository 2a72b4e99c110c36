"""What happens to a photo between the decoder and the network; a model's metadata says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.reading import json_object, read_json
from nasface.runs import Json

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Means of R, G and B in 0..1, as in all of OFA's networks."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Their standard deviations."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize to a square without keeping the aspect, divide by 255, subtract `mean`, divide by `std`, per channel.

    Attributes:
        size: Side of the square in pixels.
        mean: Mean per channel, of values in [0, 1].
        std: Standard deviation per channel, of values in [0, 1].
        colour: Order of the channels.
        resize: Name of the resampling filter, antialiased when shrinking (Pillow's).
    """

    size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    colour: str = "RGB"
    resize: str = "bilinear"

    def normalise(self, photos: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Photos uint8 (n, size, size, 3) as network input, float32 of the same shape.

        Raises:
            InvalidInput: Another shape or type.
        """
        if photos.dtype != np.uint8 or photos.shape[1:] != (self.size, self.size, 3):
            raise InvalidInput(
                f"Photos must be uint8 of shape (n, {self.size}, {self.size}, 3); given are {photos.dtype} of shape "
                f"{photos.shape}."
            )
        scale = 1.0 / (255.0 * np.asarray(self.std))
        values = photos.astype(np.float32)
        values *= scale.astype(np.float32)
        values -= (np.asarray(self.mean) / np.asarray(self.std)).astype(np.float32)
        return values


POINTS: Final = ("left eye", "right eye", "nose", "left corner of the mouth", "right corner of the mouth")
"""Points of a face. Left and right as seen in the picture: the first is the person's right eye. ArcFace's order, and
that of YuNet and mtcnn."""

Points = npt.NDArray[np.float64]
"""float64[5, 2]: x and y of the points of `POINTS`, in pixels."""


@dataclass(frozen=True, eq=False)
class Template:
    """Where the five points of a face are in a network's photos.

    Attributes:
        points: float64[5, 2], x and y in pixels, in the order of `POINTS`.
        size: Side of the square that they are in, in pixels.
        origin: What they were found with, for people.
    """

    points: Points
    size: int
    origin: str

    def scaled(self, size: int) -> Points:
        """The points in a square of `size` pixels."""
        return self.points * (size / self.size)

    def to_dict(self) -> dict[str, Json]:
        """For JSON, such as a model's metadata."""
        points = [[round(value, 4) for value in point] for point in self.points.tolist()]
        return {"size": self.size, "points": points, "order": list(POINTS), "origin": self.origin}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Template:
        """What `to_dict` gave.

        Raises:
            InvalidInput: These are not five different points in a square.
        """
        try:
            template = cls(np.array(values["points"], np.float64), int(values["size"]), str(values.get("origin", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"An alignment template has size and points; given is {values!r:.200}.") from error
        inside = np.isfinite(template.points).all() and (np.abs(template.points) <= 2 * max(template.size, 0)).all()
        if template.points.shape != (len(POINTS), 2) or not inside or np.ptp(template.points, axis=0).min() <= 0:
            raise InvalidInput(
                f"An alignment template has {len(POINTS)} points (x, y) in a square of `size` pixels; given is "
                f"{values['points']!r} in {values['size']!r}."
            )
        return template


ARCFACE: Final = Template(
    np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]),
    112,
    "ArcFace (Deng et al., CVPR 2019)",
)
"""The template of most published face networks."""


def read_template(given: str, folder: Path) -> Template:
    """A template by name, or from a JSON file as `Template.to_dict` writes it.

    Args:
        given: "arcface", or a path.
        folder: What the path is relative to.

    Raises:
        InvalidInput: Neither; or a file without a template.
    """
    if given == "arcface":
        return ARCFACE
    path = folder / Path(given).expanduser()
    try:
        return Template.from_dict(json_object(read_json(path)))
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"'{given}' is no alignment template ({error}): give arcface, or a JSON file with size and points."
        ) from None
