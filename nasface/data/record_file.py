"""RecordIO files of MXNet (`.rec` with `.idx`) as InsightFace uses them, read through a memory map and written.

A record is framed by dmlc-core: uint32 magic, uint32 with the kind in the upper 3 bits and the length in the others,
the data, zeros up to a multiple of four. Data that holds the magic at a multiple of four is cut there into records of
kind 1 (first), 2 (middle) and 3 (last), and the magic between them is left out. The data of a photo is a header (uint32
flag, float32 label, two uint64 numbers), `flag` float32 labels if flag is not 0, and the encoded photo. The `.idx` has
a line "key TAB offset" per record. All numbers are little-endian.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from nasface.data._base import UnreadablePhotoError
from nasface.errors import DataError
from nasface.reading import read_bytes

MAGIC: Final = struct.pack("<I", 0xCED7230A)
_HEADER: Final = struct.Struct("<IfQQ")
_FRAME: Final = struct.Struct("<4sI")
_LENGTH: Final = (1 << 29) - 1

Labels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Record:
    """One record: its labels, its number and its data."""

    labels: tuple[float, ...]
    id: int
    data: bytes

    def packed(self, *, scalar: bool) -> bytes:
        """Header and data, the labels as one number in the header or as an array after it."""
        if scalar:
            return _HEADER.pack(0, self.labels[0], self.id, 0) + self.data
        labels = np.asarray(self.labels, "<f4")
        return _HEADER.pack(len(labels), 0.0, self.id, 0) + labels.tobytes() + self.data


class RecordFile:
    """Reads records by their offset; opened on first use in every process, so it can be copied to others."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._map: mmap.mmap | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_map": None}

    @property
    def mapped(self) -> mmap.mmap:
        """The whole file, mapped."""
        if self._map is None:
            try:
                with self.path.open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError) as error:
                raise DataError(f"{self.path} cannot be read ({error}); give a RecordIO file that is whole.") from None
        return self._map

    def read(self, offset: int) -> Record:
        """The record at an offset.

        Raises:
            UnreadablePhotoError: There is no whole record.
        """
        data = self._joined(offset)
        if len(data) < _HEADER.size:
            raise UnreadablePhotoError(f"the record at byte {offset} has no header")
        flag, label, number, _ = _HEADER.unpack_from(data)
        start = _HEADER.size + 4 * flag
        if len(data) < start:
            raise UnreadablePhotoError(f"the record at byte {offset} ends in its labels")
        labels = struct.unpack_from(f"<{flag}f", data, _HEADER.size) if flag else (label,)
        return Record(labels, number, data[start:])

    def _joined(self, offset: int) -> bytes:
        """The data of a record, put together again where it was cut."""
        parts: list[bytes] = []
        file, begin = self.mapped, offset
        while offset + _FRAME.size <= len(file):
            magic, word = _FRAME.unpack_from(file, offset)
            kind, start, end = word >> 29, offset + _FRAME.size, offset + _FRAME.size + (word & _LENGTH)
            if magic != MAGIC or end > len(file) or kind > 3 or (kind in (2, 3)) != bool(parts):
                break
            parts.append(file[start:end])
            if kind in (0, 3):
                return MAGIC.join(parts)
            offset = end + -end % 4
        raise UnreadablePhotoError(f"there is no whole record at byte {begin} of {self.path.name}")

    def first_labels(self, offsets: npt.NDArray[np.int64]) -> tuple[Labels, npt.NDArray[np.bool_]]:
        """float32 (n,), the first label of every record, from the headers alone; and whether a record begins there.

        Raises:
            DataError: The file ends before.
        """
        file, found = np.frombuffer(self.mapped, np.uint8), np.empty(len(offsets), np.float32)
        there = np.empty(len(offsets), np.bool_)
        for start in range(0, len(offsets), 1 << 16):
            places = offsets[start : start + (1 << 16)]
            if len(places) and int(places.max()) + 36 > len(file):
                raise DataError(f"{self.path} ends before its index does; copy it again, both files of one version.")
            heads = file[places[:, None] + np.arange(36)]
            words = heads.view("<u4")
            there[start : start + len(places)] = words[:, 0] == struct.unpack("<I", MAGIC)[0]
            labels = heads.view("<f4")
            found[start : start + len(places)] = np.where(words[:, 2] > 0, labels[:, 8], labels[:, 3])
        return found, there

    def index(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Keys, ascending, and offsets of the whole records, found from frame to frame; for a file without its `.idx`.

        The keys are the numbers in the records, or where these are not distinct their places.
        """
        file, keys, offsets, place = self.mapped, list[int](), list[int](), 0
        while place + _FRAME.size + _HEADER.size <= len(file):
            magic, word = _FRAME.unpack_from(file, place)
            if magic != MAGIC:  # damage; within records no magic stands at a multiple of four
                place = self._next_magic(place)
                continue
            end = place + _FRAME.size + (word & _LENGTH)
            if word >> 29 in (0, 1) and end <= len(file):
                keys.append(_HEADER.unpack_from(file, place + _FRAME.size)[2])
                offsets.append(place)
            place = end + -end % 4
        distinct = len(set(keys)) == len(keys) and max(keys, default=0) < 2**63
        order = np.argsort(keys, kind="stable") if distinct else np.arange(len(keys))
        numbers = np.array(keys if distinct else range(len(keys)), np.int64)
        return numbers[order], np.array(offsets, np.int64)[order]

    def _next_magic(self, place: int) -> int:
        while (place := self.mapped.find(MAGIC, place + 1)) % 4 and place > 0:
            pass
        return place if place >= 0 else len(self.mapped)


def read_index(path: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Keys, ascending, and offsets of an `.idx`.

    Raises:
        DataError: The file is missing, empty or malformed.
    """
    try:
        text = read_bytes(path)
        table = np.loadtxt(io.BytesIO(text), np.int64, ndmin=2, comments=None) if text else np.empty((0, 2), np.int64)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not an index of a RecordIO file ({error}); a line is 'key TAB offset'.") from None
    if table.shape[1] != 2 or not len(table) or table.min() < 0:
        raise DataError(
            f"{path} is not an index of a RecordIO file; a line is 'key TAB offset', and there must be one."
        )
    table = table[np.argsort(table[:, 0], kind="stable")]
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


def write_record(file: BinaryIO, data: bytes) -> int:
    """Append the data of a record in its frames; returns the offset it begins at.

    Raises:
        DataError: It is too long for the format (512 MiB).
    """
    offset = file.tell()
    parts = _cut(data)
    for place, part in enumerate(parts):
        if len(part) > _LENGTH:
            raise DataError(f"A record of {len(part)} bytes is too long for RecordIO; it holds up to {_LENGTH}.")
        kind = 0 if len(parts) == 1 else 1 if place == 0 else 3 if place == len(parts) - 1 else 2
        file.write(_FRAME.pack(MAGIC, kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4))
    return offset


def _cut(data: bytes) -> Sequence[bytes]:
    """Data cut at every magic that stands at a multiple of four."""
    parts, start, found = [], 0, data.find(MAGIC)
    while found >= 0:
        if found % 4 == 0:
            parts.append(data[start:found])
            start = found + 4
        found = data.find(MAGIC, found + 4 if found % 4 == 0 else found + 1)
    return [*parts, data[start:]]
