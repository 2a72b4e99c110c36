"""Photos that lie on both sides: who is reported on must not have been seen before, not even under another name."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from typing import Final, Protocol, runtime_checkable

from nasface.data._base import FaceSet, PhotoSource, UnreadablePhotoError
from nasface.data._data import FaceData
from nasface.errors import listing

logger = logging.getLogger(__name__)

MOST_COMPARED: Final = 100_000
"""Files of equal size whose content is looked at, at most: some seconds."""


@runtime_checkable
class FileSource(PhotoSource, Protocol):
    """A source whose fingerprints are sizes of files, which it also gives as they are."""

    def encoded(self, row: int) -> bytes:
        """The file; raises `UnreadablePhotoError`."""
        ...


def report_repeated(data: FaceData) -> None:
    """Log report photos that are also, to the byte, training or validation photos; of folders and tars of photos."""
    if data.report is None:
        return
    seen = [part for part in (data.training, data.validation) if part is not None]
    found = [pair for part in seen for pair in repeated(part, data.report)]
    if found:
        logger.warning(
            "%d of the report people's photos are training or validation photos too, to the byte (%s); what is "
            "measured on them is not of strangers: remove one of each, or list the people together",
            len({report for _, report in found}),
            listing([f"{report} is {known}" for known, report in found], 3),
        )


def repeated(one: FaceSet, other: FaceSet) -> list[tuple[str, str]]:
    """Names of photos of the one set and of the other with equal files; none where the sources have no files."""
    if not isinstance(one.source, FileSource) or one.source is not other.source:
        return []
    source, sizes = one.source, one.source.fingerprint
    rows: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, part in enumerate((one, other)):
        for row in part.rows.tolist():
            rows[sizes(row)][side].append(row)
    common = [both for both in rows.values() if all(both)]
    if sum(len(side) for both in common for side in both) > MOST_COMPARED:
        logger.info(
            "whether photos lie in two sets was not looked at: more than %d have sizes in common", MOST_COMPARED
        )
        return []
    names = source.index.names
    found = []
    for known, reported in common:
        contents = {digest: row for row in known if (digest := _digest(source, row))}
        found += [
            (names[contents[digest]], names[row]) for row in reported if (digest := _digest(source, row)) in contents
        ]
    return found


def _digest(source: FileSource, row: int) -> bytes:
    """Of the file; nothing if it cannot be read."""
    try:
        return hashlib.blake2b(source.encoded(row), digest_size=16).digest()
    except UnreadablePhotoError:
        return b""
