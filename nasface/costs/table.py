"""The costs that can be bounded. A new one is an entry here, and its default in `conf/config.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from nasface.costs._base import Cost
from nasface.costs.counts import Macs, Params
from nasface.costs.energy import EnergyMJ
from nasface.costs.memory import ModelMB, PeakMemoryMB
from nasface.devices.device import Device
from nasface.spaces import SearchSpace

LATENCY: Final = "latency_ms"
"""The one cost that the table does not make: its models are components, chosen with `latency=`."""


@dataclass(frozen=True)
class CostKind:
    """How a cost is made: of the network alone, or for each device; latency is neither.

    Attributes:
        unit: For people, e.g. "ms".
        of_network: From the space and the precision of the exported weights.
        of_device: From the space and a device; raises `LookupTableError` where nobody measured it there.
        known_on: Whether somebody measured it on a device, at a resolution.
    """

    unit: str
    of_network: Callable[[SearchSpace, str], Cost] | None = None
    of_device: Callable[[SearchSpace, Device], Cost] | None = None
    known_on: Callable[[Device, int], bool] = lambda device, resolution: False


COSTS: Final[Mapping[str, CostKind]] = {
    LATENCY: CostKind("ms"),
    "params_m": CostKind("M", of_network=lambda space, _: Params(space)),
    "macs_m": CostKind("M", of_network=lambda space, _: Macs(space)),
    "model_mb": CostKind("MB", of_network=ModelMB),
    "peak_memory_mb": CostKind("MB", of_network=lambda space, _: PeakMemoryMB(space)),
    "energy_mj": CostKind("mJ", of_device=EnergyMJ, known_on=EnergyMJ.known_on),
}
"""By name, as in `constraints.NAME` and in results."""


def network_costs(space: SearchSpace, precision: str = "float32") -> dict[str, Cost]:
    """The costs that need no device, by name; `precision` is that of the exported weights."""
    return {name: kind.of_network(space, precision) for name, kind in COSTS.items() if kind.of_network is not None}
