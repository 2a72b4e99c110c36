"""Files of pairs in the formats of Labeled Faces in the Wild.

One pair a line: `name i j` for photos i and j of one person, `name1 i name2 j` for two people, separated by tabs (or
by blanks where no line has a tab). Photo i of a person is "name/name_%04d". The first line may state folds and pairs of
each kind per fold ("10 300": blocks of 300 genuine then 300 impostor pairs), or a number of pairs, or be missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.data._index import Strings, Texts
from nasface.errors import DataError

FOLDS = 10
"""Folds made where a file has none."""


@dataclass(frozen=True, eq=False)
class NamedPairs:
    """Pairs by names of photos; `same` and `folds` are (n,)."""

    first: list[str]
    second: list[str]
    same: npt.NDArray[np.bool_]
    folds: npt.NDArray[np.int64]


def read_pairs(path: Path, names: Iterable[str]) -> NamedPairs:
    """Read a file of pairs.

    Args:
        path: The file.
        names: Names "person/file" of the photos there are; a pair's photo gets the suffix it has there.

    Raises:
        DataError: The file is missing or empty, a line is malformed, its header does not fit, or it has too few pairs
            for folds. Photos that are not in `names` are kept under their ".jpg" name, for `Pairs.of` to report.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The pairs file {path} cannot be read ({error}); give a text file or data.pairs=none."
        ) from error
    separator = "\t" if "\t" in text else None
    lines = [line.split(separator) for line in text.splitlines() if line.strip()]
    header = [int(word) for word in lines[0]] if lines and _is_header(lines[0]) else []
    known = names if isinstance(names, Texts) else Strings.of(sorted(names))
    body = lines[1 if header else 0 :]
    rows = [_pair(line, number + (2 if header else 1), path, known) for number, line in enumerate(body)]
    if not rows:
        raise DataError(f"The pairs file {path} has no pairs; give one pair a line or data.pairs=none.")
    same = np.array([row[2] for row in rows], np.bool_)
    folds = _blocks(header, same, path) if len(header) == 2 and header[0] > 1 else stratified_folds(same)
    return NamedPairs([row[0] for row in rows], [row[1] for row in rows], same, folds)


def stratified_folds(same: npt.NDArray[np.bool_], folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """Folds (n,) for pairs that have none, each with its share of genuine and of impostor pairs.

    The genuine pairs, in their order, are cut into `folds` runs of equal length to within one, and so are the impostor
    pairs. Runs, not turns: files are sorted by person, so a person's pairs mostly stay in one fold, whose threshold is
    chosen on other people.

    Raises:
        DataError: Fewer pairs of a kind than folds.
    """
    result = np.empty(len(same), np.int64)
    for kind in (True, False):
        members = np.flatnonzero(same == kind)
        if len(members) < folds:
            raise DataError(
                f"{folds} folds need at least {folds} pairs of one person and {folds} of two people; there are "
                f"{int(same.sum())} and {int((~same).sum())}: give more pairs."
            )
        result[members] = np.arange(len(members)) * folds // len(members)
    return result


def _is_header(words: list[str]) -> bool:
    return len(words) <= 2 and all(word.strip().isdecimal() for word in words)


def _pair(words: list[str], number: int, path: Path, known: Texts) -> tuple[str, str, bool]:
    fields = [word.strip() for word in words]
    if len(fields) == 3:
        fields.insert(2, fields[0])
    if len(fields) != 4 or not (fields[1].isdecimal() and fields[3].isdecimal()):
        raise DataError(
            f"Line {number} of {path} is not a pair: {' '.join(words)!r}; allowed are 'name i j' and 'name1 i name2 j'."
        )
    stems = [f"{name}/{name}_{int(index):04d}" for name, index in (fields[:2], fields[2:])]
    first, second = (known.stem(stem) or f"{stem}.jpg" for stem in stems)
    return first, second, fields[0] == fields[2]


def _blocks(header: list[int], same: npt.NDArray[np.bool_], path: Path) -> npt.NDArray[np.int64]:
    folds, size = header
    block = np.repeat([True, False], size)
    if not np.array_equal(same, np.tile(block, folds)):
        raise DataError(
            f"{path} says {folds} folds of {size} + {size} pairs and has {len(same)} pairs, or in another order; "
            "leave the first line out to have folds made."
        )
    return np.repeat(np.arange(folds, dtype=np.int64), 2 * size)
