"""The found network beside the alternatives, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasface.analysis.facts import REFERENCE, SearchFacts, reference_cost
from nasface.costs import LATENCY, Cost, EnergyMJ, network_costs
from nasface.runs import Json
from nasface.spaces.references import REFERENCES


@dataclass(frozen=True)
class CostColumn:
    """A cost that networks are compared by, beside parameters and MACs.

    Attributes:
        cost: Which.
        device: Name of the device whose latency it is; None for another cost.
    """

    cost: Cost
    device: str | None = None

    @property
    def key(self) -> str:
        """In `result.json`; devices have an energy each, which is told apart by its label."""
        if self.device is not None:
            return f"latency {self.device}"
        return self.cost.label if isinstance(self.cost, EnergyMJ) else self.cost.name


@dataclass(frozen=True)
class Compared:
    """One network.

    Attributes:
        name: For people.
        predicted: Its accuracy by the predictor, an estimate; None for one that is not of the space.
        params_m: Parameters, in millions.
        macs_m: Multiply-accumulates, in millions.
        costs: In the order of `Comparison.columns`; None where nobody knows it.
    """

    name: str
    predicted: float | None
    params_m: float
    macs_m: float
    costs: tuple[float | None, ...]


@dataclass(frozen=True)
class Comparison:
    """The networks, the found one first and EfficientNet-B0 last.

    Attributes:
        columns: The latencies of all devices, then bounded costs that have no column otherwise.
        networks: One per row.
    """

    columns: tuple[CostColumn, ...]
    networks: tuple[Compared, ...]

    @property
    def found(self) -> Compared:
        """The network that the search delivers."""
        return self.networks[0]

    @property
    def latencies(self) -> list[CostColumn]:
        """The columns that are latencies."""
        return [column for column in self.columns if column.device is not None]

    def to_json(self) -> list[dict[str, Json]]:
        """`comparison` of `result.json`."""
        return [self.row(network) for network in self.networks]

    def row(self, network: Compared) -> dict[str, Json]:
        """One network of it."""
        values = {column.key: value for column, value in zip(self.columns, network.costs, strict=True)}
        counted = {"params_m": network.params_m, "macs_m": network.macs_m}
        return {"network": network.name, "predicted": network.predicted, **counted, **values}


def compare(facts: SearchFacts) -> Comparison:
    """Found, smallest, largest, published, and the reference, which has no accuracy here."""
    columns, counted = tuple(_columns(facts)), network_costs(facts.space)
    population = np.stack(list(facts.networks.values()))
    predicted = facts.ranker.predicted_accuracy(population)
    params, macs = (counted[name].predict(population) for name in _COUNTED)
    costs = [column.cost.predict(population) for column in columns]
    compared = [
        Compared(
            name, float(predicted[i]), float(params[i]), float(macs[i]), tuple(float(values[i]) for values in costs)
        )
        for i, name in enumerate(facts.networks)
    ]
    return Comparison(columns, (*compared, _reference(facts, columns)))


_COUNTED = ("params_m", "macs_m")


def _columns(facts: SearchFacts) -> list[CostColumn]:
    latencies = [CostColumn(entry.latency, entry.device.name) for entry in facts.devices]
    shown = {LATENCY, *_COUNTED}
    return latencies + [CostColumn(c.cost) for c in facts.constraints if c.cost.name not in shown]


def _reference(facts: SearchFacts, columns: Sequence[CostColumn]) -> Compared:
    spec = REFERENCES[REFERENCE](facts.space.resolution)
    costs = tuple(reference_cost(column.cost) for column in columns)
    return Compared("EfficientNet-B0", None, spec.params / 1e6, spec.macs / 1e6, costs)
