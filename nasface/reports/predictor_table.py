"""Trials of predictors as a table per region and learning curves: means and intervals over random splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from nasface.metrics import mean_interval
from nasface.reports import markdown
from nasface.reports.page import Page, cell_text
from nasface.reports.summary import Summary, curve, summarise
from nasface.reports.svg import Series, chart, picture

Row = dict[str, Any]
Differences = dict[str, dict[str, tuple[float, float]]]
"""By region and predictor: mean of the paired difference, half of its interval."""

ALL: Final = "all"
"""The region of all held-out networks."""

METRICS: Final = (
    *("kendall_tau", "pair_accuracy", "spearman", "ndcg", "regret_1", "regret_5", "regret_10", "rmse", "bias"),
    *("antisymmetry", "cycles", "networks", "fit_seconds", "predict_us"),
)

SHOWN: Final = (
    *("pair_accuracy", "regret_1", "regret_5", "rmse", "bias", "antisymmetry", "cycles"),
    *("fit_seconds", "predict_us"),
)
BRIEF: Final = ("pair accuracy", "regret 1", "cycles", "fit seconds")
"""Columns that the terminal has room for, beside tau."""

NOTE: Final = (
    "Intervals (95 %, Student's t) are over random splits of one table; * marks differences that exclude 0. regret k: "
    "best measured accuracy minus the best among the k that the predictor puts first. antisymmetry: of a comparator "
    "before it symmetrises; cycles: share of intransitive triples."
)


class Comparison:
    """Trials summarised over seeds.

    Args:
        rows: One per trial and region.
        baseline: The predictor that others are compared with on the same split.
    """

    def __init__(self, rows: Sequence[Row], baseline: str) -> None:
        self.baseline = baseline
        self.summaries = summarise(rows, ("predictor", "size", "region"), METRICS)
        self.sizes = sorted({row["size"] for row in rows})
        self.regions = list(dict.fromkeys(row["region"] for row in rows))
        self._differences = paired_differences(rows, baseline, self.sizes[-1])

    def ranked(self, region: str) -> list[Summary]:
        """At the largest size, the best predictor first."""
        chosen = [s for s in self.summaries if s.at[1:] == (self.sizes[-1], region)]
        return sorted(chosen, key=lambda s: -s.mean["kendall_tau"])

    def curves(self, region: str) -> list[Series]:
        """Kendall tau by number of networks, one line per predictor."""
        names = [summary.at[0] for summary in self.ranked(region)]
        return [curve(self._of(name, region), "kendall_tau", name, i, place=1) for i, name in enumerate(names)]

    def header(self) -> list[str]:
        """What stands above the columns."""
        taus = [f"tau, {size}" for size in self.sizes]
        return ["predictor", *taus, f"minus {self.baseline}", *(name.replace("_", " ") for name in SHOWN)]

    def cells(self, entry: Summary) -> list[str]:
        """One line of the table."""
        name, _, region = entry.at
        taus = [summary.text("kendall_tau") for summary in self._of(name, region)]
        others = [cell_text(entry.mean.get(metric)) for metric in SHOWN]
        return [name, *taus, _difference(self._differences.get(region, {}).get(name)), *others]

    def _of(self, name: str, region: str) -> list[Summary]:
        chosen = (s for s in self.summaries if (s.at[0], s.at[2]) == (name, region))
        return sorted(chosen, key=lambda s: s.at[1])


def paired_differences(rows: Sequence[Row], baseline: str, size: int) -> Differences:
    """Kendall tau of every predictor minus that of the baseline on the same split: (mean, half of the interval)."""
    taus: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        if row["size"] == size:
            taus.setdefault((row["region"], row["predictor"]), {})[row["seed"]] = row["kendall_tau"]
    found: Differences = {}
    for (region, name), values in taus.items():
        other = taus.get((region, baseline), {})
        common = sorted(values.keys() & other.keys())
        if name != baseline and common:
            found.setdefault(region, {})[name] = mean_interval([values[seed] - other[seed] for seed in common])
    return found


def print_comparison(console: Console, comparison: Comparison) -> None:
    """One table per region on the terminal, the best predictor first; the page has more columns."""
    for region in comparison.regions:
        entries = comparison.ranked(region)
        title = (
            f"{_heading(region)} ({entries[0].mean['networks']:.0f} in the mean), learned from {comparison.sizes[-1]}"
        )
        header = comparison.header()
        columns = [i for i, name in enumerate(header) if name in _shown(comparison, header)]
        table = Table(*(header[i] for i in columns), title=title)
        for entry in entries:
            cells = comparison.cells(entry)
            table.add_row(*(cells[i] for i in columns))
        console.print(table)


def _shown(comparison: Comparison, header: Sequence[str]) -> set[str]:
    return {"predictor", *header[len(comparison.sizes) : len(comparison.sizes) + 2], *BRIEF}


def write_comparison(path: Path, comparison: Comparison, title: str) -> None:
    """Write the page: the tables, and the curves."""
    page = Page("Predictors compared", title)
    for region in comparison.regions:
        page.heading(_heading(region))
        page.table(comparison.header(), [comparison.cells(entry) for entry in comparison.ranked(region)])
        if len(comparison.sizes) > 1:
            page.picture(chart(comparison.curves(region), *_AXES), "learning curves")
    page.text(NOTE, "note")
    page.write(path)


def comparison_markdown(comparison: Comparison, name: str) -> tuple[str, Mapping[str, str]]:
    """The same in Markdown, and the picture of the learning curves by its stem; `name` is the experiment's."""
    parts, pictures = [], {}
    for region in comparison.regions:
        parts.append(f"## {_heading(region)}")
        parts.append(markdown.table(comparison.header(), [comparison.cells(e) for e in comparison.ranked(region)]))
        if region == ALL and len(comparison.sizes) > 1:
            pictures["curves"] = picture(comparison.curves(region), *_AXES)
            parts.append(markdown.image(name, "curves", "learning curves"))
    return "\n\n".join([*parts, NOTE]), pictures


_AXES: Final = ("networks learned from", "Kendall tau")


def _difference(pair: tuple[float, float] | None) -> str:
    mean, half = pair or (0.0, float("nan"))
    return f"{mean:+.3f} ± {half:.3f}{' *' if abs(mean) > half else ''}" if half == half else "–"


def _heading(region: str) -> str:
    return "All held-out networks" if region == ALL else f"Held-out networks {region}"
