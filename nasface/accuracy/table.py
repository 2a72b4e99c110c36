"""Accuracy tables: what sub-networks measured, one row each, as CSV.

Columns: `genotype` (`SearchSpace.to_text`); any number of metrics; and what the figures belong to: `space`
(fingerprint), `resolution` (pixels), `supernet` (hash), `data` (hash of photos and people), `seed`, `calibration` (e.g.
`photos:512`), `origin` (`uniform` or `stratified`). All rows of a table share space, resolution, supernet and data. No
torch is needed here.
"""

from __future__ import annotations

import csv
import io
import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype, TableError, listing
from nasface.runs import write_text
from nasface.spaces import Population, SearchSpace

logger = logging.getLogger(__name__)

GENOTYPE = "genotype"
SHARED = ("space", "resolution", "supernet", "data")
"""Columns that are equal in all rows of one table."""

NOTES = ("seed", "calibration", "origin")
"""Columns that say how a row was made."""

UNIFORM, STRATIFIED = "uniform", "stratified"


@dataclass(frozen=True)
class AccuracyTable:
    """Measured sub-networks of one supernet on one data set.

    Attributes:
        genotypes: int8[n, n_genes], canonical and distinct.
        metrics: Name to float64[n].
        shared: What all rows belong to, see `SHARED`.
        notes: Column to its n texts, see `NOTES`.
    """

    genotypes: Population
    metrics: Mapping[str, npt.NDArray[np.float64]]
    shared: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.genotypes)

    @property
    def resolution(self) -> int:
        """Side of the input in pixels."""
        return int(self.shared["resolution"])

    @property
    def supernet(self) -> str:
        """Hash of the supernet."""
        return self.shared["supernet"]

    def target(self, metric: str) -> npt.NDArray[np.float64]:
        """float64[n]: one metric.

        Raises:
            TableError: The table does not have it.
        """
        if metric not in self.metrics:
            raise TableError(f"The accuracy table has no metric '{metric}'; choose from {', '.join(self.metrics)}.")
        return self.metrics[metric]

    def rows(self, indices: npt.ArrayLike) -> AccuracyTable:
        """The table of some rows, by integer or boolean index."""
        chosen = np.arange(len(self))[np.asarray(indices)]
        return replace(
            self,
            genotypes=self.genotypes[chosen],
            metrics={name: values[chosen] for name, values in self.metrics.items()},
            notes={name: tuple(values[i] for i in chosen) for name, values in self.notes.items()},
        )

    def of_origin(self, origin: str) -> AccuracyTable:
        """The rows drawn in one way, `uniform` or `stratified`."""
        return self.rows(np.array(self.notes["origin"]) == origin)

    def check(
        self, *, supernet: str | None = None, resolution: int | None = None, data: str | None = None
    ) -> AccuracyTable:
        """The table itself, if it belongs to what is given.

        Raises:
            TableError: It belongs to another supernet, resolution or data set.
        """
        for column, wanted in (("supernet", supernet), ("resolution", resolution), ("data", data)):
            if wanted is not None and self.shared[column] != str(wanted):
                raise TableError(
                    f"The accuracy table is of {column} {_short(self.shared[column])}, not {_short(str(wanted))}; "
                    "measure one with task=estimate_accuracy or give the one that fits."
                )
        return self


def read_table(path: Path, space: SearchSpace) -> AccuracyTable:
    """Read and check a table.

    Raises:
        TableError: It is absent, empty, not such a table, of another space, or contradicts itself.
    """
    lines = _complete_lines(path)
    reader = csv.DictReader(lines)
    names = list(reader.fieldnames or [])
    missing = [name for name in (GENOTYPE, *SHARED, *NOTES) if name not in names]
    if missing:
        raise TableError(f"{path} is not an accuracy table: it lacks the columns {listing(missing)}.")
    rows = list(reader)
    broken = [number for number, row in enumerate(rows, 2) if None in row or None in row.values()]
    if broken or not rows:
        raise TableError(f"{path} has {'a broken line ' + str(broken[0]) if broken else 'no rows'}; make it again.")
    return _parse(path, names, rows, space)


def merge_tables(tables: Sequence[AccuracyTable]) -> AccuracyTable:
    """One table of the distinct rows of several, in order; metrics are those that all have.

    Raises:
        TableError: They belong to different spaces, resolutions, supernets or data, or disagree about a network.
    """
    first = tables[0]
    for table in tables[1:]:
        different = [column for column in SHARED if table.shared[column] != first.shared[column]]
        if different:
            raise TableError(f"Tables of different {' and '.join(different)} cannot be merged.")
    names = [name for name in first.metrics if all(name in table.metrics for table in tables)]
    merged = AccuracyTable(
        np.concatenate([table.genotypes for table in tables]),
        {name: np.concatenate([table.metrics[name] for table in tables]) for name in names},
        first.shared,
        {name: tuple(text for table in tables for text in table.notes[name]) for name in NOTES},
    )
    return _distinct(merged, "the merged table")


