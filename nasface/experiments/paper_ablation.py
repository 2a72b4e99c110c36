"""The paper's Figs. 4 to 8: what the parameters of evolution do to accuracy and time, one at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from nasface.analysis import Row, Summary, constraints_json, summarise
from nasface.analysis.summaries import texts
from nasface.experiments._base import Cell, Experiment, Report
from nasface.jobs import Run
from nasface.predictors import Ranker, Ridge
from nasface.randomness import Part
from nasface.registry import REGISTRY
from nasface.registry import build as build_component
from nasface.reports import markdown
from nasface.reports.cells import mean_text
from nasface.reports.curves import curve
from nasface.reports.svg import picture
from nasface.settings import typed
from nasface.spaces import Population
from nasface.strategies import Problem

SYMBOLS: Final = {
    "generations": "T",
    "population": "P",
    "parent_ratio": "Kr",
    "mutation_ratio": "Mr",
    "mutate_probability": "Pm",
}
"""Parameters of the search and their names in the paper."""

PUBLISHED: Final = {
    "generations": 500,
    "population": 100,
    "parent_ratio": 0.25,
    "mutation_ratio": 0.5,
    "mutate_probability": 0.1,
}
"""What the paper chose. Its figures carry no numbers in the text."""


MEASURED: Final = ("predicted", "judged", "search_seconds", "pairs", "distinct")
HEADER: Final = ("predicted {metric}", "by ridge", "process seconds", "pairs compared", "distinct networks")


@dataclass
class AblationOptions:
    """See conf/experiment/paper_ablation.yaml.

    Attributes:
        predictor: Whose opinion is searched by, at its defaults: the paper's, whatever the run's `predictor` is.
        repeats: Searches per value.
        values: What is tried, by name of the search's parameter; the others keep their values in `search`.
    """

    predictor: str
    repeats: int
    values: dict[str, list[Any]]  # OmegaConf knows no union of numbers inside containers


@dataclass(frozen=True)
class AblationTrial(Cell):
    """One search with one parameter at another value."""

    parameter: str
    value: int | float
    seed: int


class Opinions(NamedTuple):
    """The ranker that searches ask, and another one about what they find."""

    asked: Ranker
    judge: Ranker


class PaperAblation(Experiment[AblationTrial]):
    """Searches with one parameter changed at a time, all by the same ranker; offline on the accuracy table."""

    name: ClassVar[str] = "paper_ablation"
    cell: ClassVar[type[Cell]] = AblationTrial

    def __init__(self, run: Run, options: AblationOptions) -> None:
        settings = run.settings
        self._bench, self._options, self._settings = run.workbench, options, settings
        self._constraints = self._bench.constraints
        self._fit_rng = run.rng(Part.PREDICTOR)
        self._predictor = REGISTRY.get("predictor", options.predictor).defaults()
        self._rankers: Opinions | None = None
        bounds = constraints_json(self._constraints)
        self.fingerprint = self._bench.fingerprint(
            settings.accuracy.metric, self._predictor, settings.selector, settings.search, bounds, settings.seed
        )

    def cells(self) -> list[AblationTrial]:
        """Every value of every parameter, all seeds."""
        return [
            AblationTrial(parameter, value, seed)
            for parameter, values in self._options.values.items()
            for value in values
            for seed in range(self._options.repeats)
        ]

    def measure(self, cell: AblationTrial) -> list[Row]:
        """One search."""
        ranker, judge = self._fitted()
        kept = {name: value for name, value in self._settings.search.items() if name != cell.parameter}
        base = self._settings.search.get(cell.parameter)
        value = int(cell.value) if isinstance(base, int) else cell.value  # T and P are whole numbers
        selector = build_component("selector", self._settings.selector)
        search = build_component("search", kept | {cell.parameter: value}, selector=selector)
        started = time.process_time()
        found = search.run(Problem(self._bench.space, ranker, self._constraints), self._rng(cell))
        seconds = time.process_time() - started
        best: Population = found.best[None]
        return [
            {
                "predicted": float(ranker.predicted_accuracy(best)[0]),
                "judged": float(judge.predicted_accuracy(best)[0]),
                "search_seconds": round(seconds, 4),
                "pairs": found.counters["pairs"],
                "distinct": found.counters["distinct"],
                "genes": self._bench.space.to_text(found.best),
            }
        ]

    def report(self, rows: Sequence[Row]) -> Report:
        """A table and two pictures per parameter: predicted accuracy, and process time."""
        metric, parts, pictures = self._settings.accuracy.metric, [self._introduction()], {}
        for parameter in texts(rows, "parameter"):
            symbol = SYMBOLS.get(parameter, parameter)
            lines = summarise([row for row in rows if row["parameter"] == parameter], ["value"], MEASURED)
            parts.append(f"## {symbol} (`search.{parameter}`)")
            cells = [[_value(parameter, line), *[mean_text(line, name) for name in MEASURED]] for line in lines]
            parts.append(markdown.table([symbol, *(name.format(metric=metric) for name in HEADER)], cells))
            for name, label in ((MEASURED[0], f"predicted {metric} (estimated)"), (MEASURED[2], "process seconds")):
                pictures[f"{parameter}_{name}"] = picture([curve(lines, "value", name, label)], symbol, label)
                parts.append(markdown.image(self.name, f"{parameter}_{name}", f"{label} by {symbol}"))
        return Report("Parameters of evolution, one at a time (Figs. 4 to 8)", "\n\n".join(parts), pictures)

    def _introduction(self) -> str:
        bounds = ", ".join(f"{c.label} at most {c.cost.text(c.bound)}" for c in self._constraints)
        return (
            f"Searches by {self._options.predictor} on {len(self._bench.table)} measured subnets, {bounds}; "
            f"mean ± 95 % interval over {self._options.repeats} searches. Predictions are estimated, the second one by "
            "ridge on the same table, which no search maximised. * marks the paper's choice; its figures carry no "
            "numbers in the text, and it states 5 to 10 minutes for a search on a server."
        )

    def _fitted(self) -> Opinions:
        """Fitted once, when they are first asked for."""
        if self._rankers is None:
            bench, predictor = self._bench, build_component("predictor", self._predictor)
            asked = bench.fit_with(predictor, self._fit_rng)
            judge = bench.fit_with(Ridge(), np.random.default_rng(0))
            self._rankers = Opinions(asked, judge)
        return self._rankers

    def _rng(self, cell: AblationTrial) -> np.random.Generator:
        """The same for all values, so that they are compared on the same draws as far as possible."""
        return np.random.default_rng([self._settings.seed, cell.seed])


def build(run: Run, options: Mapping[str, object]) -> PaperAblation:
    """The experiment from the options of conf/experiment/paper_ablation.yaml."""
    return PaperAblation(run, typed(AblationOptions, options))


def _value(parameter: str, line: Summary) -> str:
    return f"{line.at['value']:g}{' *' if line.at['value'] == PUBLISHED.get(parameter) else ''}"
