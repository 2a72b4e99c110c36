"""Summaries as lines with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nasface.analysis import Summary
from nasface.reports.svg import Series


def curve(summaries: Sequence[Summary], by: str, column: str, label: str, number: int = 0) -> Series:
    """A line through the means of a column, with their intervals, over the values of column `by`.

    Args:
        summaries: One per point; those without the column are left out.
        by: Which of the columns that a summary's rows have in common; numbers.
        column: Whose means.
        label: For the legend.
        number: Of the line's colour.
    """
    shown = sorted((s for s in summaries if column in s.mean), key=lambda s: _number(s, by))
    points = [(_number(s, by), s.mean[column]) for s in shown]
    halves = [0.0 if math.isnan(s.half[column]) else s.half[column] for s in shown]
    dashed = " dashed" if number // 8 % 2 else ""
    return Series(label, points, f"line line{number % 8}{dashed}", line=True, errors=halves)


def _number(summary: Summary, by: str) -> float:
    return float(summary.at[by] or 0.0)
