"""Do intervals hold what they promise? Every predictor, learned from a part of a table, on networks it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from nasface.analysis import Row, summarise
from nasface.experiments._base import Cell, Experiment, Report
from nasface.experiments.predictors import Regions, fitting_sizes, near_budgets
from nasface.jobs import Run
from nasface.predictors import Ranker, fit_ranker, learn_intervals
from nasface.predictors.trial import LEAST, split
from nasface.registry import build as build_component
from nasface.reports import markdown
from nasface.reports.cells import mean_text
from nasface.settings import typed
from nasface.spaces import relatives

MEASURED: Final = ("within", "promised", "own", "half", "rmse")
HEADER: Final = ("predictor", "within", "its table says", "within 1.96 own deviations", "half of an interval", "RMSE")

NORMAL: Final = 1.96
"""Standard deviations that hold 95 % of a normal distribution."""


@dataclass
class IntervalOptions:
    """See conf/experiment/intervals.yaml.

    Attributes:
        predictors: Names.
        sizes: Numbers of networks learned from.
        repeats: Random splits of the table.
        held_out: Share of it to judge by.
        ratios: Budgets near which networks are judged apart, relative to EfficientNet-B0 on the first device.
    """

    predictors: list[str]
    sizes: list[int]
    repeats: int
    held_out: float
    ratios: list[float]


@dataclass(frozen=True)
class IntervalTrial(Cell):
    """One predictor, learned from `size` networks, on one split."""

    predictor: str
    size: int
    seed: int


class IntervalTrials(Experiment[IntervalTrial]):
    """How many held-out networks lie within their intervals, and how wide these are."""

    name: ClassVar[str] = "intervals"
    cell: ClassVar[type[Cell]] = IntervalTrial

    def __init__(self, run: Run, options: IntervalOptions) -> None:
        self._bench, self._options = run.workbench, options
        fitting_sizes(options.sizes, len(self._bench.table), options.held_out)
        self._regions = near_budgets(self._bench, options.ratios)
        self.fingerprint = self._bench.fingerprint(run.settings.accuracy.metric, options.held_out, options.ratios)

    def cells(self) -> list[IntervalTrial]:
        """Every predictor at every size on every split."""
        options = self._options
        return [
            IntervalTrial(name, size, seed)
            for size in options.sizes
            for name in options.predictors
            for seed in range(options.repeats)
        ]

    def measure(self, cell: IntervalTrial) -> list[Row]:
        """One row per region of five networks or more."""
        bench, seed = self._bench, cell.seed
        learn, judged = split(self._families, cell.size, self._options.held_out, np.random.default_rng(seed))
        ranker = fit_ranker(
            bench.space,
            build_component("predictor", {"name": cell.predictor}),
            bench.table.genotypes[learn],
            bench.targets[learn],
            np.random.default_rng([seed, len(learn)]),
        )
        regions = {name: mask & judged for name, mask in self._regions.items() if (mask & judged).sum() >= LEAST}
        return _rows(ranker, bench.table.genotypes, bench.targets, regions)

    def report(self, rows: Sequence[Row]) -> Report:
        """A table per size and region."""
        parts = [self._introduction()]
        for line in dict.fromkeys((row["size"], row["region"]) for row in rows):
            size, region = line
            chosen = [row for row in rows if (row["size"], row["region"]) == line]
            cells = [
                [found.at["predictor"], *[mean_text(found, name) for name in MEASURED]]
                for found in summarise(chosen, ["predictor"], MEASURED)
            ]
            parts.append(f"## Learned from {size} networks: {region}\n\n{markdown.table(HEADER, cells)}")
        return Report("How often networks lie within their intervals of 95 %", "\n\n".join(parts))

    def _introduction(self) -> str:
        return (
            f"{len(self._bench.table)} measured subnets, {self._options.held_out:.0%} of them held out, "
            f"{self._options.repeats} splits; mean ± 95 % interval. *Within*: the share of held-out networks that "
            "measured what their interval promised. *Its table says*: the share that the networks learned from gave, "
            "each by the other parts of a cross-fit, as in the confidence line of a search. *Own*: of predictors that "
            "know how sure they are, the share within 1.96 of their deviations."
        )

    @cached_property
    def _families(self) -> npt.NDArray[np.intp]:
        return relatives(self._bench.space, self._bench.table.genotypes)


def _rows(
    ranker: Ranker, networks: npt.NDArray[np.int8], measured: npt.NDArray[np.float64], regions: Regions
) -> list[Row]:
    found, rows = learn_intervals(ranker), list[Row]()
    for region, mask in regions.items():
        error = np.abs(ranker.predicted_accuracy(networks[mask]) - measured[mask])
        doubts = ranker.doubts(networks[mask])
        rows.append(
            {
                "region": region,
                "within": float((error <= found.reach * doubts).mean()),
                "promised": found.covered,
                "own": float((error <= NORMAL * doubts).mean()) if ranker.sure else None,
                "half": float((found.reach * doubts).mean()),
                "rmse": float(np.sqrt(np.square(error).mean())),
            }
        )
    return rows


def build(run: Run, options: Mapping[str, object]) -> IntervalTrials:
    """The experiment from the options of conf/experiment/intervals.yaml."""
    return IntervalTrials(run, typed(IntervalOptions, options))
