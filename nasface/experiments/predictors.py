"""Every predictor on the same networks of one table: learning curves with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from nasface.accuracy.reliability import reliabilities
from nasface.analysis import PredictorComparison, Row
from nasface.analysis.predictor_trials import ALL
from nasface.composition import Workbench
from nasface.costs import network_costs
from nasface.errors import InvalidInput, TableError
from nasface.experiments._base import Cell, Experiment, Report
from nasface.predictors.trial import judge_floor, judge_predictor, split
from nasface.registry import build
from nasface.reports.predictor_table import comparison_markdown
from nasface.spaces import relatives
from nasface.strategies.constraints import REFERENCE

NEAR: Final = 0.05
COUNTED: Final = {"macs_only": "macs_m", "params_only": "params_m"}
FLOORS: Final = (*COUNTED, "random")
"""What every predictor has to beat: counting operations or parameters, and drawing lots."""

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Regions = dict[str, Mask]


@dataclass(frozen=True)
class TrialDesign:
    """What is tried.

    Attributes:
        predictors: Settings by name; floors are always added.
        sizes: Numbers of networks learned from.
        splits: Random splits of the table.
        held_out: Share of the table to judge by.
        regions: By name, bool[n]: networks that are judged apart.
        baseline: The predictor that differences are taken to.
    """

    predictors: Mapping[str, Mapping[str, object]]
    sizes: Sequence[int]
    splits: int
    held_out: float
    regions: Regions
    baseline: str


@dataclass(frozen=True)
class PredictorTrial(Cell):
    """One predictor or floor, learned from `size` networks, on one split."""

    predictor: str
    size: int
    seed: int


class PredictorTrials(Experiment[PredictorTrial]):
    """Fits and judgements on one table; a split depends on the seed alone, so that comparisons are paired."""

    name: ClassVar[str] = "predictors"
    cell: ClassVar[type[Cell]] = PredictorTrial

    def __init__(self, bench: Workbench, design: TrialDesign) -> None:
        self._bench, self.design = bench, design
        parameters = {name: dict(given) for name, given in design.predictors.items() if len(given) > 1}
        regions = {name: mask.tobytes().hex() for name, mask in design.regions.items()}
        self.fingerprint = bench.fingerprint(design.held_out, parameters, regions)

    def cells(self) -> list[PredictorTrial]:
        """Every predictor and every floor, at every size, on every split."""
        design = self.design
        return [
            PredictorTrial(name, size, seed)
            for seed in range(design.splits)
            for size in design.sizes
            for name in (*design.predictors, *FLOORS)
        ]

    def measure(self, cell: PredictorTrial) -> list[Row]:
        """One row per region."""
        size, seed = cell.size, cell.seed
        learn, judged = split(self._families, size, self.design.held_out, np.random.default_rng(seed))
        regions = {region: mask & judged for region, mask in self.design.regions.items()}
        found = self._judge(cell.predictor, learn, regions, np.random.default_rng([seed, len(learn)]))
        return [{"region": region, **values} for region, values in found.items()]

    def report(self, rows: Sequence[Row]) -> Report:
        """Tables at the largest size, learning curves."""
        title = f"Predictors on {len(self._bench.table)} measured subnets, {self.design.splits} splits"
        body, pictures = comparison_markdown(PredictorComparison.of(rows, self.design.baseline), self.name)
        return Report(title, f"{ceiling_text(self._bench)}\n\n{body}", pictures)

    def _judge(
        self, name: str, learn: npt.NDArray[np.intp], regions: Regions, rng: np.random.Generator
    ) -> Mapping[str, Row]:
        bench = self._bench
        if name in FLOORS:
            values = self._counts[name] if name in COUNTED else rng.random(len(bench.table))
            return judge_floor(values, bench.targets, regions)
        settings = self.design.predictors[name]
        return judge_predictor(
            bench.space, lambda: build("predictor", settings), bench.table.genotypes, bench.targets, learn, regions, rng
        )

    @cached_property
    def _families(self) -> npt.NDArray[np.intp]:
        return relatives(self._bench.space, self._bench.table.genotypes)

    @cached_property
    def _counts(self) -> dict[str, npt.NDArray[np.float64]]:
        costs = network_costs(self._bench.space)
        return {name: costs[cost].predict(self._bench.table.genotypes) for name, cost in COUNTED.items()}


def fitting_sizes(sizes: Sequence[int], n: int, held_out: float) -> list[int]:
    """The sizes that the table has networks for, and all of them that are not held out.

    Raises:
        InvalidInput: `held_out` is no share.
    """
    if not 0 < held_out < 1:
        raise InvalidInput(f"The share held out is {held_out}; give a number between 0 and 1.")
    most = n - max(round(n * held_out), 1)
    return sorted({size for size in sizes if 2 <= size < most} | {most})


def near_budgets(bench: Workbench, ratios: Sequence[float]) -> Regions:
    """Everywhere, and within 5 % of each budget relative to EfficientNet-B0, on each device."""
    return _regions(bench, ratios, lambda relative: np.abs(relative - 1) <= NEAR, "within 5 % of ")


def within_budgets(bench: Workbench, ratios: Sequence[float]) -> Regions:
    """Everywhere, and all networks that meet each budget: the best of them is what a search would look for."""
    return _regions(bench, ratios, lambda relative: relative <= 1, "within ")


def ceiling_text(bench: Workbench) -> str:
    """What the table's own noise allows, where the table has halves to tell."""
    try:
        found = [r for r in reliabilities(bench.table) if r.metric == bench.settings.accuracy.metric]
    except TableError as error:
        return f"The table's noise ceiling is unknown: {error}"
    return " ".join(
        f"Over two halves of the {r.split} the table's reliability is {r.reliability:.2f} "
        f"({r.low:.2f} to {r.high:.2f}): against the networks' true order, tau of the table itself is about "
        f"{r.ceiling:.2f}."
        for r in found
    )


def _regions(bench: Workbench, ratios: Sequence[float], chosen: Callable[[Values], Mask], word: str) -> Regions:
    regions = {ALL: np.ones(len(bench.table), bool)}
    for entry in bench.devices:
        reference, values = entry.latency.reference(REFERENCE).value, entry.latency.predict(bench.table.genotypes)
        for ratio in ratios:
            regions[f"{word}{ratio:g} on {entry.device.name}"] = chosen(values / (ratio * reference))
    return regions
