"""What every format of files of times needs: the file as a format sees it, and the rows that it gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nasface.devices.lut import Row
from nasface.errors import LookupTableError

UNITS: Final = {"ms": 1.0, "us": 1e-3, "s": 1e3}
"""Milliseconds of each unit."""

AGREEMENT: Final = 2.0
"""Factor within which two times of one key are taken for two measurements of one thing."""


class UnknownFormat(LookupTableError):
    """A text that no format of files of times knows."""


@dataclass
class Times:
    """What a file says.

    Attributes:
        rows: By the file's own keys.
        repeated: Keys that stood there more than once (the last one counts).
        unit: That the file itself states; empty where it does not.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    repeated: set[str] = field(default_factory=set)
    unit: str = ""

    def add(self, place: str, key: str, row: Row) -> None:
        """Add a row; raises `LookupTableError` if it cannot be, or contradicts one of the same key."""
        if not row.valid:
            raise LookupTableError(f"{place}: {_why_invalid(row)}; measure this layer again.")
        known = self.rows.get(key)
        if known is not None:
            apart = max(known.mean_ms, row.mean_ms) / min(known.mean_ms, row.mean_ms)
            if apart > AGREEMENT:
                raise LookupTableError(
                    f"{place}: {key} stands there twice, with {known.mean_ms:g} and {row.mean_ms:g} ms; keep the one "
                    "that is right."
                )
            self.repeated.add(key)
        self.rows[key] = row


@dataclass(frozen=True)
class TimesFile:
    """A text and how its keys and numbers are read: what a format is given.

    Attributes:
        path: For messages.
        text: All of it.
        names: Keys by names of .tflite files.
        factor: Milliseconds of one unit of its numbers.
    """

    path: Path
    text: str
    names: Mapping[str, str]
    factor: float

    def lines(self) -> Iterator[tuple[int, str]]:
        """Its `stated_lines`."""
        return stated_lines(self.text)

    def key(self, written: str) -> str:
        """The key of a row, which may be written as the name of a .tflite file."""
        return self.names.get(written, written.removesuffix(".tflite").replace("_colon_", ":"))

    def row(self, place: str, mean: object, std: object = None, runs: object = None, energy: object = None) -> Row:
        """A row in milliseconds; texts may be numbers."""
        given = [None if value in (None, "") else number(place, value) for value in (mean, std, runs, energy)]
        ms, spread, count, joules = given
        if ms is None:
            raise LookupTableError(f"{place}: there is no time; complete or remove it.")
        if count is not None and not 0 <= count < 2**31:
            raise LookupTableError(f"{place}: {count:g} runs cannot be; correct the number.")
        return Row(
            ms * self.factor,
            None if spread is None else spread * self.factor,
            None if count is None else round(count),
            energy_mj=joules,
        )


def stated_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers: neither blank ones nor those that begin with #."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def first_line(text: str) -> str:
    """The first of them; empty if there is none."""
    return next((line for _, line in stated_lines(text)), "")


def _why_invalid(row: Row) -> str:
    if not 0 < row.mean_ms < math.inf:
        return f"{row.mean_ms} is not a positive number of milliseconds"
    if row.std_ms is not None and not 0 <= row.std_ms < math.inf:
        return f"{row.std_ms} cannot be a standard deviation"
    return f"{row.energy_mj} mJ: times and energies are positive"


def number(place: str, value: object) -> float:
    """A number, or a text of one; no container, which could be endless as a text.

    Raises:
        LookupTableError: It is none.
    """
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    shown = repr(value)[:80] if isinstance(value, int | float | str) and not _huge(value) else type(value).__name__
    raise LookupTableError(f"{place}: {shown} is not a number of milliseconds; measure this layer again.")


def _huge(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() > 1024
