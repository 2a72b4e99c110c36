"""Which photos there are, in few bytes each: names in one buffer, people as numbers.

A Python string costs about 60 bytes before its first character and a dictionary entry 100 more, which for millions of
photos is the whole memory. `Texts` are sequences of strings that make each string when it is asked for.
"""

from __future__ import annotations

import unicodedata
from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int32]
"""Numbers of photos or people; a set holds at most 2^31 of either."""


_BLOCK = 4096


class Texts(Sequence[str]):
    """A sequence of strings that are made on demand; slices are tuples, and equal texts are equal to any sequence."""

    @abstractmethod
    def text(self, row: int) -> str:
        """The string number `row`, from 0."""

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[str, ...]: ...
    def __getitem__(self, key: int | slice) -> str | tuple[str, ...]:
        if isinstance(key, slice):
            return tuple(self.text(row) for row in range(len(self))[key])
        return self.text(range(len(self))[key])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def find(self, text: str) -> int:
        """The row of a string in ascending texts, or -1."""
        row = bisect_left(self, text)
        return row if row < len(self) and self.text(row) == text else -1

    def stem(self, text: str) -> str | None:
        """The string that is `text` and a suffix (".jpg"), in ascending texts, or None."""
        row = bisect_left(self, f"{text}.")
        while row < len(self) and (found := self.text(row)).startswith(f"{text}."):
            if found.rpartition(".")[0] == text:
                return found
            row += 1
        return None


class Strings(Texts):
    """Strings one after another in a buffer: the UTF-8 bytes and 4 (above 4 GiB: 8) for each."""

    def __init__(self, data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> None:
        """Args are all bytes, and where each string ends."""
        self._data = data
        self._ends = ends.astype(np.uint32) if len(data) < 2**32 else ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Strings:
        """Pack strings; bytes of file names that are no UTF-8 survive."""
        data, ends = bytearray(), array("q")
        for text in texts:
            data += text.encode("utf-8", "surrogateescape")
            ends.append(len(data))
        return cls(np.frombuffer(bytes(data), np.uint8), np.frombuffer(ends, np.int64))

    @classmethod
    def lines(cls, data: bytes) -> Strings:
        """The lines of a text file, without making any of them."""
        text = np.frombuffer(data.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n" if data.strip() else b"", np.uint8)
        breaks = np.flatnonzero(text == ord("\n"))
        return cls(text[text != ord("\n")], breaks - np.arange(len(breaks)))

    @classmethod
    def joined(cls, parts: Iterable[tuple[Texts, int, int]]) -> Strings:
        """Rows `start` to `end` of each of several texts; those of packed strings are copied as they lie."""
        data, ends = bytearray(), array("q")
        for texts, start, end in parts:
            strings = texts if isinstance(texts, Strings) else cls.of(texts)
            first = int(strings._ends[start - 1]) if start else 0
            ends.frombytes((strings._ends[start:end].astype(np.int64) + (len(data) - first)).tobytes())
            data += strings._data.data[first : int(strings._ends[end - 1])]
        return cls(np.frombuffer(bytes(data), np.uint8), np.frombuffer(ends, np.int64))

    def text(self, row: int) -> str:
        """The string number `row`."""
        start = int(self._ends[row - 1]) if row else 0
        return self._data[start : int(self._ends[row])].tobytes().decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        view, start = self._data.data, 0
        for first in range(0, len(self), _BLOCK):
            for end in self._ends[first : first + _BLOCK].tolist():
                yield str(view[start:end], "utf-8", "surrogateescape")
                start = end

    def __len__(self) -> int:
        return len(self._ends)


class Chosen(Texts):
    """Some rows of other texts."""

    def __init__(self, texts: Sequence[str], rows: npt.NDArray[np.integer]) -> None:
        self._texts, self._rows = texts, rows

    def text(self, row: int) -> str:
        """The string that the row of that number has."""
        return self._texts[int(self._rows[row])]

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True, eq=False)
class PhotoIndex:
    """Photos and whom they show.

    Attributes:
        names: "person/file", ascending and unique.
        labels: int32 (n,), person of every photo as a row of `people`.
        people: Names of the people, ascending; some may have no photo.
    """

    names: Texts
    labels: Rows
    people: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> PhotoIndex:
        """The index of photos with these names, the part before the last slash being the person."""
        return cls.ascending(Strings.of(sorted(names)))

    @classmethod
    def ascending(cls, names: Texts) -> PhotoIndex:
        """Likewise, of names that ascend already; one person's then follow each other.

        Raises:
            ValueError: They do not ascend.
        """
        owners: list[str] = []
        runs, before, owner = array("i"), "", None
        for name in names:
            if name <= before:
                raise ValueError(f"{name!r} comes after {before!r}")
            before, person = name, name.rpartition("/")[0]
            if person != owner:
                owner = person
                owners.append(person)
            runs.append(len(owners) - 1)
        return cls._of_runs(names, owners, np.frombuffer(runs, np.int32))

    @classmethod
    def lines(cls, data: bytes) -> PhotoIndex:
        """Likewise, of a list of names, one a line, in any order."""
        names = Strings.lines(data)
        try:
            return cls.ascending(names)
        except ValueError:
            return cls.of(set(names))

    @classmethod
    def merged(cls, indexes: Sequence[PhotoIndex]) -> PhotoIndex:
        """The photos of several indexes that have no person in common; a person at a time, not a photo."""
        runs: list[tuple[str, Texts, int, int]] = []
        for index in indexes:
            bounds = [0, *(np.flatnonzero(np.diff(index.labels)) + 1).tolist(), len(index)]
            runs += [
                (index.people[index.labels[start]], index.names, start, end) for start, end in pairwise(bounds) if end
            ]
        runs.sort(key=lambda run: f"{run[0]}/")
        sizes = [end - start for _, _, start, end in runs]
        names = Strings.joined(run[1:] for run in runs)
        return cls._of_runs(names, [run[0] for run in runs], np.repeat(np.arange(len(runs), dtype=np.int32), sizes))

    @classmethod
    def _of_runs(cls, names: Texts, owners: Sequence[str], runs: Rows) -> PhotoIndex:
        """From the person of every run of photos, and the run of every photo."""
        order = sorted(range(len(owners)), key=owners.__getitem__)
        place = np.empty(len(owners), np.int32)
        place[order] = np.arange(len(owners), dtype=np.int32)
        return cls(names, place[runs], tuple(owners[i] for i in order))

    def __len__(self) -> int:
        return len(self.labels)


def normal(name: str) -> str:
    """A name in Unicode's composed form, so that what looks equal is equal."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
