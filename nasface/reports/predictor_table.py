"""Trials of predictors as a table per region and learning curves: means and intervals over random splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from nasface.reports.page import Page, cell_text
from nasface.reports.svg import Series, chart

Values = npt.NDArray[np.float64]
Row = dict[str, Any]
Differences = dict[str, dict[str, tuple[float, float]]]
"""By region and predictor: mean of the paired difference, half of its interval."""

ALL: Final = "all"
"""The region of all held-out networks."""

METRICS: Final = (
    *("kendall_tau", "pair_accuracy", "spearman", "ndcg", "regret_1", "regret_5", "regret_10", "rmse", "bias"),
    *("antisymmetry", "cycles", "networks", "fit_seconds", "predict_us"),
)
"""Columns of the results file."""

SHOWN: Final = ("pair_accuracy", "regret_5", "rmse", "cycles", "fit_seconds", "predict_us")
_NORMAL: Final = 1.96


@dataclass(frozen=True)
class Summary:
    """One predictor at one size in one region, over seeds.

    Attributes:
        mean: By metric.
        half: Half the width of the 95 % interval of the mean over seeds, by metric.
    """

    predictor: str
    size: int
    region: str
    mean: dict[str, float]
    half: dict[str, float]


def summarise(rows: Sequence[Row]) -> list[Summary]:
    """Means and intervals over seeds."""
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["predictor"], row["size"], row["region"]), []).append(row)
    found = []
    for (name, size, region), members in groups.items():
        columns = {metric: [row[metric] for row in members if row.get(metric) is not None] for metric in METRICS}
        mean = {metric: float(np.mean(values)) for metric, values in columns.items() if values}
        half = {metric: _half(np.array(columns[metric])) for metric in mean}
        found.append(Summary(name, size, region, mean, half))
    return found


def paired_differences(rows: Sequence[Row], baseline: str, size: int) -> dict[str, dict[str, tuple[float, float]]]:
    """Kendall tau of every predictor minus that of the baseline on the same split: (mean, half of the interval)."""
    taus: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        if row["size"] == size:
            taus.setdefault((row["region"], row["predictor"]), {})[row["seed"]] = row["kendall_tau"]
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for (region, name), values in taus.items():
        other = taus.get((region, baseline), {})
        common = sorted(values.keys() & other.keys())
        if name != baseline and common:
            difference = np.array([values[seed] - other[seed] for seed in common])
            found.setdefault(region, {})[name] = (float(difference.mean()), _half(difference))
    return found


def _half(values: Values) -> float:
    return float(_NORMAL * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _ranked(summaries: Sequence[Summary], size: int, region: str) -> list[Summary]:
    chosen = [s for s in summaries if s.size == size and s.region == region]
    return sorted(chosen, key=lambda s: -s.mean["kendall_tau"])


def _cells(entry: Summary, differences: Mapping[str, Mapping[str, tuple[float, float]]]) -> list[str]:
    tau = f"{entry.mean['kendall_tau']:.3f} ± {entry.half['kendall_tau']:.3f}"
    mean, half = differences.get(entry.region, {}).get(entry.predictor, (0.0, float("nan")))
    difference = "–" if np.isnan(half) else f"{mean:+.3f} ± {half:.3f}{' *' if abs(mean) > half else ''}"
    return [entry.predictor, tau, difference, *[cell_text(entry.mean.get(name)) for name in SHOWN]]


def _header(baseline: str) -> list[str]:
    return ["predictor", "Kendall tau", f"minus {baseline}", *[name.replace("_", " ") for name in SHOWN]]


def print_comparison(
    console: Console, summaries: Sequence[Summary], differences: Differences, size: int, baseline: str
) -> None:
    """One table per region on the terminal, the best predictor first."""
    header = _header(baseline)
    for region in dict.fromkeys(s.region for s in summaries):
        entries = _ranked(summaries, size, region)
        where = "all held-out networks" if region == ALL else f"within 5 % of the budget, {region}"
        n = entries[0].mean["networks"]
        table = Table(*header, title=f"{where} ({n:.0f} in the mean), learned from {size}")
        for entry in entries:
            table.add_row(*_cells(entry, differences))
        console.print(table)


def write_comparison(
    path: Path, summaries: Sequence[Summary], differences: Differences, baseline: str, title: str
) -> None:
    """Write the page: the tables at the largest size, and the curves."""
    page = Page("Predictors compared", title)
    size = max(summary.size for summary in summaries)
    for region in dict.fromkeys(s.region for s in summaries):
        page.heading("All held-out networks" if region == ALL else f"Within 5 % of the budget, {region}")
        entries = _ranked(summaries, size, region)
        page.table(_header(baseline), [_cells(entry, differences) for entry in entries])
        curves = [_curve(summaries, entry.predictor, region, i) for i, entry in enumerate(entries)]
        if len(curves[0].points) > 1:
            page.picture(chart(curves, "networks learned from", "Kendall tau"), "learning curves")
    page.text("Intervals (95 %) are over random splits of one table; * marks differences that exclude 0.", "note")
    page.write(path)


def _curve(summaries: Sequence[Summary], name: str, region: str, number: int) -> Series:
    chosen = sorted((s for s in summaries if (s.predictor, s.region) == (name, region)), key=lambda s: s.size)
    points = [(float(s.size), s.mean["kendall_tau"]) for s in chosen]
    return Series(name, points, f"line line{number % 8}", line=True)
