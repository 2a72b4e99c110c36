"""Sets of photos as large as one likes, without the photos: what a set costs before any is read."""

from __future__ import annotations

from pathlib import Path

from nasface.data.record_file import Record, write_record

_PHOTO_BYTES = 4800
"""A face of 112 pixels as JPEG."""


def write_records(folder: Path, photos: int, people: int) -> Path:
    """A `.rec` in InsightFace's format with its `.idx`, for `photos` photos spread evenly over `people`.

    Of every person only the first photo has a record, without an image: nothing else is read when a set is opened. The
    file has holes for the others, so that it is large only in name.

    Returns:
        The `.rec`.
    """
    path, first = folder / "train.rec", photos + 1
    starts = [1 + person * photos // people for person in range(people)]
    ends = [*starts[1:], first]
    with path.open("wb") as records, path.with_suffix(".idx").open("w") as index:
        write_record(records, Record((first, first + people), 0, b"").packed(scalar=False))
        begin = records.tell()
        index.write("0\t0\n")
        index.writelines(f"{key}\t{begin + (key - 1) * _PHOTO_BYTES}\n" for key in range(1, first))
        for person, key in enumerate(starts):
            records.seek(begin + (key - 1) * _PHOTO_BYTES)
            write_record(records, Record((float(person),), key, b"none").packed(scalar=True))
        records.seek(begin + photos * _PHOTO_BYTES)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            record = Record((start, end), first + number, b"")
            index.write(f"{first + number}\t{write_record(records, record.packed(scalar=False))}\n")
    return path
