"""Photos in folders or in an uncompressed tar: root/person/file, decoded with Pillow (extra [torch])."""

from __future__ import annotations

import logging
import os
import tarfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Photo, UnreadablePhotoError
from nasface.data._index import PhotoIndex, Strings
from nasface.errors import DataError, MissingDependency, listing

logger = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")

DRAFT = 2
"""JPEGs are decoded at a fraction of their size while that is at least so many times what is wanted. Against decoding
all of it, 600 px to 112 px takes half the time; faces differ by 0.2 of 255 on average and at most 2, coloured noise by
1.5 and at most 11."""


@dataclass(frozen=True, eq=False)
class FolderSource:
    """Photos in files, one folder per person. Files are looked at when they are read, not before."""

    index: PhotoIndex
    folders: Mapping[str, str] = field(repr=False)

    def photo(self, row: int, size: int) -> Photo:
        """Decode, turn upright, convert to RGB, and resize (bilinear, aspect not kept) where the size differs."""
        try:
            return decode(self.path(row).read_bytes(), size)
        except OSError as error:
            raise UnreadablePhotoError(error.strerror or str(error)) from error

    def fingerprint(self, row: int) -> str:
        """The file's size in bytes."""
        try:
            return str(self.path(row).stat().st_size)
        except OSError:
            return "absent"

    def path(self, row: int) -> Path:
        """The photo's file."""
        person, _, file = self.index.names[row].rpartition("/")
        return Path(self.folders[person], file)


@dataclass(frozen=True, eq=False)
class TarSource:
    """Photos in a tar: where each begins and how long it is, in bytes. Keeps no file open."""

    index: PhotoIndex
    tar: Path
    offsets: npt.NDArray[np.int64] = field(repr=False)
    lengths: npt.NDArray[np.int64] = field(repr=False)

    def photo(self, row: int, size: int) -> Photo:
        """As `FolderSource.photo`."""
        try:
            with self.tar.open("rb") as file:
                file.seek(int(self.offsets[row]))
                return decode(file.read(int(self.lengths[row])), size)
        except OSError as error:
            raise UnreadablePhotoError(error.strerror or str(error)) from error

    def fingerprint(self, row: int) -> str:
        """The photo's size in bytes."""
        return str(self.lengths[row])


def decode(data: bytes, size: int) -> Photo:
    """An encoded photo as uint8 RGB (size, size, 3).

    Raises:
        UnreadablePhotoError: Not a photo, or a damaged or excessively large one.
        MissingDependency: Pillow is not installed.
    """
    pillow, _ = pillow_modules()
    upright = _upright(data, DRAFT * size)
    if upright.size != (size, size):
        upright = upright.resize((size, size), pillow.Resampling.BILINEAR)
    return np.asarray(upright, np.uint8)


def decode_whole(data: bytes) -> Photo:
    """An encoded photo as uint8 RGB (height, width, 3), upright, as large as it is; errors as `decode`."""
    return np.asarray(_upright(data, None), np.uint8)


def _upright(data: bytes, enough: int | None) -> Any:
    """An encoded photo as an upright RGB image of Pillow, at least `enough` pixels wide and high if it is."""
    pillow, operations = pillow_modules()
    try:
        with pillow.open(BytesIO(data)) as image:
            if enough is not None:
                image.draft(None, (enough, enough))
            return operations.exif_transpose(image).convert("RGB")
    except Exception as error:  # decoders fail in many ways on damaged bytes, and no photo may end a run
        raise UnreadablePhotoError("empty file" if not data else _reason(error)) from error


def open_source(root: Path, *, what: str) -> FaceSet:
    """All photos below `root`: a folder root/person/photo, an uncompressed tar of that, or a folder with one such tar.

    Folders of people without a photo are passed over, counted and logged.

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
    source: FolderSource | TarSource = _in_tar(root) if root.is_file() else scan_folders([root])
    if not len(source.index) and root.is_dir():
        source = _in_tar(_only_tar(root))
    if not len(source.index):
        raise DataError(f"{what}: {root} holds no photos of the form person/photo with suffix {', '.join(SUFFIXES)}.")
    return FaceSet.all(source)


def scan_folders(roots: Sequence[Path]) -> FolderSource:
    """The photos in folders of people below one or more roots; asks the file system for names only.

    Raises:
        DataError: A person has a folder below two of the roots.
    """
    folders: dict[str, str] = {}
    for root in roots:
        for person in _entries(root, directories=True):
            if person in folders:
                raise DataError(f"{person} has photos in {folders[person]} and in {root}; a person needs one folder.")
            folders[person] = str(root / person)
    labels, empty, people = array("i"), list[str](), sorted(folders)
    code = {person: row for row, person in enumerate(people)}

    def names() -> Iterator[str]:
        for person in sorted(folders, key=lambda name: f"{name}/"):
            files = [name for name in _entries(folders[person], directories=False) if is_photo(name)]
            if not files:
                empty.append(person)
            for file in sorted(files):
                labels.append(code[person])
                yield f"{person}/{file}"

    index = PhotoIndex(Strings.of(names()), np.frombuffer(labels, np.int32), tuple(people))
    if empty and len(index):
        logger.warning("passed over %d of %d folders without a photo: %s", len(empty), len(people), listing(empty))
    return FolderSource(index, folders)


def _entries(folder: str | Path, *, directories: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and (entry.is_dir() if directories else entry.is_file()):
                yield entry.name


def _in_tar(path: Path) -> TarSource:
    """Names are the last two parts of the members' paths, so a leading folder in the tar does not matter."""
    offsets, lengths = array("q"), array("q")

    def names() -> Iterator[str]:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                parts = member.name.rsplit("/", 2)[-2:]
                if member.isreg() and len(parts) == 2 and is_photo(parts[1]):
                    offsets.append(member.offset_data)
                    lengths.append(member.size)
                    yield "/".join(parts)
                tar.members.clear()  # type: ignore[attr-defined]  # else it keeps about a kilobyte for every photo

    try:
        found = Strings.of(names())
    except (OSError, tarfile.TarError) as error:
        raise DataError(
            f"{path} is not an uncompressed tar of photos ({error}); unpack it, or give a plain .tar."
        ) from error
    last = {name: row for row, name in enumerate(found)}  # of two members of one name the last counts, as in unpacking
    order = np.array([last[name] for name in sorted(last)], np.int64)
    index = PhotoIndex.ascending(Strings.of(found[row] for row in order.tolist()))
    return TarSource(index, path, np.frombuffer(offsets, np.int64)[order], np.frombuffer(lengths, np.int64)[order])


def _only_tar(root: Path) -> Path:
    tars = sorted(root.glob("*.tar"))
    if len(tars) != 1:
        raise DataError(
            f"{root} holds no folders with photos and {len(tars)} tar files; give a folder root/person/photo.jpg, or "
            "the path of one tar."
        )
    return tars[0]


def is_photo(name: str) -> bool:
    """Whether a file of this name is taken for a photo."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "not a photo" if "cannot identify" in text else text


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
