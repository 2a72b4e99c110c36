"""Do synthetic images show anyone? Their nearest photos against how near the photos of different people come.

Numpy only; rows are whatever measures likeness as a cosine: descriptors of a network, or pixels less the mean photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.metrics import unit_rows

_BLOCK = 512

Rows = npt.NDArray[np.floating]
"""(n, d)."""


@dataclass(frozen=True)
class Resemblance:
    """How near images come to photos of people.

    Attributes:
        nearest: float32[n_images], the highest cosine of every image with any photo.
        photo: int64[n_images], the photo it is reached with.
        strangers: float32[n_photos], the highest cosine of every photo with any photo of another person.
    """

    nearest: npt.NDArray[np.float32]
    photo: npt.NDArray[np.int64]
    strangers: npt.NDArray[np.float32]

    def bound(self, quantile: float = 0.999) -> float:
        """The cosine that photos of different people rarely exceed."""
        return float(np.quantile(self.strangers, quantile))

    def harmless(self, quantile: float = 0.999) -> npt.NDArray[np.bool_]:
        """bool[n_images]: no nearer to any photo than `bound`."""
        return self.nearest <= self.bound(quantile)

    def figures(self) -> dict[str, float]:
        """Median and extremes for a provenance file."""
        return {
            "images_median": float(np.median(self.nearest)),
            "images_highest": float(self.nearest.max()),
            "strangers_median": float(np.median(self.strangers)),
            "strangers_quantile_0.999": self.bound(),
        }


def resemblance(images: Rows, photos: Rows, people: npt.NDArray[np.generic]) -> Resemblance:
    """Compare images with photos, and photos with those of other people.

    Args:
        images: (n_images, d), of any length.
        photos: (n_photos, d), in the same terms.
        people: (n_photos,) who is on every photo; at least two people.

    Raises:
        InvalidInput: Rows that cannot be scaled to unit length.
    """
    rows, gallery = unit_rows(images), unit_rows(photos)
    cosines = rows @ gallery.T
    strangers = [
        np.where(people[i : i + _BLOCK, None] == people, -1.0, gallery[i : i + _BLOCK] @ gallery.T).max(1)
        for i in range(0, len(gallery), _BLOCK)
    ]
    return Resemblance(cosines.max(1), cosines.argmax(1), np.concatenate(strangers).astype(np.float32))
