"""Rows over seeds become means with intervals, tables and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nasface.metrics import mean_interval
from nasface.reports.markdown import plus_minus
from nasface.reports.svg import Series

Row = dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """Rows that differ in their seeds alone.

    Attributes:
        at: What they have in common.
        mean: By column; columns without a value in any row are absent.
        half: Half the width of the mean's 95 % interval over seeds, NaN for one row.
    """

    at: Any
    mean: dict[str, float]
    half: dict[str, float]

    def text(self, name: str) -> str:
        """Mean and interval for a table; a dash where there is no value."""
        return plus_minus(self.mean[name], self.half[name]) if name in self.mean else "–"


def summarise(rows: Sequence[Row], by: str | Sequence[str], columns: Sequence[str]) -> list[Summary]:
    """One summary per value of column `by`, or per tuple of values of several, in order of appearance."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[by] if isinstance(by, str) else tuple(row[name] for name in by), []).append(row)
    found = []
    for at, members in groups.items():
        values = {name: [row[name] for row in members if row.get(name) is not None] for name in columns}
        pairs = {name: mean_interval(given) for name, given in values.items() if given}
        found.append(
            Summary(at, {name: mean for name, (mean, _) in pairs.items()}, {n: half for n, (_, half) in pairs.items()})
        )
    return found


def curve(summaries: Sequence[Summary], column: str, label: str, number: int = 0, place: int | None = None) -> Series:
    """A line through the means, with their intervals; the abscissa is `at`, or its entry `place` if it is a tuple."""
    pairs = [(float(s.at if place is None else s.at[place]), s) for s in summaries if column in s.mean]
    pairs.sort(key=lambda pair: pair[0])
    points, shown = [(x, s.mean[column]) for x, s in pairs], [s for _, s in pairs]
    halves = [0.0 if math.isnan(s.half[column]) else s.half[column] for s in shown]
    return Series(label, points, f"line line{number % 8}", line=True, errors=halves)
