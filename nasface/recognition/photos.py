"""Opening a photo as it is, and making it smaller."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from nasface.data import UnreadablePhotoError
from nasface.data.decoding import MOST_PHOTO_BYTES, decode_whole, pillow_modules
from nasface.errors import DataError
from nasface.reading import read_bytes
from nasface.recognition.faces import Photo


def open_photo(path: Path) -> Photo:
    """A photo file as uint8 RGB (height, width, 3), upright by its EXIF orientation, as large as it is.

    Raises:
        DataError: There is no such file, it is not a photo, or a damaged or excessively large one.
    """
    try:
        return decode_whole(read_bytes(path, MOST_PHOTO_BYTES))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; give a photo that exists.") from None
    except (UnreadablePhotoError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a photo: {error}; give a JPEG or PNG file.") from None


class Shrunk(NamedTuple):
    """A photo, and by what its coordinates were multiplied."""

    photo: Photo
    scale: float


def shrunk(photo: Photo, side: int) -> Shrunk:
    """A photo whose longer side is at most `side` pixels.

    Smaller photos stay as they are. Shrinking averages (Pillow's bilinear filter is antialiased).
    """
    scale = side / max(photo.shape[:2])
    if scale >= 1:
        return Shrunk(photo, 1.0)
    pillow, _ = pillow_modules()
    height, width = (max(round(size * scale), 1) for size in photo.shape[:2])
    small = pillow.fromarray(photo).resize((width, height), pillow.Resampling.BILINEAR)
    return Shrunk(np.asarray(small), scale)
