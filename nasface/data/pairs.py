"""Files of pairs: those of Labeled Faces in the Wild, and what people make of them.

One pair a line: `name i j` for photos i and j of one person, `name1 i name2 j` for two people, or `path1 path2 1` and
`path1 path2 0`; separated by tabs, commas, semicolons or blanks. Photo i of a person is "name/name_%04d"; a path needs
no suffix. The first line may state folds and pairs of each kind per fold ("10 300": blocks of 300 genuine then 300
impostor pairs), a number of pairs, or the columns' names; it may be missing. Lines that begin with # and blank lines do
not count.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data._index import Strings, Texts, normal
from nasface.errors import DataError
from nasface.reading import parse_cells, read_text

logger = logging.getLogger(__name__)

MOST_DIGITS: Final = 9
"""Of a photo's number."""

FOLDS = 10
"""Folds made where a file has none."""


@dataclass(frozen=True, eq=False)
class NamedPairs:
    """Pairs by names of photos; `same` and `folds` are (n,)."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    same: npt.NDArray[np.bool_]
    folds: npt.NDArray[np.int64]


def read_pairs(path: Path, names: Iterable[str]) -> NamedPairs:
    """Read a file of pairs.

    Args:
        path: The file.
        names: Names "person/file" of the photos there are; a pair's photo gets the suffix it has there.

    Raises:
        DataError: The file is missing or empty, a line is malformed, its header does not fit, it has too few pairs for
            folds, or it says of two people's photos that they show one. Photos that are not in `names` are kept under
            their ".jpg" name, for `Pairs.of` to report.
    """
    try:
        text = normal(read_text(path))
    except (OSError, ValueError) as error:
        raise DataError(
            f"The pairs file {path} cannot be read ({error}); give a text file or data.pairs=none."
        ) from error
    known = names if isinstance(names, Texts) else Strings.of(sorted(names))
    try:
        lines = [(number, fields) for number, fields in _lines(text) if fields]
    except ValueError as error:
        raise DataError(f"{path} is no file of pairs ({error}); mend or remove the line.") from None
    header = [int(word) for word in lines[0][1]] if lines and _is_header(lines[0][1]) else []
    if lines and (header or _is_heading(lines[0][1])):
        lines = lines[1:]
    rows = [_pair(fields, number, path, known) for number, fields in lines]
    if not rows:
        raise DataError(f"The pairs file {path} has no pairs; give one pair a line or data.pairs=none.")
    same = np.array([row[2] for row in rows], np.bool_)
    if twice := sum(first == second for first, second, _ in rows):
        logger.warning(
            "%d of the %d pairs of %s are of a photo with itself, which any network gets right", twice, len(rows), path
        )
    folds = _blocks(header, same, path) if len(header) == 2 and header[0] > 1 else stratified_folds(same)
    return NamedPairs(tuple(row[0] for row in rows), tuple(row[1] for row in rows), same, folds)


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Fields of every line, by its number from 1; comments and blank lines have none."""
    rows = text.splitlines()
    content = [row for row in rows if row.strip() and not row.lstrip().startswith("#")]
    separator = next((mark for mark in ("\t", ",", ";") if any(mark in row for row in content)), None)
    for number, row in enumerate(rows, 1):
        if not row.strip() or row.lstrip().startswith("#"):
            yield number, []
        elif separator is None:
            yield number, _words(row)
        else:
            try:
                fields = parse_cells(row, separator)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
            yield number, [field.strip() for field in fields if field.strip()]


def _words(row: str) -> list[str]:
    """A line without separators: names may hold blanks, numbers of photos tell where they end."""
    spans = [match.span() for match in re.finditer(r"\S+", row)]
    words = [row[start:end] for start, end in spans]
    named = [place for place, word in enumerate(words) if not word.isdecimal()]
    if not named or len(words) < 3 or named[-1] == len(words) - 1:
        return words

    def joined(first: int, last: int) -> str:
        return row[spans[first][0] : spans[last][1]]

    if named[-1] < len(words) - 2:
        return [joined(0, len(words) - 3), *words[-2:]]
    for place in range(len(words) - 3, named[0], -1):
        if words[place].isdecimal():
            return [joined(0, place - 1), words[place], joined(place + 1, len(words) - 2), words[-1]]
    return words


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
    return len(words) <= 2 and all(map(_is_number, words))


def _is_number(word: str) -> bool:
    """Of a photo, or a count of pairs."""
    return word.isdecimal() and len(word) <= MOST_DIGITS


def _is_heading(words: list[str]) -> bool:
    """Whether it names the columns, as tables on the web do."""
    return all(re.fullmatch(r"[A-Za-z_. ]+\d?", word) for word in words)


def _pair(fields: list[str], number: int, path: Path, known: Texts) -> tuple[str, str, bool]:
    if len(fields) == 3 and fields[2] in ("0", "1", "-1") and not fields[1].isdecimal():
        return _paths(fields, number, path, known)
    if len(fields) == 3:
        fields = [*fields[:2], fields[0], fields[2]]
    if len(fields) != 4 or not (_is_number(fields[1]) and _is_number(fields[3])):
        raise DataError(
            f"Line {number} of {path} is not a pair: {' '.join(fields)!r:.100}; allowed are 'name i j', "
            "'name1 i name2 j' and 'path1 path2 0|1'."
        )
    stems = [f"{name}/{name}_{int(index):04d}" for name, index in (fields[:2], fields[2:])]
    first, second = (known.stem(stem) or f"{stem}.jpg" for stem in stems)
    return first, second, fields[0] == fields[2]


def _paths(fields: list[str], number: int, path: Path, known: Texts) -> tuple[str, str, bool]:
    """A pair by paths of photos, and whether they show one person."""
    first, second = (_by_path(text, known) for text in fields[:2])
    same = fields[2] == "1"
    if same != (first.rpartition("/")[0] == second.rpartition("/")[0]):
        said = "one person" if same else "two people"
        raise DataError(
            f"Line {number} of {path} says that {fields[0]} and {fields[1]} show {said}, and by their folders they do "
            "not; mend the line or the folders."
        )
    return first, second, same


def _by_path(text: str, known: Texts) -> str:
    """The photo "person/file" of a path or of one without its suffix."""
    name = "/".join(text.replace("\\", "/").rsplit("/", 2)[-2:])
    if known.find(name) >= 0:
        return name
    return known.stem(name) or (name if "." in name.rpartition("/")[2] else f"{name}.jpg")


def _blocks(header: list[int], same: npt.NDArray[np.bool_], path: Path) -> npt.NDArray[np.int64]:
    folds, size = header
    block = np.repeat([True, False], size)
    if not np.array_equal(same, np.tile(block, folds)):
        raise DataError(
            f"{path} says {folds} folds of {size} + {size} pairs and has {len(same)} pairs, or in another order; "
            "leave the first line out to have folds made."
        )
    return np.repeat(np.arange(folds, dtype=np.int64), 2 * size)
