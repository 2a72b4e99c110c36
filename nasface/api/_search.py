"""`nasface.search(...)` and the parts of a search."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nasface.errors import InvalidInput, UnknownName

if TYPE_CHECKING:
    from nasface.composition import Workbench
    from nasface.costs import Cost
    from nasface.settings import Bound, Constraints
    from nasface.spaces import Population
    from nasface.strategies import SearchResult


DEFAULT_RATIO: Final = 0.6
"""Bound on latency relative to EfficientNet-B0 where none is given, as in `conf/config.yaml`."""


@dataclass(frozen=True, repr=False)
class Found:
    """What `search` found; in a notebook a small table.

    Attributes:
        genotype: The winner as a dictionary, for `Supernet.extract`.
        predicted: Its accuracy by the predictor; an estimate.
        costs: By name, e.g. {"latency_ms": 6.7, "params_m": 3.3, "macs_m": 61.0}; with several devices
            "latency_ms sd865" and so on.
        estimated: Names of costs that rest on estimates.
        finalists: int8[k, n_genes], the best networks, the winner first.
        result: History and counters of the search.
    """

    genotype: dict[str, list[int]]
    predicted: float
    costs: dict[str, float]
    estimated: tuple[str, ...]
    finalists: Population
    result: SearchResult

    def __repr__(self) -> str:
        """The figures, without the arrays."""
        figures = ", ".join(f"{name} {text}" for name, text in self._figures())
        return f"Found({figures}; {len(self.finalists)} finalists)"

    def _repr_html_(self) -> str:
        """The same as a table, for notebooks."""
        rows = [*self._figures(), *((name, str(genes)) for name, genes in self.genotype.items())]
        cells = (f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows)
        return f"<table>{''.join(cells)}</table>"

    def _figures(self) -> list[tuple[str, str]]:
        marks = {name: " (estimated)" if name in self.estimated else "" for name in self.costs}
        costs = [(name, f"{value:.4g}{marks[name]}") for name, value in self.costs.items()]
        return [("predicted", f"{self.predicted:.4f} (estimated)"), *costs]


def search(
    *,
    supernet: str | Path | None = None,
    table: str | Path | None = None,
    metric: str = "auc",
    direction: str | None = None,
    resolution: int | None = None,
    space: str = "ofa_mbv3_face",
    device: str | Sequence[str] = "sd865",
    predictor: str = "ridge",
    selector: str = "quickselect",
    strategy: str = "evolution",
    max_latency_ms: float | None = None,
    latency_ratio: float | None = None,
    latency_confidence: float | None = None,
    max_costs: Mapping[str, float] | None = None,
    cost_ratios: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Found:
    """Find the most accurate network of a supernet that a device runs within a bound.

    Args:
        supernet: Checkpoint; None takes the embedded demo supernet.
        table: Accuracy table of the supernet; None takes the demo's.
        metric: Column of the table that the predictor learns from.
        direction: "max" or "min": which values of it are better, where nasface does not know it.
        resolution: Side of the input in pixels, for checkpoints that do not state it.
        space: Name of the space.
        device: Name of a device: embedded, or a table in your table folder; several names for one network that meets
            the bounds on all of them.
        predictor: Name of the predictor; parameters are its defaults.
        selector: Name of the selector.
        strategy: Name of the search.
        max_latency_ms: Bound in milliseconds.
        latency_ratio: Bound relative to EfficientNet-B0 on the same device; 0.6 if no bound is given.
        latency_confidence: Chance with which the measured latency is to stay within the bound, e.g. 0.95; the device's
            table must have been checked (task=check_latency).
        max_costs: More bounds, e.g. {"model_mb": 14, "peak_memory_mb": 2, "params_m": 4, "macs_m": 90}.
        cost_ratios: The same relative to EfficientNet-B0, e.g. {"params_m": 0.9}.
        seed: Of everything random.

    Raises:
        InfeasibleConstraint: No network meets the bounds; the message names the smallest reachable value.
        NasfaceError: Something given does not exist or does not fit.
    """
    from nasface.settings import Bound

    bench = open_workbench(
        supernet=supernet,
        table=table,
        metric=metric,
        direction=direction,
        resolution=resolution,
        space=space,
        device=device,
        predictor=predictor,
        selector=selector,
        strategy=strategy,
        constraints=bounds_of(
            Bound(max_latency_ms, latency_ratio, latency_confidence), max_costs or {}, cost_ratios or {}
        ),
        seed=seed,
    )
    bench.check()
    ranker = bench.fit()
    result = bench.search(ranker)
    winner, costs = result.best[None], _costs(bench)
    return Found(
        bench.space.to_dict(result.best),
        float(ranker.predicted_accuracy(winner)[0]),
        {name: float(cost.predict(winner)[0]) for name, cost in costs.items()},
        tuple(name for name, cost in costs.items() if cost.estimated),
        result.finalists,
        result,
    )


def open_workbench(
    *,
    supernet: str | Path | None = None,
    table: str | Path | None = None,
    metric: str = "auc",
    direction: str | None = None,
    resolution: int | None = None,
    space: str = "ofa_mbv3_face",
    device: str | Sequence[str] = "sd865",
    predictor: str = "ridge",
    selector: str = "quickselect",
    strategy: str = "evolution",
    constraints: Constraints | None = None,
    seed: int = 0,
) -> Workbench:
    """The parts of a search, for those who go on by themselves: space, devices, accuracy table, ranker, experiments.

    Arguments are those of `search`; `constraints` are its bounds, None for its default bound on latency.

    Raises:
        NasfaceError: A part that is asked for does not exist or does not fit.
    """
    from nasface.composition import Workbench  # what a search is made of, loaded when one begins
    from nasface.inputs import check_inputs
    from nasface.options import prepare
    from nasface.settings import Accuracy, Constraints, Refine, Settings
    from nasface.supernets.options import DEMO

    prepare()
    names = [device] if isinstance(device, str) else list(device)
    settings = Settings(
        seed=seed,
        constraints=constraints or Constraints(default_latency_ratio=DEFAULT_RATIO),
        refine=Refine(verify_top=0, rounds=1, acquisition="greedy", verified=None, warm_start=[]),
        accuracy=Accuracy(table=None if table is None else str(table), metric=metric, direction=direction, ratios=None),
        space={"name": space},
        supernet={
            "name": DEMO,
            "checkpoint": None if supernet is None else str(supernet),
            "resolution": resolution,
        },
        latency={"name": "lut"},
        device={name: {"lut": name} for name in names},
        predictor={"name": predictor},
        selector={"name": selector},
        search={"name": strategy},
        exporter={"name": "tflite"},
    )
    check_inputs(settings, Path.cwd())
    return Workbench(settings, Path.cwd())


def bounds_of(latency: Bound, most: Mapping[str, float], ratios: Mapping[str, float]) -> Constraints:
    """Bounds as the options have them, of the arguments that `search` and `create_study` share."""
    from nasface.costs import COSTS, LATENCY
    from nasface.settings import Bound, Constraints

    bounds = {LATENCY: latency}
    for name in {**most, **ratios}:
        if name not in COSTS:
            raise UnknownName("cost", name, COSTS)
        if name == LATENCY:
            raise InvalidInput(
                "Latency is bounded by max_latency_ms or latency_ratio, not in max_costs or cost_ratios."
            )
        bounds[name] = Bound(most.get(name), ratios.get(name))
    return Constraints(bounds, DEFAULT_RATIO)


def _costs(bench: Workbench) -> dict[str, Cost]:
    """All that is known of a network by name; what devices know apart carries their names if there are several."""
    costs: dict[str, Cost] = {}
    for entry in bench.devices:
        for cost in (entry.latency, *bench.known_on(entry.device)):
            costs[cost.name if len(bench.devices) == 1 else f"{cost.name} {entry.device.name}"] = cost
    return costs | dict(bench.counts)