def write_table(table: AccuracyTable, path: Path, space: SearchSpace) -> None:
    """Write a whole table atomically; metrics with six decimals or more where the value needs them."""
    names = list(table.metrics)
    lines = [_line(header(names))]
    for index, genotype in enumerate(table.genotypes):
        values = {name: float(table.metrics[name][index]) for name in names}
        notes = {name: table.notes[name][index] for name in NOTES}
        lines.append(_line(cells(space.to_text(genotype), values, table.shared, notes)))
    write_text(path, "".join(lines))


class TableWriter:
    """Appends rows to a table file, each one durable before the next is measured; goes on where a torn file stops.

    Args:
        path: Created with its header if absent.
        space: Gives genotypes their text.
        metrics: Names of the metrics, in the order of the columns.
        shared: See `SHARED`.
    """

    def __init__(self, path: Path, space: SearchSpace, metrics: Sequence[str], shared: Mapping[str, str]) -> None:
        self.path, self.space, self.metrics, self.shared = path, space, list(metrics), dict(shared)
        if not path.exists():
            write_text(path, _line(header(self.metrics)))
        else:
            self._mend()
            self._check_header()

    def append(self, genotype: npt.NDArray[np.int8], values: Mapping[str, float], notes: Mapping[str, str]) -> None:
        """Append one row and sync it to disk."""
        line = _line(cells(self.space.to_text(genotype), {m: values[m] for m in self.metrics}, self.shared, notes))
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def _mend(self) -> None:
        """Cut off a last line without an end, which an interruption left."""
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            logger.warning("%s ended in the middle of a line, which is dropped and measured again.", self.path)
            with self.path.open("rb+") as file:
                file.truncate(len(whole))

    def _check_header(self) -> None:
        found = next(csv.reader(_complete_lines(self.path)), [])
        if found != header(self.metrics):
            raise TableError(f"{self.path} has other columns than this measurement writes; give another file.")


def header(metrics: Sequence[str]) -> list[str]:
    """Column names in order."""
    return [GENOTYPE, *metrics, *SHARED, *NOTES]


def cells(genotype: str, values: Mapping[str, float], shared: Mapping[str, str], notes: Mapping[str, str]) -> list[str]:
    """One row's texts in the order of `header`."""
    numbers = [repr(round(value, 8)) for value in values.values()]
    return [genotype, *numbers, *(shared[name] for name in SHARED), *(notes[name] for name in NOTES)]


def _line(texts: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(texts)
    return buffer.getvalue()


def _complete_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(
            f"The accuracy table {path} cannot be read ({type(error).__name__}); give a CSV file."
        ) from None
    return text[: text.rfind("\n") + 1].splitlines()


def _parse(path: Path, names: list[str], rows: list[dict[str, str]], space: SearchSpace) -> AccuracyTable:
    shared = {}
    for column in SHARED:
        found = sorted({row[column] for row in rows})
        if len(found) > 1:
            raise TableError(f"{path} mixes rows of different {column} ({listing(found)}); split it.")
        shared[column] = found[0]
    if shared["space"] != space.fingerprint():
        raise TableError(
            f"{path} is of another search space ({shared['space']}) than {space.name} ({space.fingerprint()}); "
            "choose the space and its parameters that it was measured in."
        )
    if not shared["resolution"].isdecimal():
        raise TableError(f"{path} has the resolution '{shared['resolution']}'; it must be a whole number of pixels.")
    metrics = [name for name in names if name not in (GENOTYPE, *SHARED, *NOTES)]
    table = AccuracyTable(
        _genotypes(path, rows, space),
        {name: np.array([_number(path, name, row[name]) for row in rows]) for name in metrics},
        shared,
        {name: tuple(row[name] for row in rows) for name in NOTES},
    )
    return _distinct(table, str(path))


def _genotypes(path: Path, rows: list[dict[str, str]], space: SearchSpace) -> Population:
    found = []
    for number, row in enumerate(rows, 2):
        try:
            found.append(space.from_text(row[GENOTYPE]))
        except InvalidGenotype as error:
            raise TableError(f"{path}, line {number}: {error}") from None
    return np.stack(found)


def _number(path: Path, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TableError(f"{path} has '{text[:20]}' in column {name}, where a finite number belongs; remove the row.")
    return value


def _distinct(table: AccuracyTable, what: str) -> AccuracyTable:
    """Without repeated networks; repeated rows must agree."""
    first: dict[bytes, int] = {}
    for index, genotype in enumerate(table.genotypes):
        before = first.setdefault(genotype.tobytes(), index)
        if any(values[before] != values[index] for values in table.metrics.values()):
            raise TableError(f"{what} has two different measurements of one network (rows {before + 1}, {index + 1}).")
    return table if len(first) == len(table) else table.rows(list(first.values()))


def _short(text: str) -> str:
    return text[:12]
