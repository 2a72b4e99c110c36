"""Rows over seeds become means with intervals, tables and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from nasface.experiments._base import Row
from nasface.reports.markdown import plus_minus
from nasface.reports.svg import Series

_T_QUANTILES: Final = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
"""97.5 % quantiles of Student's t for 1 to 30 degrees of freedom."""


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval (Student's t); NaN for the latter with fewer than two values."""
    given = np.asarray(values, np.float64)
    n = len(given)
    if n < 2:
        return float(given.mean()), float("nan")
    quantile = _T_QUANTILES[n - 2] if n - 2 < len(_T_QUANTILES) else 1.96
    return float(given.mean()), float(quantile * given.std(ddof=1) / np.sqrt(n))


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


def curve(summaries: Sequence[Summary], column: str, label: str, number: int = 0) -> Series:
    """A line through the means, with their intervals; `at` is the abscissa."""
    shown = sorted((s for s in summaries if column in s.mean), key=lambda s: float(s.at))
    points = [(float(s.at), s.mean[column]) for s in shown]
    halves = [0.0 if math.isnan(s.half[column]) else s.half[column] for s in shown]
    return Series(label, points, f"line line{number % 8}", line=True, errors=halves)
