"""Rows over seeds become means with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nasface.metrics import mean_interval

Value = str | int | float | None
"""A cell of a table of results."""

Row = Mapping[str, Value]
"""One line of results."""


@dataclass(frozen=True)
class Summary:
    """Rows that differ in their seeds alone.

    Attributes:
        at: What they have in common, by column.
        mean: By column; columns without a value in any row are absent.
        half: Half the width of the mean's 95 % interval over seeds, NaN for one row.
    """

    at: Mapping[str, Value]
    mean: Mapping[str, float]
    half: Mapping[str, float]


def summarise(rows: Sequence[Row], by: Sequence[str], columns: Sequence[str]) -> list[Summary]:
    """One summary per combination of the values of columns `by`, in order of appearance.

    Raises:
        KeyError: A row lacks one of the columns `by`.
    """
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    return [_summary(dict(zip(by, at, strict=True)), members, columns) for at, members in groups.items()]


def numbers(rows: Sequence[Row], column: str) -> list[float]:
    """The numbers of a column; rows without one are left out."""
    return [float(value) for row in rows if (value := row.get(column)) is not None]


def texts(rows: Sequence[Row], column: str) -> list[str]:
    """The different texts of a column, in order of appearance."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def _summary(at: Mapping[str, Value], rows: Sequence[Row], columns: Sequence[str]) -> Summary:
    means = {name: mean_interval(values) for name in columns if (values := numbers(rows, name))}
    return Summary(
        at, {name: mean for name, (mean, _) in means.items()}, {name: half for name, (_, half) in means.items()}
    )
