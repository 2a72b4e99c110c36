"""Photos into one RecordIO file in InsightFace's format, pairs into a `.bin`: few files, sequential, resized once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import numpy as np

from nasface.data._base import FaceSet, Photo, Skipped, report_skipped
from nasface.data._data import FaceData, Pairs
from nasface.data.decoding import pillow_modules
from nasface.data.people import ROLES
from nasface.data.record_file import Record, write_record
from nasface.data.recordio import NAMES
from nasface.data.verification_bin import write_bin
from nasface.errors import DataError, InvalidInput, UnknownName
from nasface.runs import atomic_write, held, remove_leftovers, write_text

FORMATS: Final = ("jpeg", "png")
_BLOCK: Final = 512


@dataclass(frozen=True)
class Encoding:
    """How photos are written.

    Attributes:
        size: Side of the square, in pixels.
        format: One of `FORMATS`; PNG is without loss and about three times as large.
        quality: Of JPEG, 1 to 100; colours are kept at full resolution.

    Raises:
        UnknownName: There is no such format.
        InvalidInput: Size or quality are outside what is allowed.
    """

    size: int = 112
    format: str = "jpeg"
    quality: int = 95

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UnknownName("pack.format", self.format, FORMATS)
        if self.size < 1 or not 1 <= self.quality <= 100:
            raise InvalidInput(
                f"Photos cannot be packed with {self.size} pixels and quality {self.quality}; give pack.size of 1 or "
                "more and pack.quality of 1 to 100."
            )

    def encode(self, photo: Photo) -> bytes:
        """The bytes of a photo uint8 (size, size, 3)."""
        pillow, _ = pillow_modules()
        file = BytesIO()
        options = {"quality": self.quality, "subsampling": 0} if self.format == "jpeg" else {}
        pillow.fromarray(photo).save(file, self.format, **options)
        return file.getvalue()


@dataclass(frozen=True)
class Packed:
    """What was written: numbers of photos, people and pairs, and what was left out because it cannot be read."""

    photos: int
    people: int
    pairs: int
    skipped: tuple[Skipped, ...]


def pack(data: FaceData, folder: Path, encoding: Encoding, progress: Callable[[int, int], None]) -> Packed:
    """Write train.rec, train.idx, property, names.txt, lists of people by role, and pairs.bin.

    `data=recordio data.root=FOLDER` then gives the same people the same roles. The `.rec` gets its name last, so that a
    folder with one is whole. Equal photos give equal bytes.

    Args:
        data: The photos.
        folder: Made if absent; must not hold a train.rec, nor, where there are no photos to pack, a pairs.bin.
        encoding: How.
        progress: Told after every block how many photos are done, of how many.

    Raises:
        DataError: The folder holds packed photos, the disk is full, or none of the photos can be read.
    """
    faces = data.everything
    last = "train.rec" if faces else "pairs.bin"
    try:
        with held(folder / ".lock", f"{folder} is being packed into", "or give another pack.out", DataError):
            if (folder / last).exists():
                raise DataError(f"{folder} holds a {last} already; give another folder as pack.out, or remove it.")
            remove_leftovers(folder)
            pairs, missed = _pack_pairs(data.pairs, folder / "pairs.bin", encoding) if data.pairs else (0, ())
            photos, people, skipped = _pack_photos(data, faces, folder, encoding, progress) if faces else (0, 0, ())
    except OSError as error:
        raise DataError(
            f"Photos cannot be packed into {folder} ({error.strerror or error}); make room or give another folder."
        ) from error
    return Packed(photos, people, pairs, tuple(dict.fromkeys([*skipped, *missed])))


def _pack_photos(
    data: FaceData, faces: FaceSet, folder: Path, encoding: Encoding, progress: Callable[[int, int], None]
) -> tuple[int, int, tuple[Skipped, ...]]:
    """Number of photos and people written, and what cannot be read."""
    with ExitStack() as stack:
        path = stack.enter_context(atomic_write(folder / "train.rec"))  # entered first, so it is renamed last
        index, names = (stack.enter_context(atomic_write(folder / name)) for name in ("train.idx", NAMES))
        with path.open("wb") as records, index.open("w") as keys, names.open("wb") as listed:
            writer = _Writer(records, keys, listed)
            skipped = _write_all(writer, faces, encoding, progress)
            report_skipped(skipped, len(faces))
            writer.finish()
        write_text(folder / "property", f"{len(writer.starts)},{encoding.size},{encoding.size}\n")
        for role in ROLES if not data.closed_set else ():
            part = data.parts[role]
            if part is not None:
                write_text(folder / f"{role}_people.txt", "".join(f"{person}\n" for person in part.people))
    return writer.key, len(writer.starts), skipped


def _write_all(
    writer: _Writer, faces: FaceSet, encoding: Encoding, progress: Callable[[int, int], None]
) -> tuple[Skipped, ...]:
    missed: list[Skipped] = []
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(faces), _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, len(faces)), dtype=np.int64)
            images, read, skipped = faces.read(rows, encoding.size)
            missed += skipped
            for row, photo in zip(rows[read].tolist(), pool.map(encoding.encode, images), strict=True):
                writer.add(faces.names[row], photo)
            progress(int(rows[-1]) + 1, len(faces))
    return tuple(missed)


class _Writer:
    """Writes records in InsightFace's order: record 0, photos from key 1 on, then a record per person."""

    def __init__(self, records: BinaryIO, index: TextIO, names: BinaryIO) -> None:
        self._records, self._index, self._names = records, index, names
        self.starts: list[int] = []
        self.key = 0
        self._person: str | None = None
        self._put(0, Record((0.0, 0.0), 0, b""), scalar=False)  # the numbers are not known yet

    def add(self, name: str, photo: bytes) -> None:
        """The next photo; those of one person follow each other."""
        if "\n" in name:
            raise DataError(f"The photo {name!r} has a line break in its name, which {NAMES} cannot hold; rename it.")
        self.key += 1
        person = name.rpartition("/")[0]
        if person != self._person:
            self._person = person
            self.starts.append(self.key)
        self._put(self.key, Record((len(self.starts) - 1.0,), self.key, photo), scalar=True)
        self._names.write(f"{name}\n".encode("utf-8", "surrogateescape"))

    def finish(self) -> None:
        """Write the records of people, and record 0 once more."""
        ends: Sequence[int] = [*self.starts[1:], self.key + 1]
        first = self.key + 1
        for number, (start, end) in enumerate(zip(self.starts, ends, strict=True)):
            self._put(first + number, Record((start, end), first + number, b""), scalar=False)
        self._records.seek(0)
        head = Record((first, first + len(self.starts)), 0, b"")
        write_record(self._records, head.packed(scalar=False))

    def _put(self, key: int, record: Record, *, scalar: bool) -> None:
        offset = write_record(self._records, record.packed(scalar=scalar))
        self._index.write(f"{key}\t{offset}\n")


def _pack_pairs(pairs: Pairs, path: Path, encoding: Encoding) -> tuple[int, tuple[Skipped, ...]]:
    """Number of pairs written, fold by fold, and photos that cannot be read, whose pairs are left out."""
    photos = pairs.photos.load(size=encoding.size)
    kept = pairs.keep(photos.indices)
    with ThreadPoolExecutor(2) as pool:
        encoded = list(pool.map(encoding.encode, photos.images))
    order = np.argsort(kept.folds, kind="stable")
    rows = np.stack([kept.first[order], kept.second[order]], axis=1).ravel()
    write_bin(path, [encoded[row] for row in rows.tolist()], kept.same[order].tolist())
    return len(kept), photos.skipped
