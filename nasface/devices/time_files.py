"""Files of times that people bring: whatever the format, rows of milliseconds by the file's own keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from nasface.devices.benchmark_output import MARKS, read_logs
from nasface.devices.lut import Row
from nasface.devices.time_csv import is_csv, read_csv
from nasface.devices.time_rows import UNITS, Times, TimesFile, UnknownFormat, first_line, number
from nasface.devices.time_tree import read_tree
from nasface.errors import LookupTableError, UnknownName
from nasface.reading import read_text

_PERF_LINE: Final = re.compile(r"(\S+)\s+(\d{1,9})\s+(\S+)\s+(\S+)")
_NN_METER: Final = re.compile(r"predict latency for (.+?): (\S+) ms")


def read_times(path: Path, file_names: Mapping[str, str] | None = None, unit: str | None = None) -> Times:
    """All rows of a file, in milliseconds.

    Args:
        path: The file.
        file_names: Keys by names of .tflite files.
        unit: Of its numbers, one of `UNITS`; None for what the file states, or else milliseconds.

    Raises:
        LookupTableError: It cannot be read, is of no known format, or holds a time that cannot be.
        UnknownName: There is no such unit.
    """
    if unit is not None and unit not in UNITS:
        raise UnknownName("unit of time", unit, UNITS)
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or ("it is not text" if isinstance(error, UnicodeDecodeError) else error)
        raise LookupTableError(f"Cannot read {path}: {why}.") from None
    file = TimesFile(path, text, file_names or {}, UNITS[unit or "ms"])
    try:
        return next(known.read for known in FORMATS if known.matches(text))(file)
    except UnknownFormat as error:
        raise LookupTableError(f"{error}; give {'; or '.join(known.looks_like for known in FORMATS)}.") from None


def _read_perf(file: TimesFile) -> Times:
    """As the paper's authors' scripts append them; the key may be the name of a .tflite file."""
    if first_line(file.text).endswith(".tflite"):
        raise LookupTableError(
            f"{file.path} lists layers, not times; give the file of lines 'KEY ATTEMPTS MEAN STD' instead."
        )
    times = Times()
    for line_number, line in file.lines():
        place = f"{file.path}, line {line_number}"
        match = _PERF_LINE.fullmatch(line)
        if match is None:
            raise LookupTableError(f"{place}: '{line[:80]}' is not 'KEY ATTEMPTS MEAN STD'; remove or complete it.")
        times.add(place, file.key(match[1]), file.row(place, match[3], match[4], match[2]))
    return times


def _read_printed(file: TimesFile) -> Times:
    """`benchmark_model`: a mean per start of the program, by the name of its graph."""
    times = Times(unit="us")
    for log in read_logs(file.text):
        if log.sample is not None:
            (mean,) = log.sample.times_ms
            row = Row(mean, log.sample.std_ms, log.sample.runs)
            times.add(f"{file.path}, {log.graph}", file.key(log.graph), row)
    if not times.rows:
        raise LookupTableError(f"{file.path} is what benchmark_model prints, but no run in it came to its end.")
    return times


def _read_nn_meter(file: TimesFile) -> Times:
    times = Times(unit="ms")
    for name, ms in _NN_METER.findall(file.text):
        place = f"{file.path}, {name}"
        times.add(place, file.key(name), Row(number(place, ms)))
    return times


class Format(NamedTuple):
    """A format of files of times.

    Attributes:
        looks_like: What a file of it holds, in words, for the message about files of no format.
        matches: Whether a text is of it. It sees the whole text, so it may look for a line with #, which
            `TimesFile.lines` leaves out.
        read: Its rows; raises `LookupTableError`.
    """

    looks_like: str
    matches: Callable[[str], bool]
    read: Callable[[TimesFile], Times]


FORMATS: Final = (
    Format("what benchmark_model prints", lambda text: any(mark in text for mark in MARKS), _read_printed),
    Format("what nn-Meter prints", lambda text: _NN_METER.search(text) is not None, _read_nn_meter),
    Format("CSV with the header key,mean_ms", is_csv, read_csv),
    Format(
        "lines 'KEY ATTEMPTS MEAN STD'",
        lambda text: _PERF_LINE.fullmatch(first_line(text)) is not None or first_line(text).endswith(".tflite"),
        _read_perf,
    ),
    Format("YAML or JSON 'KEY: ms' or 'KEY: {mean, var | std}'", lambda text: True, read_tree),
)
"""The first that matches reads a file. Those with an unmistakable mark come first, the one that takes any text last."""
