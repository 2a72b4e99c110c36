"""How far searches stay from the optimum of one score: the score is a sum over stages, so that the optimum is known."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from nasface.analysis import Row, summarise
from nasface.analysis.summaries import numbers, texts
from nasface.costs import StageTables
from nasface.errors import InfeasibleConstraint, InvalidInput
from nasface.experiments._base import Cell, Experiment, Report
from nasface.jobs import Run
from nasface.predictors import Ranker
from nasface.randomness import Part
from nasface.registry import build as build_component
from nasface.reports import markdown
from nasface.reports.cells import mean_text
from nasface.reports.curves import curve
from nasface.reports.svg import picture
from nasface.settings import typed
from nasface.strategies import ROUNDING, Constraint, Problem, merge_fronts
from nasface.strategies.constraints import REFERENCE, check_reachable

GAP: Final = "gap_percent"
GOAL: Final = 1.0
"""Per cent of the reachable range that the default search should stay within."""


@dataclass
class GapOptions:
    """See conf/experiment/optimality_gap.yaml.

    Attributes:
        repeats: Searches per cell of the table.
        ratios: Budgets of latency relative to EfficientNet-B0.
        searches: Parameters by label; `name` is the search's where the label is another.
    """

    repeats: int
    ratios: list[float]
    searches: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class GapTrial(Cell):
    """One search for one budget."""

    device: str
    ratio: float
    search: str
    seed: int


class Extremes(NamedTuple):
    """Worst and best score within a bound."""

    worst: float
    best: float


class OptimalityGap(Experiment[GapTrial]):
    """The gap of a winner: (optimum - its score) / (optimum - worst score within the budget), in per cent."""

    name: ClassVar[str] = "optimality_gap"
    cell: ClassVar[type[Cell]] = GapTrial

    def __init__(self, run: Run, options: GapOptions) -> None:
        settings = run.settings
        self._bench, self._options, self._settings = run.workbench, options, settings
        predictor, bench = build_component("predictor", settings.predictor), self._bench
        self._ranker: Ranker = bench.fit_with(predictor, run.rng(Part.PREDICTOR))
        scores = self._ranker.decompose()
        if scores is None:
            raise InvalidInput(
                f"experiment=optimality_gap needs a score that is a sum over stages, so that the optimum is known, not "
                f"{settings.predictor['name']}; give predictor=lightgbm_stagewise or ridge."
            )
        self._scores = scores
        self._problem = cache(self._make_problem)
        self._refused: dict[tuple[str, float], str] = {}
        for device, ratio in product([entry.device.name for entry in bench.devices], options.ratios):
            try:
                self._problem(device, ratio)
            except InfeasibleConstraint as error:
                self._refused[device, ratio] = str(error)
        self.fingerprint = bench.fingerprint(
            settings.accuracy.metric, settings.predictor, settings.selector, options.searches, settings.seed
        )

    def cells(self) -> list[GapTrial]:
        """Every device, budget that some network meets, search and seed."""
        return [
            GapTrial(entry.device.name, ratio, search, seed)
            for entry in self._bench.devices
            for ratio in self._options.ratios
            if (entry.device.name, ratio) not in self._refused
            for search in self._options.searches
            for seed in range(self._options.repeats)
        ]

    def measure(self, cell: GapTrial) -> list[Row]:
        """One search."""
        problem = self._problem(cell.device, cell.ratio)
        worst, best = extremes(self._scores, problem.constraints[0])
        given = {"name": cell.search} | self._options.searches[cell.search]
        search = build_component("search", given, selector=build_component("selector", self._settings.selector))
        started = time.process_time()
        found = search.run(problem, np.random.default_rng([self._settings.seed, cell.seed]))
        seconds = time.process_time() - started
        scores = self._ranker.scores(found.best[None])
        score = -np.inf if scores is None else float(scores[0])
        gap = max(0.0, 100 * (best - score) / (best - worst)) if best > worst else 0.0
        return [
            {
                "gap_percent": gap if gap > 1e-9 else 0.0,  # below that, only the order of a sum differs
                "score": score,
                "optimum": best,
                "worst": worst,
                "search_seconds": round(seconds, 4),
                "distinct": found.counters["distinct"],
            }
        ]

    def report(self, rows: Sequence[Row]) -> Report:
        """A table of mean gaps per device, a summary over all, and a picture per device."""
        parts, pictures = [self._introduction(), self._overall(rows)], {}
        for device in texts(rows, "device"):
            own = [row for row in rows if row["device"] == device]
            parts.append(f"## {device}\n\n{_table(own)}")
            curves = [
                curve(summarise([row for row in own if row["search"] == name], ["ratio"], [GAP]), "ratio", GAP, name, i)
                for i, name in enumerate(texts(own, "search"))
            ]
            pictures[device] = picture(curves, "budget, x EfficientNet-B0", "gap, % of the reachable range")
            parts.append(markdown.image(self.name, device, f"Gap to the optimum on {device}"))
        if self._refused:
            reasons = [f"- {device} at {ratio:g}: {why}" for (device, ratio), why in self._refused.items()]
            parts.append("\n".join(["## Not feasible", "", *reasons]))
        return Report("How far searches stay from the optimum", "\n\n".join(parts), pictures)

    def _introduction(self) -> str:
        return (
            f"The score is that of {self._settings.predictor['name']} on {len(self._bench.table)} measured subnets: a "
            "sum over stages, as the latencies are, so that the best and the worst score within a budget are exact. "
            "The gap of a search is (optimum - found) / (optimum - worst), in per cent; mean ± 95 % interval over "
            f"{self._options.repeats} seeds. "
            "It says how well a search maximises a score, not how accurate a network is."
        )

    def _overall(self, rows: Sequence[Row]) -> str:
        lines = []
        for name in texts(rows, "search"):
            own = [row for row in rows if row["search"] == name]
            gaps = np.array(numbers(own, GAP))
            cells = summarise(own, ("device", "ratio"), [GAP])
            worst = max(cell.mean[GAP] for cell in cells)
            seconds = float(np.median(numbers(own, "search_seconds")))
            shares = [f"{100 * float(share):.0f} %" for share in ((gaps == 0).mean(), (gaps <= GOAL).mean())]
            lines.append([name, float(gaps.mean()), worst, float(gaps.max()), *shares, seconds])
        header = ["search", "mean gap, %", "worst budget's mean, %", "worst run, %", "exact", f"within {GOAL:g} %"]
        return "## Over all devices and budgets\n\n" + markdown.table([*header, "process seconds, median"], lines)

    def _make_problem(self, device: str, ratio: float) -> Problem:
        latency = self._bench.device(device).latency
        bound = ratio * latency.reference(REFERENCE).value
        constraint = Constraint(latency, bound, latency.label, f"{ratio:g} x EfficientNet-B0")
        check_reachable([constraint])
        return Problem(self._bench.space, self._ranker, [constraint])


def extremes(scores: StageTables, constraint: Constraint) -> Extremes:
    """Those within a bound on a cost that is a sum over stages, both exact."""
    costs = constraint.cost.decompose()
    if costs is None or costs.combine == "max":
        raise InvalidInput(f"The optimum is known only where {constraint.label} is a sum over stages.")
    budget = np.array([constraint.bound * (1 + ROUNDING)])
    turned = StageTables(-scores.constant, tuple(-table for table in scores.tables))
    worst, best = (merge_fronts(values, costs).best_within(budget)[0] for values in (turned, scores))
    return Extremes(-float(worst), float(best))


def build(run: Run, options: Mapping[str, object]) -> OptimalityGap:
    """The experiment from the options of conf/experiment/optimality_gap.yaml."""
    return OptimalityGap(run, typed(GapOptions, options))


def _table(rows: Sequence[Row]) -> str:
    """Mean gaps by budget and search."""
    searches = texts(rows, "search")
    cells = {(s.at["ratio"], s.at["search"]): s for s in summarise(rows, ("ratio", "search"), [GAP])}
    ratios = list(dict.fromkeys(row["ratio"] for row in rows))
    lines = [
        [f"{ratio:g}", *(mean_text(cells[ratio, s], GAP) if (ratio, s) in cells else None for s in searches)]
        for ratio in ratios
    ]
    return markdown.table(["x EfficientNet-B0", *searches], lines)
