"""The page of a check: predicted against measured latency, the figures, the margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from nasface.composition import DeviceCosts
from nasface.devices.check import MEDIAN, LatencyCheck
from nasface.metrics import Interval
from nasface.reports.cells import mark
from nasface.reports.page import Page
from nasface.reports.svg import Series, chart

WORST: Final = 5
"""Networks that are shown because they are farthest off."""

ORDERS: Final = (
    (0.9, "in the right order"),
    (0.7, "nearly in the right order"),
    (0.4, "only roughly in order"),
    (-1.0, "in an order that is of no use"),
)
"""What a rank correlation of at least so much means."""

FIGURES: Final = {
    "mape": "mean absolute error",
    "worst": "largest error",
    "kendall_tau": "Kendall tau",
    "bias": "bias (predicted - measured)",
    "bias_small": "bias, fastest third",
    "bias_middle": "bias, middle third",
    "bias_large": "bias, slowest third",
    "factor": "measured / predicted, mean factor",
    "mape_scaled": "mean absolute error after that factor",
}


def figure_rows(checks: Mapping[str, LatencyCheck]) -> list[list[str]]:
    """Every figure as words, value and interval, side by side for the runs that were looked at."""
    return [
        [words, *(cell for check in checks.values() for cell in _figure_cells(name, check.figures[name]))]
        for name, words in FIGURES.items()
    ]


def _figure_cells(name: str, interval: Interval) -> tuple[str, str]:
    """A figure and its interval as text: shares in percent, biases with a sign."""
    pattern = "{:.3f}" if name in ("kendall_tau", "factor") else "{:+.1%}" if name.startswith("bias") else "{:.1%}"
    low, high = pattern.format(interval.low), pattern.format(interval.high)
    return pattern.format(interval.value), f"{low} to {high}"


def write_latency_page(
    path: Path,
    entry: DeviceCosts,
    source: str,
    checks: Mapping[str, LatencyCheck],
    names: Sequence[str],
    margin: float | None,
    remarks: Sequence[str],
    command: str,
) -> None:
    """Write the page.

    Args:
        path: The file.
        entry: Whose latency was checked.
        source: What it was compared with.
        checks: The figures by the runs that were looked at, `MEDIAN` among them.
        names: Of the networks, in the order of the check.
        margin: For 95 % confidence, if known.
        remarks: What to know about the comparison.
        command: What made the page.
    """
    estimated = mark(entry.latency)
    page = Page(f"{entry.latency.label}{estimated}", f"{len(names)} networks, {source}", command)
    for remark in remarks:
        page.text(f"Note: {remark}", "note")
    check = checks[MEDIAN]
    page.text(verdict(check))
    page.heading("Predicted against measured")
    page.picture(_scatter(check, names, margin, estimated), "every network; the line is where both are equal")
    page.heading("Figures")
    header = ["", *(cell for runs in checks for cell in (runs, "95 % interval"))]
    page.table(header, figure_rows(checks))
    page.text(f"Intervals by bootstrap over the {len(names)} networks; errors relative to the measured time.", "note")
    if margin is not None:
        page.text(
            f"The margin: a further network like these takes more than {1 + margin:.3f} times its prediction with a "
            "chance of 5 % at most: constraints.latency_ms.confidence=0.95 adds this margin."
        )
    page.heading("The networks that are farthest off")
    page.table(["network", "predicted, ms", "measured, ms", "predicted - measured"], _worst_rows(check, names))
    page.write(path)


def verdict(check: LatencyCheck) -> str:
    """What the figures mean for a search, in one sentence."""
    tau, off, bias = (check.figures[name].value for name in ("kendall_tau", "mape", "bias"))
    order = next(words for least, words in ORDERS if tau >= least)
    side = "too low" if bias < 0 else "too high"
    lean = f"mostly {side}" if abs(bias) > off / 2 else "to both sides"
    return f"Predictions are {off:.1%} off in the mean, {lean}; they put networks {order} (Kendall tau {tau:.2f})."


def _worst_rows(check: LatencyCheck, names: Sequence[str]) -> list[list[object]]:
    off = check.predicted / check.measured - 1
    rows = np.argsort(-np.abs(off), kind="stable")[:WORST]
    return [[names[i], float(check.predicted[i]), float(check.measured[i]), f"{off[i]:+.1%}"] for i in rows]


def _scatter(check: LatencyCheck, names: Sequence[str], margin: float | None, estimated: str) -> str:
    points = list(zip(check.predicted.tolist(), check.measured.tolist(), strict=True))
    every = np.concatenate([check.predicted, check.measured])
    low, high = float(every.min()), float(every.max())
    series = [
        Series("networks", points, "cloud", names),
        Series("equal", [(low, low), (high, high)], "equal", line=True),
    ]
    if margin:
        line = [(low, low * (1 + margin)), (high / (1 + margin), high)]
        series.append(Series("with the margin for 95 %", line, "found", line=True))
    return chart(series, f"predicted, ms{estimated}", "measured, ms", square=True)
