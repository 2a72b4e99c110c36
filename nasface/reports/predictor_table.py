"""Trials of predictors as a table per region and learning curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from nasface.analysis import PredictorComparison, Summary
from nasface.analysis.predictor_trials import ALL, TAU, Difference
from nasface.registry import REGISTRY
from nasface.reports import markdown
from nasface.reports.cells import cell_text, mean_text
from nasface.reports.curves import curve
from nasface.reports.page import Page
from nasface.reports.svg import Series, chart, picture

SHOWN: Final = (
    *("pair_accuracy", "regret_1", "regret_5", "rmse", "bias", "antisymmetry", "cycles"),
    *("fit_seconds", "predict_us"),
)
BRIEF: Final = ("pair_accuracy", "regret_1", "cycles", "fit_seconds")
"""Columns that the terminal has room for, beside tau."""

NOTE: Final = (
    "Intervals (95 %, Student's t) are over random splits of one table; * marks differences that exclude 0. regret k: "
    "best measured accuracy minus the best among the k that the predictor puts first. antisymmetry: of a comparator "
    "before it symmetrises; cycles: share of intransitive triples."
)


class MarkdownPage(NamedTuple):
    """A page in Markdown, and its pictures (SVG) by stem."""

    body: str
    pictures: Mapping[str, str]


def print_comparison(console: Console, comparison: PredictorComparison) -> None:
    """One table per region on the terminal, the best predictor first; the page has more columns."""
    sizes = comparison.sizes[-1:]
    for region in comparison.regions:
        entries = comparison.ranked(region)
        title = f"{_heading(region)} ({entries[0].mean['networks']:.0f} in the mean), learned from {sizes[-1]}"
        table = Table(*_header(comparison, sizes, BRIEF), title=title)
        for entry in entries:
            table.add_row(*_cells(comparison, entry, sizes, BRIEF))
        console.print(table)


def write_comparison(path: Path, comparison: PredictorComparison, title: str, command: str) -> None:
    """Write the page: the verdict, the tables, and the curves; `command` made it."""
    page = Page("Predictors compared", title, command)
    for region in comparison.regions:
        page.text(verdict(comparison, region))
    for region in comparison.regions:
        page.heading(_heading(region))
        page.table(_header(comparison, comparison.sizes, SHOWN), _rows(comparison, region))
        if len(comparison.sizes) > 1:
            page.picture(chart(learning_curves(comparison, region), *_AXES, y_to=1.0), "learning curves")
    page.text(NOTE, "note")
    page.write(path)


def verdict(comparison: PredictorComparison, region: str) -> str:
    """Which predictor is best there, and which cannot be told from it, in one sentence."""
    first, *others = comparison.ranked(region)
    name, tau = str(first.at["predictor"]), first.mean[TAU]
    alike = [str(other.at["predictor"]) for other in others if tau - other.mean[TAU] < _noise(first, other)]
    beside = f"; not told apart from it by their intervals: {', '.join(alike)}" if alike else ""
    where = _heading(region)
    return f"{where}: {name} orders {(1 + tau) / 2:.1%} of the pairs rightly (Kendall tau {tau:.3f}), the most{beside}."


def _noise(*entries: Summary) -> float:
    """Half the interval of a difference of their mean tau; unpaired, so on the safe side."""
    return math.hypot(*(0.0 if math.isnan(entry.half[TAU]) else entry.half[TAU] for entry in entries))


def comparison_markdown(comparison: PredictorComparison, name: str) -> MarkdownPage:
    """The same in Markdown, with a picture of the learning curves; `name` is the experiment's."""
    parts, pictures = [], {}
    for region in comparison.regions:
        parts.append(f"## {_heading(region)}")
        parts.append(markdown.table(_header(comparison, comparison.sizes, SHOWN), _rows(comparison, region)))
        if region == ALL and len(comparison.sizes) > 1:
            pictures["curves"] = picture(learning_curves(comparison, region), *_AXES, y_to=1.0)
            parts.append(markdown.image(name, "curves", "learning curves"))
    return MarkdownPage("\n\n".join([*parts, NOTE]), pictures)


def learning_curves(comparison: PredictorComparison, region: str) -> list[Series]:
    """Kendall tau by number of networks, one line per predictor."""
    names = [str(entry.at["predictor"]) for entry in comparison.ranked(region)]
    known = [
        *REGISTRY.names("predictor"),
        *sorted(set(names) - set(REGISTRY.names("predictor"))),
    ]  # the same on all pages
    return [curve(comparison.by_size(name, region), "size", TAU, name, known.index(name)) for name in names]


_AXES: Final = ("networks learned from", "Kendall tau")


def _header(comparison: PredictorComparison, sizes: Sequence[int], shown: Sequence[str]) -> list[str]:
    taus = [f"tau, {size}" for size in sizes]
    return ["predictor", *taus, f"minus {comparison.baseline}", *(name.replace("_", " ") for name in shown)]


def _rows(comparison: PredictorComparison, region: str) -> list[list[str]]:
    return [_cells(comparison, entry, comparison.sizes, SHOWN) for entry in comparison.ranked(region)]


def _cells(comparison: PredictorComparison, entry: Summary, sizes: Sequence[int], shown: Sequence[str]) -> list[str]:
    name, region = str(entry.at["predictor"]), str(entry.at["region"])
    taus = [mean_text(s, TAU) for s in comparison.by_size(name, region) if s.at["size"] in sizes]
    difference = _difference_text(comparison.differences.get((region, name)))
    return [name, *taus, difference, *(cell_text(entry.mean.get(metric)) for metric in shown)]


def _difference_text(difference: Difference | None) -> str:
    if difference is None or difference.half != difference.half:
        return cell_text(None)
    return f"{difference.mean:+.3f} ± {difference.half:.3f}{' *' if difference.sure else ''}"


def _heading(region: str) -> str:
    return "All held-out networks" if region == ALL else f"Held-out networks {region}"
