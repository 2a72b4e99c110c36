"""Files that somebody brought, read within bounds of size, depth and digits.

Whatever is read here raises `OSError` (it cannot be read) or `ValueError` (it is not what it should be), with the
reason and nothing else, so that whoever asked catches the two, and adds the file, what is allowed and what to do.
Nothing here runs what a file holds. No other module opens foreign files by itself (tests/test_architecture.py).
"""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

MOST_TEXT_BYTES: Final = 2**28
"""Size beyond which a file is not read as a text."""

MOST_BYTES: Final = 2**34
"""Size beyond which no file is read into memory."""

_PART: Final = 2**20

MOST_DIGITS: Final = 100
"""Digits of a whole number; states of random generators have 39."""

MOST_LITERAL: Final = 100_000
"""Characters of what Python prints."""

MOST_UNPACKED: Final = 20
"""A packed file may unpack to so many times its own size; numbers hardly compress."""


_POINTER: Final = b"version https://git-lfs.github.com/spec/"


Shape: TypeAlias = "type | tuple[type, ...] | list[Shape] | Mapping[str, Shape]"
"""What JSON may be: a type, or several; [of all items]; {key: of its value}, where "key?" may be absent, and "*" is
every key that is not named."""

SCALAR: Final = (str, float, bool, type(None))
"""The shape of a text, number, truth value or null."""


class Rows(NamedTuple):
    """A CSV text with a heading.

    Attributes:
        columns: The heading.
        rows: Cells by column, a dictionary a line; those that a line lacks are None, those too many stand under None.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, str]]


def read_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """A whole file, of at most so many bytes.

    Raises:
        OSError: It cannot be read.
        ValueError: It is larger, no file but a device without an end, or a Git-LFS pointer.
    """
    with path.open("rb") as file:
        found = path.stat()
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
            raise ValueError("it is a device and no file")
        parts, size = [], found.st_size
        while size <= most_bytes and (part := file.read(_PART)):  # a pipe does not say how much will come
            parts.append(part)
            size = max(size, sum(map(len, parts)))
    if size > most_bytes:
        raise ValueError(f"it is larger than {most_bytes / 1e6:.0f} MB, which no such file is")
    content = b"".join(parts)
    _check_no_pointer(content)
    return content


def files_of(path: Path) -> list[Path]:
    """The files of a folder in the order of their paths; a file alone."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def read_contents(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """All bytes of what is a file or a folder: of a folder, those of its files in the order of their paths.

    Raises:
        OSError: Something of it cannot be read.
        ValueError: See `read_bytes`.
    """
    return b"".join(read_bytes(file, most_bytes) for file in files_of(path))


def check_fetched(path: Path) -> None:
    """Refuse a Git-LFS pointer, the short text that stands for a file until that is fetched.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is one; with what to do.
    """
    if path.is_file():  # nothing is taken out of a pipe
        with path.open("rb") as file:
            _check_no_pointer(file.read(len(_POINTER)))


def _check_no_pointer(content: bytes) -> None:
    if content.startswith(_POINTER):
        raise ValueError("it is a Git-LFS pointer and not the file itself, which `git lfs pull` fetches")


def read_text(path: Path, most_bytes: int = MOST_TEXT_BYTES) -> str:
    """A text: UTF-8, with or without a byte-order mark.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not UTF-8, or larger than `most_bytes`.
    """
    return read_bytes(path, most_bytes).decode("utf-8-sig")


def read_json(path: Path) -> object:
    """The value of a JSON file; errors as `read_text` and `parse_json`."""
    return parse_json(read_text(path))


def parse_json(text: str | bytes) -> object:
    """A JSON value, with no key twice in an object.

    Numbers are finite, whole ones of at most `MOST_DIGITS` digits.

    Raises:
        ValueError: With the reason.
    """
    try:
        value: object = json.loads(
            text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_no_number
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def json_object(value: object) -> dict[str, Any]:
    """A JSON value as the object that it must be; raises `ValueError` if it is none."""
    if not isinstance(value, dict):
        raise ValueError(f"it holds {type(value).__name__} where an object {{...}} belongs")
    return value


def check_shape(value: object, shape: Shape, where: str = "it") -> None:
    """Refuse a JSON value of another shape; whole numbers are numbers too, true and false are not.

    Raises:
        ValueError: With the place, and what is there.
    """
    if isinstance(shape, Mapping):
        given = _expected(value, (dict,), where)
        if absent := [key for key in shape if key not in given and key[-1] not in "?*"]:
            raise ValueError(f"{where} has no {absent[0]}")
        for key, one in given.items():
            of = next((shape[name] for name in (key, f"{key}?", "*") if name in shape), None)
            if of is not None:
                check_shape(one, of, key if where == "it" else f"{where}.{key}")
    elif isinstance(shape, list):
        for place, one in enumerate(_expected(value, (list,), where)):
            check_shape(one, shape[0], f"{where}[{place}]")
    else:
        _expected(value, shape if isinstance(shape, tuple) else (shape,), where)


def _expected(value: Any, kinds: tuple[type, ...], where: str) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and float in kinds
    if not number and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
        *most, last = (_IN_WORDS[kind] for kind in kinds)
        said = f"{', '.join(most)} or {last}" if most else last
        raise ValueError(f"{where[:80]} is {json.dumps(value)[:40]} and not {said}")
    return value


_IN_WORDS: Final = {
    dict: "an object",
    list: "a list",
    str: "a text",
    float: "a number",
    int: "a whole number",
    bool: "a truth value",
    type(None): "null",
}


def parse_literal(text: str) -> object:
    """What Python prints of numbers, texts, lists and dictionaries, at most `MOST_LITERAL` characters.

    Raises:
        ValueError: It is something else.
    """
    if len(text) > MOST_LITERAL:
        raise ValueError(f"{len(text)} characters are too many")
    with _one_error():
        value: object = ast.literal_eval(text.strip())
    return value


def read_csv(path: Path, delimiter: str = ",") -> Rows:
    """The rows of a CSV file with a heading; errors as `read_text` and `parse_csv`."""
    return parse_csv(io.StringIO(read_text(path), newline=""), delimiter)


def parse_csv(lines: Iterable[str], delimiter: str = ",") -> Rows:
    """The rows of a CSV text with a heading.

    Raises:
        ValueError: A quote without its end, which would swallow the lines after it, or an overlong cell; with the line.
    """
    reader = csv.DictReader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        columns = tuple(reader.fieldnames or ())
        return Rows(columns, list(reader))
    except csv.Error as error:
        raise ValueError(f"line {reader.reader.line_num}: {error}") from None


def parse_cells(line: str, delimiter: str = ",") -> list[str]:
    """The cells of one line of CSV; raises `ValueError` as `parse_csv`."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise ValueError(str(error)) from None


