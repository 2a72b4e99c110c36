"""The found network beside the alternatives: what a search's summary and page are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.accuracy.table import AccuracyTable
from nasface.composition import (
    LARGEST,
    SMALLEST,
    DeviceCosts,
    counts,
    extreme_genotypes,
)
from nasface.costs import Cost, EnergyMJ
from nasface.errors import NasfaceError
from nasface.predictors import QualityReport, Ranker
from nasface.spaces import Population, SearchSpace
from nasface.spaces.published import published_genotypes, published_subnets
from nasface.spaces.references import REFERENCES
from nasface.strategies import Constraint, SearchResult

FOUND = "found"
REFERENCE = "efficientnet_b0"


@dataclass(frozen=True)
class SearchFacts:
    """All that a report is made from."""

    supernet: str
    space: SearchSpace
    devices: list[DeviceCosts]
    constraints: list[Constraint]
    notes: list[str]
    table: AccuracyTable
    targets: npt.NDArray[np.float64]
    metric: str
    ranker: Ranker
    quality: QualityReport
    result: SearchResult
    predictor: str


def compare(facts: SearchFacts) -> list[dict[str, Any]]:
    """One row per network: found, smallest, largest, published, and the reference (which has no accuracy here)."""
    named = named_networks(facts)
    population = np.stack(list(named.values()))
    predicted = facts.ranker.predicted_accuracy(population)
    costs = counts(facts.space)
    params, macs = costs["params_m"].predict(population), costs["macs_m"].predict(population)
    latencies = {latency_column(entry): entry.latency.predict(population) for entry in facts.devices}
    latencies |= {_column(cost): cost.predict(population) for cost in _other_costs(facts)}
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(named):
        row = {
            "network": name,
            "predicted": float(predicted[i]),
            "params_m": float(params[i]),
            "macs_m": float(macs[i]),
        }
        rows.append(row | {column: float(values[i]) for column, values in latencies.items()})
    return [*rows, _reference_row(facts)]


def latency_column(entry: DeviceCosts) -> str:
    """Name of a device's latency in tables and results."""
    return f"latency {entry.device.name}"


def named_networks(facts: SearchFacts) -> dict[str, npt.NDArray[np.int8]]:
    """The networks of the comparison: found, smallest, largest, published."""
    return {FOUND: facts.result.best} | _extremes(facts) | _published(facts.space)


def _other_costs(facts: SearchFacts) -> list[Cost]:
    """Bounded costs that have no column otherwise."""
    shown = {"latency_ms", "params_m", "macs_m"}
    return [constraint.cost for constraint in facts.constraints if constraint.cost.name not in shown]


def _extremes(facts: SearchFacts) -> dict[str, npt.NDArray[np.int8]]:
    """Smallest and largest network by MACs: exact where the space has stages, else of the measured ones."""
    values = counts(facts.space)["macs_m"].predict(facts.table.genotypes)
    measured = {SMALLEST: facts.table.genotypes[values.argmin()], LARGEST: facts.table.genotypes[values.argmax()]}
    return extreme_genotypes(facts.space) or measured


def _published(space: SearchSpace) -> dict[str, Population]:
    """The published face networks, with published times, that exist in this space."""
    timed = {net.name for net in published_subnets() if net.measured_tflite_cpu_ms is not None}
    return {name: genotype for name, genotype in published_genotypes(space).items() if name in timed}


def _reference_row(facts: SearchFacts) -> dict[str, Any]:
    spec = REFERENCES[REFERENCE](facts.space.resolution)
    row: dict[str, Any] = {
        "network": "EfficientNet-B0",
        "predicted": None,
        "params_m": spec.params / 1e6,
        "macs_m": spec.macs / 1e6,
    }
    for entry in facts.devices:
        try:
            row[latency_column(entry)] = entry.latency.reference(REFERENCE).value
        except NasfaceError:  # the table has none at this resolution
            row[latency_column(entry)] = None
    for cost in _other_costs(facts):
        try:
            row[_column(cost)] = cost.reference(REFERENCE).value
        except NasfaceError:  # nobody knows it
            row[_column(cost)] = None
    return row


def _column(cost: Cost) -> str:
    """Key of a cost without a column of its own; devices have an energy each."""
    return cost.label if isinstance(cost, EnergyMJ) else cost.name


def columns(facts: SearchFacts) -> list[str]:
    """Keys of a row of `compare`, in the order of `header`."""
    latencies = [latency_column(entry) for entry in facts.devices]
    return ["network", "predicted", "params_m", "macs_m", *latencies, *map(_column, _other_costs(facts))]


def header(facts: SearchFacts) -> list[str]:
    """What stands above the columns."""
    latencies = [f"{entry.device.name} ms{mark(entry)}" for entry in facts.devices]
    others = [f"{cost.label} {cost.unit}{' (estimated)' if cost.estimated else ''}" for cost in _other_costs(facts)]
    return ["network", f"{facts.metric} (estimated)", "params M", "MACs M", *latencies, *others]


def mark(entry: DeviceCosts) -> str:
    """What follows a latency that rests on estimates."""
    return " (estimated)" if entry.latency.estimated else ""
