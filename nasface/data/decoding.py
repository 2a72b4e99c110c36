"""Encoded photos become pixels: formats that are named, sizes that are bounded, upright, RGB."""

from __future__ import annotations

import math
from importlib.util import find_spec
from io import BytesIO
from types import ModuleType
from typing import Any, Final

import numpy as np

from nasface.data._base import Photo, UnreadablePhotoError
from nasface.errors import MissingDependency

FORMATS: Final = {
    "JPEG": (".jpg", ".jpeg"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "PPM": (".pgm", ".ppm"),
}
"""Formats that are decoded, whatever a file is called, and their suffixes. Pillow knows more; one starts another
program on the photo (EPS), and all are code that a photo reaches."""

HEIF: Final = (".heic", ".heif")
"""Suffixes of phones' photos, decoded where the package pillow-heif is installed."""

MOST_PIXELS: Final = 100_000_000
"""Pixels of a photo that are decoded at most. Larger JPEGs are reduced while they are decoded, others are refused."""

MOST_PHOTO_BYTES: Final = 2**28
"""Size of a file beyond which it is not read as a photo."""

DRAFT: Final = 2
"""JPEGs are decoded at a fraction of their size while that is at least so many times what is wanted. Against decoding
all of it, 600 px to 112 px takes half the time; faces differ by 0.2 of 255 on average and at most 2, coloured noise by
1.5 and at most 11."""

_DEEP: Final = ("I", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of grey photos of 16 bits, which it would cut at 255 instead of scaling."""


def suffixes() -> tuple[str, ...]:
    """Those of files that are taken for photos here."""
    own = tuple(suffix for names in FORMATS.values() for suffix in names)
    return own + HEIF if find_spec("pillow_heif") else own


def decode(data: bytes, size: int) -> Photo:
    """An encoded photo as uint8 RGB (size, size, 3), the aspect not kept.

    Raises:
        UnreadablePhotoError: Not a photo of `FORMATS`, or a damaged or excessively large one.
        MissingDependency: Pillow is not installed.
    """
    pillow, _ = pillow_modules()
    upright = _upright(data, DRAFT * size)
    if upright.size != (size, size):
        upright = upright.resize((size, size), pillow.Resampling.BILINEAR)
    return np.asarray(upright, np.uint8)


def decode_whole(data: bytes) -> Photo:
    """An encoded photo as uint8 RGB (height, width, 3), upright; a JPEG beyond `MOST_PIXELS` is reduced.

    Errors as `decode`.
    """
    return np.asarray(_upright(data, None), np.uint8)


def _upright(data: bytes, enough: int | None) -> Any:
    """An encoded photo as an upright RGB image of Pillow, at least `enough` pixels wide and high if it is."""
    _, operations = pillow_modules()
    try:
        with _opened(data) as image:
            if enough is not None:
                image.draft(None, (enough, enough))
            _bound(image)
            return operations.exif_transpose(_eight_bits(image)).convert("RGB")
    except UnreadablePhotoError:
        raise
    except Exception as error:  # decoders fail in many ways on damaged bytes, and no photo may end a run
        raise UnreadablePhotoError(_reason(error)) from error


def _opened(data: bytes) -> Any:
    """The image by the first format of `FORMATS` whose mark the bytes bear; Pillow's `open` would try them all."""
    pillow, _ = pillow_modules()
    if not data:
        raise UnreadablePhotoError("empty file")
    pillow.init()
    for name in FORMATS:
        factory, accepts = pillow.OPEN[name]
        accepted = accepts(data[:16])
        if accepted and not isinstance(accepted, str):  # a text says what Pillow was built without
            return factory(BytesIO(data), "")
    if data[4:8] == b"ftyp" and find_spec("pillow_heif"):
        import pillow_heif

        return pillow_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=True).to_pillow()
    raise UnreadablePhotoError("not a photo")


def _bound(image: Any) -> None:
    """Have a JPEG decoded small enough; refuse what is too large and no JPEG."""
    width, height = image.size
    if width * height <= MOST_PIXELS:
        return
    share = math.sqrt(MOST_PIXELS / (width * height))
    image.draft(None, (int(width * share / 2), int(height * share / 2)))  # the next fraction below, where there is one
    if image.size[0] * image.size[1] > MOST_PIXELS:
        raise UnreadablePhotoError(
            f"{width} x {height} pixels; at most {MOST_PIXELS // 10**6} million are decoded, of a JPEG 64 times as many"
        )


def _eight_bits(image: Any) -> Any:
    pillow, _ = pillow_modules()
    if image.mode not in _DEEP:
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadablePhotoError(f"grey values from {values.min()} to {values.max()}; 16 bits hold 0 to 65535")
    return pillow.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def pillow_modules() -> tuple[ModuleType, ModuleType]:
    """PIL.Image and PIL.ImageOps.

    Raises:
        MissingDependency: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingDependency("pillow", "torch", "Reading photos") from error
    return Image, ImageOps
