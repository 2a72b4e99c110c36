"""CSV of times: `,`, `;` (then decimal commas are read) or tabs, and a header with columns for the key and the mean.

Also standard deviation, runs, energy. Names of columns may be capitalised, quoted and spaced; those that are not known
are left out. A column that ends in _us or _s is of that unit.
"""

from __future__ import annotations

import csv
from typing import Final

from nasface.devices.time_rows import UNITS, Times, TimesFile, first_line
from nasface.errors import LookupTableError

_MEAN: Final = ("mean", "latency", "time", "avg", "average")
_COLUMNS: Final = {
    "key": ("key", "name", "layer", "op", "operator", "model"),
    "std": ("std", "stddev", "sd"),
    "runs": ("runs", "count", "n", "attempts"),
    "energy": ("energy_mj",),
}


def _header(text: str) -> tuple[str, dict[str, int], str]:
    """Delimiter, place of each known column, and the unit that the mean's column is named after; "" for none."""
    first = first_line(text)
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


def is_csv(text: str) -> bool:
    """Whether the first line that says something is such a header."""
    try:
        return bool(_header(text)[0]) or first_line(text).lower().startswith(("key,", '"key"'))
    except csv.Error:
        return False


def read_csv(file: TimesFile) -> Times:
    """Its rows.

    Raises:
        LookupTableError: There is no column of times, or a line cannot be read.
    """
    delimiter, places, unit = _header(file.text)
    if not delimiter:
        raise LookupTableError(
            f"{file.path} has no column mean_ms; the header is key,mean_ms or key,mean_ms,std_ms (or _us, _s)."
        )
    factor = UNITS[unit] if unit else file.factor
    file, times = TimesFile(file.path, file.text, file.names, factor), Times(unit=unit)
    numbered = list(file.lines())
    reader = csv.reader([line for _, line in numbered], delimiter=delimiter, strict=True)
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
