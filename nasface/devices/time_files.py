"""Files of times that people bring: whatever the format, rows of milliseconds by the file's own keys.

* Lines `KEY ATTEMPTS MEAN STD`, as the paper's authors' scripts append them; KEY may be a .tflite file's name; lines
  that begin with # are comments.
* CSV with `,`, `;` (then decimal commas are read) or tabs, and a header with columns for the key and the mean; also
  standard deviation, runs, energy. Names of columns may be capitalised, quoted and spaced; those that are not known are
  left out. A column that ends in _us or _s is of that unit.
* YAML and JSON: `KEY: ms`, or `KEY: {mean, var | std, count, energy_mj}` as OFA and nsganetv2 write it.
* What `benchmark_model` and nn-Meter print.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from nasface.devices.benchmark_output import MARKS, read_logs
from nasface.devices.lut import Row
from nasface.errors import LookupTableError, UnknownName
from nasface.runs import parse_json, read_text

UNITS: Final = {"ms": 1.0, "us": 1e-3, "s": 1e3}
"""Milliseconds of each unit."""

AGREEMENT: Final = 2.0
"""Factor within which two times of one key are taken for two measurements of one thing."""

_PERF_LINE: Final = re.compile(r"(\S+)\s+(\d{1,9})\s+(\S+)\s+(\S+)")
_NN_METER: Final = re.compile(r"predict latency for (.+?): (\S+) ms")
_MEAN: Final = ("mean", "latency", "time", "avg", "average")
_COLUMNS: Final = {
    "key": ("key", "name", "layer", "op", "operator", "model"),
    "std": ("std", "stddev", "sd"),
    "runs": ("runs", "count", "n", "attempts"),
    "energy": ("energy_mj",),
}


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
class _File:
    """A text and how its keys and numbers are read."""

    path: Path
    text: str
    names: Mapping[str, str]
    factor: float

    def key(self, written: str) -> str:
        return self.names.get(written, written.removesuffix(".tflite").replace("_colon_", ":"))

    def row(self, place: str, mean: object, std: object = None, runs: object = None, energy: object = None) -> Row:
        """A row in milliseconds; texts may be numbers."""
        given = [None if value in (None, "") else _number(place, value) for value in (mean, std, runs, energy)]
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
    file = _File(path, text, file_names or {}, UNITS[unit or "ms"])
    return next(known.read for known in FORMATS if known.matches(text))(file)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _first(text: str) -> str:
    return next((line for _, line in _lines(text)), "")


def _read_perf(file: _File) -> Times:
    times = Times()
    for number, line in _lines(file.text):
        place = f"{file.path}, line {number}"
        match = _PERF_LINE.fullmatch(line)
        if match is None:
            raise LookupTableError(f"{place}: '{line[:80]}' is not 'KEY ATTEMPTS MEAN STD'; remove or complete it.")
        times.add(place, file.key(match[1]), file.row(place, match[3], match[4], match[2]))
    return times


def _header(text: str) -> tuple[str, dict[str, int], str]:
    """Delimiter, place of each known column, and the unit that the mean's column is named after; "" for none."""
    first = _first(text)
    for delimiter in ";\t,":
        names = [name.strip().lower().replace(" ", "_") for name in next(csv.reader([first], delimiter=delimiter))]
        places = {what: next((names.index(n) for n in known if n in names), -1) for what, known in _COLUMNS.items()}
        for unit in ("", *UNITS):
            end = f"_{unit}" if unit else ""
            found = next((names.index(f"{name}{end}") for name in _MEAN if f"{name}{end}" in names), -1)
            spread = next((names.index(f"{n}{end}") for n in _COLUMNS["std"] if f"{n}{end}" in names), places["std"])
            if found >= 0 and places["key"] >= 0 and len(names) > 1:
                return delimiter, places | {"mean": found, "std": spread}, unit
    return "", {}, ""


def _is_csv(text: str) -> bool:
    try:
        return bool(_header(text)[0]) or _first(text).lower().startswith(("key,", '"key"'))
    except csv.Error:
        return False


def _read_csv(file: _File) -> Times:
    delimiter, places, unit = _header(file.text)
    if not delimiter:
        raise LookupTableError(
            f"{file.path} has no column mean_ms; the header is key,mean_ms or key,mean_ms,std_ms (or _us, _s)."
        )
    factor = UNITS[unit] if unit else file.factor
    file, times = _File(file.path, file.text, file.names, factor), Times(unit=unit)
    numbered = list(_lines(file.text))
    reader = csv.reader([line for _, line in numbered], delimiter=delimiter)
    try:
        next(reader)
        for cells, (number, _) in zip(reader, numbered[1:], strict=False):
            place = f"{file.path}, line {number}"
            given = {what: _cell(cells, column, delimiter) for what, column in places.items()}
            key = cells[places["key"]].strip() if places["key"] < len(cells) else ""
            values = (given[what] for what in ("mean", "std", "runs", "energy"))
            times.add(place, file.key(key), file.row(place, *values))
    except csv.Error as error:
        raise LookupTableError(f"{file.path}, line {reader.line_num}: {error}; correct the line.") from None
    return times


