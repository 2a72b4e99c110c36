"""What happens to a photo between the decoder and the network; exporters write it into the file's metadata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput

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
