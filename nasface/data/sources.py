"""Photos in a folder or in an uncompressed tar: root/person/file, decoded with Pillow (extra [torch])."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np

from nasface.data._base import FaceSet, Photo, UnreadablePhotoError
from nasface.errors import DataError, MissingDependency

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class _Extent:
    """Bytes of one photo: `length` bytes from `offset` on in the file `path`."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True)
class FileSource:
    """Photos in files, whole or as parts of a tar. Keeps no file open, so it can be copied to other processes."""

    extents: Mapping[str, _Extent] = field(repr=False)

    def photo(self, name: str, size: int) -> Photo:
        """Decode, turn upright, convert to RGB, and resize (bilinear, aspect not kept) where the size differs."""
        extent = self.extents[name]
        try:
            with extent.path.open("rb") as file:
                file.seek(extent.offset)
                return decode(file.read(extent.length), size)
        except OSError as error:
            raise UnreadablePhotoError(error.strerror or str(error)) from error

    def stamp(self, name: str) -> str:
        """The file's size in bytes."""
        return str(self.extents[name].length)


def decode(data: bytes, size: int) -> Photo:
    """An encoded photo as uint8 RGB (size, size, 3).

    Raises:
        UnreadablePhotoError: Not a photo, or a damaged or excessively large one.
        MissingDependency: Pillow is not installed.
    """
    pillow, operations = _pillow()
    try:
        with pillow.open(BytesIO(data)) as image:
            upright = operations.exif_transpose(image).convert("RGB")
    except Exception as error:  # decoders fail in many ways on damaged bytes, and no photo may end a run
        raise UnreadablePhotoError("empty file" if not data else _reason(error)) from error
    if upright.size != (size, size):
        upright = upright.resize((size, size), pillow.Resampling.BILINEAR)
    return np.asarray(upright, np.uint8)


def open_source(root: Path, *, what: str) -> FaceSet:
    """All photos below `root`: a folder root/person/photo, an uncompressed tar of that, or a folder with one such tar.

    Args:
        root: Folder or tar.
        what: Who asks, for messages, e.g. "data=lfw".

    Raises:
        DataError: Nothing there, no photos, several tars, or a tar that is damaged or compressed.
    """
    if not root.exists():
        raise DataError(
            f"{what}: there is nothing at data.root={root}; give a folder root/person/photo.jpg or a tar of it."
        )
    extents = dict(_in_tar(root) if root.is_file() else _in_folder(root))
    if not extents and root.is_dir():
        extents = dict(_in_tar(_only_tar(root)))
    if not extents:
        raise DataError(f"{what}: {root} holds no photos of the form person/photo with suffix {', '.join(SUFFIXES)}.")
    return FaceSet.of(extents, FileSource(extents))


def _in_folder(root: Path) -> Iterator[tuple[str, _Extent]]:
    for person in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for path in person.iterdir():
            if _is_photo(path.name) and path.is_file():
                yield f"{person.name}/{path.name}", _Extent(path, 0, path.stat().st_size)


def _in_tar(path: Path) -> Iterator[tuple[str, _Extent]]:
    """Names are the last two parts of the members' paths, so a leading folder in the tar does not matter."""
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                parts = member.name.rsplit("/", 2)[-2:]
                if member.isreg() and len(parts) == 2 and _is_photo(parts[1]):
                    yield "/".join(parts), _Extent(path, member.offset_data, member.size)
    except (OSError, tarfile.TarError) as error:
        raise DataError(
            f"{path} is not an uncompressed tar of photos ({error}); unpack it, or give a plain .tar."
        ) from error


def _only_tar(root: Path) -> Path:
    tars = sorted(root.glob("*.tar"))
    if len(tars) != 1:
        raise DataError(
            f"{root} holds no folders with photos and {len(tars)} tar files; give a folder root/person/photo.jpg, or "
            "the path of one tar."
        )
    return tars[0]


def _is_photo(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "not a photo" if "cannot identify" in text else text


def _pillow() -> tuple[ModuleType, ModuleType]:
    """PIL.Image and PIL.ImageOps."""
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingDependency("pillow", "torch", "Reading photos") from error
    return Image, ImageOps
