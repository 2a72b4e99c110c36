"""How values stand in tables: the one place that turns them into text."""

from __future__ import annotations

import math

from nasface.analysis import Comparison, CostColumn, Summary
from nasface.costs import Cost
from nasface.metrics import Interval
from nasface.strategies import Constraint


def cell_text(value: object) -> str:
    """Floats with four significant digits, None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def percent(share: float) -> str:
    """Of a share, with as many digits as it needs: "0.1 %", "93.4 %"."""
    return f"{100 * share:.3g} %"


def apart(ends: Interval) -> bool:
    """Whether an interval of a difference leaves out 0."""
    return ends.low > 0 or ends.high < 0


def told(ends: Interval) -> str:
    """What to say of a difference that may be none."""
    return "" if apart(ends) else "cannot be told apart"


def ends_text(ends: Interval) -> str:
    """The ends of a difference: "-0.0009 to +0.0077"."""
    return f"{ends.low:+.4f} to {ends.high:+.4f}"


def signed_text(ends: Interval) -> str:
    """A difference with its interval: "+0.0034 (-0.0009 to +0.0077)"."""
    return f"{ends.value:+.4f} ({ends_text(ends)})"


def difference_text(ends: Interval) -> str:
    """A difference with its interval, and whether it says nothing."""
    return ", ".join(filter(None, (signed_text(ends), told(ends))))


def figure_text(label: str) -> str:
    """What a reader calls a figure of an evaluation: "TAR at FAR 0.1 %" for tar@0.001, "AUC" for auc."""
    figure, *end = label.split(" ", 1)  # "auc low" is an end of its interval
    name, _, rate = figure.partition("@")
    known = {"auc": "AUC", "eer": "EER", "rank1": "rank-1"}.get(figure, figure)
    if rate:
        given = "FPIR" if rate.startswith("fpir") else "FAR"
        known = f"{name.upper()} at {given} {percent(float(rate.removeprefix('fpir')))}"
    return " ".join([known, *end])


def plus_minus(mean: float, half: float) -> str:
    """A mean and half its interval with the digits that the interval leaves; the mean alone where there is none."""
    if math.isnan(half):
        return f"{mean:.5g}"
    digits = min(max(0, 1 - math.floor(math.log10(half))), 6) if half > 0 else 4
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def mean_text(summary: Summary, column: str) -> str:
    """Mean and interval of a column; a dash where there is no value."""
    return plus_minus(summary.mean[column], summary.half[column]) if column in summary.mean else cell_text(None)


def mark(cost: Cost) -> str:
    """What follows a number that rests on estimates."""
    return " (estimated)" if cost.estimated else ""


def heading(column: CostColumn) -> str:
    """What stands above a cost's column."""
    name = column.cost.label if column.device is None else column.device
    return column.cost.text(name) + mark(column.cost)


def bound_text(constraint: Constraint) -> str:
    """E.g. "latency on sd865 <= 13.2 ms  0.6 x EfficientNet-B0 (22.0 ms, estimated)"."""
    bound = f"{constraint.label} <= {constraint.cost.text(constraint.bound)}"
    return f"{bound}  {constraint.basis}".rstrip()


def comparison_header(comparison: Comparison, metric: str) -> list[str]:
    """What stands above the columns of `comparison_cells`."""
    return ["network", f"{metric} (estimated)", "params M", "MACs M", *map(heading, comparison.columns)]


def comparison_cells(comparison: Comparison) -> list[list[object]]:
    """One row per network."""
    return [[n.name, n.predicted, n.params_m, n.macs_m, *n.costs] for n in comparison.networks]