def read_array(path: Path) -> npt.NDArray[np.generic]:
    """The array of a `.npy` file, mapped into memory: no more is asked for than the file has.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such file, holds objects, or is shorter than its heading says.
    """
    check_fetched(path)
    with _one_error():
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(found, np.ndarray):
        found.close()
        raise ValueError("it holds several arrays, not one")
    return found


def read_arrays(file: Path | io.BytesIO, names: Sequence[str]) -> list[npt.NDArray[np.generic]]:
    """The named arrays of a `.npz` file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no such file, unpacks to far more than it is, or lacks one of them.
    """
    check_archive(file)
    with _one_error(), zipfile.ZipFile(file):
        pass  # what is no archive, numpy would take for a single array of whatever size that claims
    with _one_error(), np.load(file, allow_pickle=False) as archive:
        missing = [name for name in names if name not in archive]
        if missing:
            raise ValueError(f"it holds no '{missing[0]}'")
        return [archive[name] for name in names]


def check_archive(file: Path | io.BytesIO) -> None:
    """Refuse a zip file that unpacks to far more than it is; what is no zip file at all is not looked into.

    Raises:
        OSError: It cannot be read.
        ValueError: It does, it is damaged, or a Git-LFS pointer.
    """
    if isinstance(file, Path):
        check_fetched(file)
    size = file.stat().st_size if isinstance(file, Path) else file.getbuffer().nbytes
    if not zipfile.is_zipfile(file):
        return
    with _one_error(), zipfile.ZipFile(file) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MOST_UNPACKED * size:
        raise ValueError(f"{size / 1e6:.0f} MB would unpack to {unpacked / 1e6:.0f} MB, and numbers compress less")


@contextmanager
def _one_error() -> Iterator[None]:
    """Whatever a damaged file makes a library raise is a `ValueError`."""
    try:
        yield
    except (OSError, ValueError):
        raise
    except Exception as error:
        raise ValueError(str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]}, which is beyond what can be counted")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is not a number")