def _cell(cells: list[str], column: int, delimiter: str) -> str:
    text = cells[column].strip() if 0 <= column < len(cells) else ""
    return text.replace(",", ".") if delimiter != "," else text


def _read_printed(file: _File) -> Times:
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


def _read_nn_meter(file: _File) -> Times:
    times = Times(unit="ms")
    for name, ms in _NN_METER.findall(file.text):
        place = f"{file.path}, {name}"
        times.add(place, file.key(name), Row(_number(place, ms)))
    return times


def _refuse_list(file: _File) -> Times:
    raise LookupTableError(
        f"{file.path} lists layers, not times; give the file of lines 'KEY ATTEMPTS MEAN STD' instead."
    )


def _read_tree(file: _File) -> Times:
    """YAML or JSON."""
    try:
        content = parse_json(file.text) if file.text.lstrip().startswith("{") else _parse_yaml(file.text)
    except ValueError as error:
        raise LookupTableError(
            f"{file.path} is not a latency table in a known format: {' '.join(str(error).split())[:160]}."
        ) from None
    if not isinstance(content, dict) or not content or not all(map(_is_time, content.values())):
        raise LookupTableError(
            f"{file.path} is in no known format; give lines 'KEY ATTEMPTS MEAN STD', CSV with the header key,mean_ms, "
            "or YAML or JSON 'KEY: ms' or 'KEY: {mean, var | std}'."
        )
    times = Times()
    for key, entry in content.items():
        place = f"{file.path}, {str(key)[:80]}"
        times.add(place, file.key(str(key)), _entry(file, place, entry))
    return times


def _is_time(entry: object) -> bool:
    return isinstance(entry, int | float | str) or (isinstance(entry, dict) and "mean" in entry)


def _entry(file: _File, place: str, entry: object) -> Row:
    if not isinstance(entry, dict):
        return file.row(place, entry)
    std = entry.get("std")
    if std is None and entry.get("var") is not None:
        variance = _number(place, entry["var"])
        std = math.sqrt(variance) if variance >= 0 else variance
    return file.row(place, entry["mean"], std, entry.get("count"), entry.get("energy_mj"))


def _parse_yaml(text: str) -> object:
    """Of YAML, what a table needs: no anchors, no key twice; raises `ValueError`."""
    import yaml  # comes with omegaconf

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # both are the safe loader
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=base)):
            raise ValueError("it has aliases (*name), of which a few can stand for gigabytes; write the values out")
        root = yaml.compose(text, Loader=base)
        keys = [key for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
        names = [str(key.value) for key in keys if isinstance(key, yaml.ScalarNode)]
        if len(set(names)) < len(names):
            raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)[:80]!r} stands there twice")
        value: object = yaml.load(text, Loader=base)
        return value
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _why_invalid(row: Row) -> str:
    if not 0 < row.mean_ms < math.inf:
        return f"{row.mean_ms} is not a positive number of milliseconds"
    if row.std_ms is not None and not 0 <= row.std_ms < math.inf:
        return f"{row.std_ms} cannot be a standard deviation"
    return f"{row.energy_mj} mJ: times and energies are positive"


def _number(place: str, value: object) -> float:
    """A number, or a text of one; no container, which could be endless as a text."""
    try:
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError):
        pass
    shown = repr(value)[:80] if isinstance(value, int | float | str) and not _huge(value) else type(value).__name__
    raise LookupTableError(f"{place}: {shown} is not a number of milliseconds; measure this layer again.")


def _huge(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() > 1024


class Format(NamedTuple):
    """A format of files of times.

    Attributes:
        matches: Whether a text is of it.
        read: Its rows; raises `LookupTableError`.
    """

    matches: Callable[[str], bool]
    read: Callable[[_File], Times]


FORMATS: Final = (
    Format(lambda text: any(mark in text for mark in MARKS), _read_printed),
    Format(lambda text: _NN_METER.search(text) is not None, _read_nn_meter),
    Format(_is_csv, _read_csv),
    Format(lambda text: _PERF_LINE.fullmatch(_first(text)) is not None, _read_perf),
    Format(lambda text: _first(text).endswith(".tflite"), _refuse_list),
    Format(lambda text: True, _read_tree),
)
"""The first that matches reads a file; the last one matches any."""
