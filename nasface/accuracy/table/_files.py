"""Reading and writing whole tables."""

from __future__ import annotations

import csv
import io
import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import numpy as np

from nasface.accuracy.table._foreign import (
    GENOTYPE_COLUMNS,
    foreign_table,
    is_json_table,
    json_rows,
    separator,
)
from nasface.accuracy.table._table import NOTES, ORIGINS, SHARED, AccuracyTable, distinct
from nasface.errors import InvalidGenotype, TableError, listing
from nasface.reading import parse_cells, parse_csv
from nasface.runs import AppendLog, held, write_text
from nasface.spaces import Population, SearchSpace

log = logging.getLogger(__name__)

GENOTYPE = "genotype"

MOST_HEADING: Final = 100_000
"""Characters of a heading at most."""


def read_table(path: Path, space: SearchSpace) -> AccuracyTable:
    """Read and check a table.

    Raises:
        TableError: It is absent, empty, not such a table, of another space, or contradicts itself.
    """
    lines = complete_lines(path)
    if is_json_table(path):
        return distinct(foreign_table(path, json_rows(path, "\n".join(lines)), space), str(path))
    try:
        columns, rows = parse_csv(lines, separator(lines[0]) if lines else ",")
    except ValueError as error:
        raise TableError(f"{path} is not a CSV file ({error}); mend or remove the line.") from None
    names = list(columns)
    missing = [name for name in (GENOTYPE, *SHARED, *NOTES) if name not in names]
    if len(missing) == len((GENOTYPE, *SHARED, *NOTES)) and not any(name.lower() in GENOTYPE_COLUMNS for name in names):
        raise TableError(f"{path} is not an accuracy table: it lacks the columns {listing(missing)}.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(f"{path} has the columns {listing(repeated)} twice; remove one of each.")
    broken = [number for number, row in enumerate(rows, 2) if None in row or None in row.values()]
    if broken or not rows:
        raise TableError(f"{path} has {'a broken line ' + str(broken[0]) if broken else 'no rows'}; make it again.")
    return distinct(foreign_table(path, rows, space), str(path)) if missing else _parse(path, names, rows, space)


def write_table(table: AccuracyTable, path: Path, space: SearchSpace) -> None:
    """Write a whole table atomically; metrics with eight decimals."""
    names = list(table.metrics)
    lines = [line(header(names))]
    for index, genotype in enumerate(table.genotypes):
        values = {name: float(table.metrics[name][index]) for name in names}
        notes = {name: table.notes[name][index] for name in NOTES}
        lines.append(line(cells(space.to_text(genotype), values, table.shared, notes)))
    write_text(path, "".join(lines))


def held_table(path: Path) -> AbstractContextManager[None]:
    """Keep other processes from adding rows to a file of results, or from replacing it, meanwhile.

    Raises:
        InvalidInput: Another process has it.
    """
    remedy = "share the work (shards=2 shard=0, ...), or give another file"
    return held(path.with_name(f".{path.name}.lock"), f"{path} is being measured", remedy)


def header(metrics: Sequence[str]) -> list[str]:
    """Column names in order."""
    return [GENOTYPE, *metrics, *SHARED, *NOTES]


def cells(genotype: str, values: Mapping[str, float], shared: Mapping[str, str], notes: Mapping[str, str]) -> list[str]:
    """One row's texts in the order of `header`."""
    numbers = [repr(round(value, 8)) for value in values.values()]
    return [genotype, *numbers, *(shared[name] for name in SHARED), *(notes[name] for name in NOTES)]


def line(texts: Sequence[str]) -> str:
    """One line of CSV with its end."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(texts)
    return buffer.getvalue()


def complete_lines(path: Path) -> list[str]:
    """Lines of a file; a last one that an interruption cut short is passed over.

    Raises:
        TableError: The file cannot be read.
    """
    try:
        if not path.exists():
            raise FileNotFoundError
        return table_log(path).lines()
    except (OSError, ValueError) as error:
        raise TableError(
            f"The accuracy table {path} cannot be read ({type(error).__name__}); give a CSV file."
        ) from None


def table_log(path: Path) -> AppendLog:
    """A table as a file that gains lines."""

    def whole(last: str) -> bool:
        """Whether it has all cells; the last one is the origin in files that nasface writes."""
        with path.open(encoding="utf-8-sig") as file:
            columns = len(parse_cells(file.readline(MOST_HEADING)))
        try:
            found = parse_cells(last)
        except ValueError:
            return False
        cut = any(origin.startswith(found[-1]) and origin != found[-1] for origin in ORIGINS)
        return len(found) == columns and not cut

    return AppendLog(path, whole)


def _parse(path: Path, names: list[str], rows: list[dict[str, str]], space: SearchSpace) -> AccuracyTable:
    shared = {column: _only(path, column, rows) for column in SHARED}
    if shared["space"] != space.fingerprint():
        raise TableError(
            f"{path} is of another search space ({shared['space']}) than {space.name} ({space.fingerprint()}); "
            "choose the space and its parameters that it was measured in."
        )
    if not shared["resolution"].isdecimal():
        raise TableError(f"{path} has the resolution '{shared['resolution']}'; it must be a whole number of pixels.")
    figures = [name for name in names if name not in (GENOTYPE, *SHARED, *NOTES)]
    metrics = [name for name in figures if any(map(_is_number, (row[name] for row in rows)))]
    if len(metrics) < len(figures):
        texts = [name for name in figures if name not in metrics]
        log.warning("%s: no number stands in %s, so it is left out.", path, listing(texts))
    table = AccuracyTable(
        _genotypes(path, rows, space),
        {name: np.array([_number(path, name, row[name]) for row in rows]) for name in metrics},
        shared,
        {name: tuple(row[name] for row in rows) for name in NOTES},
    )
    return distinct(table, str(path))


def _only(path: Path, column: str, rows: list[dict[str, str]]) -> str:
    found = sorted({row[column] for row in rows})
    if len(found) > 1:
        raise TableError(f"{path} mixes rows of different {column} ({listing(found)}); split it.")
    return found[0]


def _genotypes(path: Path, rows: list[dict[str, str]], space: SearchSpace) -> Population:
    found = []
    for number, row in enumerate(rows, 2):
        try:
            found.append(space.from_text(row[GENOTYPE]))
        except InvalidGenotype as error:
            raise TableError(f"{path}, line {number}: {error}") from None
    return np.stack(found)


def _number(path: Path, name: str, text: str) -> float:
    if not _is_number(text):
        raise TableError(f"{path} has '{text[:20]}' in column {name}, where a finite number belongs; remove the row.")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
