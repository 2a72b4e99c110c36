"""All photos of a set, decoded once into one file that is mapped into memory.

`FINGERPRINT_SIZE.npy` holds uint8 (n, size, size, 3), ready for `numpy.load(..., mmap_mode="r")`, and stands there only
when it is complete; `FINGERPRINT_SIZE.json` beside it says which photos could not be read. Until then the pixels grow
in a `.part` with a `.progress` of what is safely on the disk, so that a killed run goes on where it was.
"""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet, Photos, Skipped, check_size, report_skipped
from nasface.errors import DataError
from nasface.reading import check_shape, json_object, read_array, read_json
from nasface.runs import locked, write_json

logger = logging.getLogger(__name__)

BLOCK: Final = 1024
"""Photos between two points that a killed run can go on from."""


@dataclass
class _Decoded:
    """How many photos have been tried, and which of them could not be read, by row."""

    tried: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def written(self) -> int:
        return self.tried - len(self.skipped)


def cached(faces: FaceSet, size: int, folder: Path) -> Photos:
    """All photos of a set, their pixels in a memory-mapped file, decoded if that has not been done.

    Processes that ask for the same file wait for the one that makes it.

    Args:
        faces: The set.
        size: Side of the square photos, in pixels.
        folder: Where caches lie; made if absent. A cache is known by the set's fingerprint and the size.

    Returns:
        The photos that could be read, in order; `images` is read-only.

    Raises:
        DataError: The disk is full or the folder cannot be written; none of the photos can be read.
        InvalidInput: The size is below 1.
    """
    check_size(size)
    stem = folder / f"{faces.fingerprint[:16]}_{size}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(stem.with_suffix(".lock")):
            if _finished(stem, faces, size) is None:
                _make(stem, faces, size)
    except OSError as error:
        need = len(faces) * size * size * 3 / 1e9
        raise DataError(
            f"The cache of {len(faces)} photos in {folder} cannot be written ({error.strerror or error}); it needs "
            f"{need:.1f} GB: make room or give another folder, and the same command goes on where it was."
        ) from error
    progress = _finished(stem, faces, size)
    if progress is None:
        raise DataError(f"The cache {stem}.npy vanished while it was opened; give a folder that nothing else clears.")
    return _open(stem, faces, progress)


def _open(stem: Path, faces: FaceSet, progress: _Decoded) -> Photos:
    images: npt.NDArray[np.uint8] = np.asanyarray(read_array(stem.with_suffix(".npy")), np.uint8)
    rows = np.delete(np.arange(len(faces), dtype=np.int64), [int(row) for row in progress.skipped])
    skipped = tuple(Skipped(faces.names[int(row)], reason) for row, reason in progress.skipped.items())
    report_skipped(skipped, len(faces))
    return Photos(images, rows, faces.labels[rows].astype(np.int64), skipped)


def _finished(stem: Path, faces: FaceSet, size: int) -> _Decoded | None:
    """What is known of a complete cache, or None if there is none that fits."""
    facts = _read_json(stem.with_suffix(".json"))
    if facts.get("fingerprint") != faces.fingerprint or facts.get("size") != size:
        return None
    progress = _Decoded(facts["tried"], facts["skipped"])
    bytes_due = len(_header(progress.written, size)) + progress.written * size * size * 3
    path = stem.with_suffix(".npy")
    return progress if path.is_file() and path.stat().st_size == bytes_due else None


def _make(stem: Path, faces: FaceSet, size: int) -> None:
    """Decode what the `.part` lacks, then give it its name."""
    part, log = stem.with_suffix(".part"), stem.with_suffix(".progress")
    start, pixels = len(_header(len(faces), size)), size * size * 3
    progress = _resume(log, part, faces.fingerprint, start, pixels)
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.truncate(start + progress.written * pixels)
        file.seek(0, os.SEEK_END)
        while progress.tried < len(faces):
            rows = np.arange(progress.tried, min(progress.tried + BLOCK, len(faces)), dtype=np.int64)
            images, read, skipped = faces.read(rows, size)
            append(file, images)
            missed = np.delete(rows, read).tolist()
            progress.skipped |= {str(row): skip.reason for row, skip in zip(missed, skipped, strict=True)}
            progress.tried += len(rows)
            write_json(log, {"fingerprint": faces.fingerprint, **asdict(progress)})
        file.seek(0)
        append(file, np.frombuffer(_header(progress.written, size), np.uint8))
    write_json(stem.with_suffix(".json"), {"fingerprint": faces.fingerprint, "size": size, **asdict(progress)})
    part.replace(stem.with_suffix(".npy"))
    log.unlink()


def _resume(log: Path, part: Path, fingerprint: str, start: int, pixels: int) -> _Decoded:
    """Where an interrupted run was, if its pixels are still there."""
    facts = _read_json(log)
    if facts.get("fingerprint") != fingerprint or not part.is_file():
        return _Decoded()
    progress = _Decoded(facts["tried"], facts["skipped"])
    if part.stat().st_size < start + progress.written * pixels:
        return _Decoded()
    logger.info("going on with %s after %d photos", part.name, progress.tried)
    return progress


def append(file: BinaryIO, values: npt.NDArray[np.uint8]) -> None:
    """Write and wait for the disk: not through a memory map, where a full disk kills the process."""
    file.write(values.tobytes())
    file.flush()
    os.fsync(file.fileno())


def _header(count: int, size: int) -> bytes:
    """The first bytes of the `.npy`; numpy pads them so that they are equally many for every count."""
    file = BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    np.lib.format.write_array_header_1_0(file, shape)
    return file.getvalue()


def _read_json(path: Path) -> dict[str, Any]:
    """What is noted; nothing if there is none, or a damaged one."""
    try:
        content = json_object(read_json(path))
        check_shape(content, {"tried": int, "skipped": {"*": str}})
    except (OSError, ValueError):
        return {}
    rows = range(content["tried"])
    return content if all(row.isdecimal() and int(row) in rows for row in content["skipped"]) else {}
