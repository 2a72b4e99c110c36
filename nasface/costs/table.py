"""The costs that can be bounded. A new one is its class and an entry here: all that goes by names follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from nasface.costs._base import Cost
from nasface.costs.counts import Macs, Params
from nasface.costs.energy import EnergyMJ
from nasface.costs.memory import ModelMB, PeakMemoryMB
from nasface.devices.device import Device
from nasface.registry import register
from nasface.spaces import SearchSpace

LATENCY: Final = "latency_ms"
"""The one cost that the table does not make: its models are components, chosen with `latency=`."""


@dataclass(frozen=True)
class CostKind:
    """How a cost is made: of the network alone, or for each device; latency is neither.

    Attributes:
        of_network: From the space and the precision of the exported weights.
        of_device: From the space and a device; raises `LookupTableError` where nobody measured it there.
        known_on: Whether somebody measured it on a device, at a resolution.
    """

    of_network: Callable[[SearchSpace, str], Cost] | None = None
    of_device: Callable[[SearchSpace, Device], Cost] | None = None
    known_on: Callable[[Device, int], bool] = lambda device, resolution: False


_MADE: Final[Mapping[type[Cost], CostKind]] = {
    Params: CostKind(of_network=lambda space, _: Params(space)),
    Macs: CostKind(of_network=lambda space, _: Macs(space)),
    ModelMB: CostKind(of_network=ModelMB),
    PeakMemoryMB: CostKind(of_network=PeakMemoryMB),
    EnergyMJ: CostKind(of_device=EnergyMJ, known_on=EnergyMJ.known_on),
}

COSTS: Final[Mapping[str, CostKind]] = {LATENCY: CostKind()} | {cost.name: kind for cost, kind in _MADE.items()}
"""By name, as in `constraints.NAME` and in results."""

for _cost in _MADE:
    register("cost", _cost.name)(_cost)


def network_costs(space: SearchSpace, precision: str = "float32") -> dict[str, Cost]:
    """The costs that need no device, by name; `precision` is that of the exported weights."""
    return {name: kind.of_network(space, precision) for name, kind in COSTS.items() if kind.of_network is not None}
