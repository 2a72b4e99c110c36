"""Latency of devices nobody has measured: work, traffic and calls per layer, at the prices of a measured device."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nasface.costs._base import LayerCost, ReferenceCost
from nasface.devices.device import Device, find_lut
from nasface.devices.lut_file import read_lut
from nasface.devices.scaling import layer_model, measured_spaces
from nasface.errors import InvalidInput
from nasface.registry import register
from nasface.spaces import SearchSpace
from nasface.spaces.references import reference_network


@dataclass
class AnalyticConfig:
    """Parameters of `analytic`.

    Attributes:
        table: Name or file of the measured latency table that the prices are fitted to.
        speed: How many times faster the device is than the table's.
    """

    name: str = "analytic"
    table: str = "i7_8700k"
    speed: float = 1.0


@register("latency", "analytic", config=AnalyticConfig)
class AnalyticLatency(LayerCost):
    """Counts per layer (`devices.layer_model`) at prices fitted to another device's table; any space and resolution.

    Orders networks well and times them badly: `docs/results/latency_models.md` has the error on other devices.
    """

    name, unit, quantity, estimated = "latency_ms", "ms", "latency", True

    def __init__(self, config: AnalyticConfig, *, space: SearchSpace, device: Device | None) -> None:
        if not (math.isfinite(config.speed) and config.speed > 0):
            raise InvalidInput(f"latency.speed is {config.speed:g}; give a positive number, 2 for twice as fast.")
        table = read_lut(find_lut(config.table))
        self.speed, self.source = config.speed, table.name
        self.model = layer_model(table, measured_spaces(table, space))
        self.device = device
        super().__init__(space, self.model.predict(space.layers()) / config.speed)

    @property
    def place(self) -> str:
        """E.g. "on my_board modelled on i7_8700k"."""
        modelled = f"modelled on {self.source}"
        return f"on {self.device.name} {modelled}" if self.device else modelled

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Milliseconds of a reference network by the same model."""
        layers = reference_network(network, self.space.resolution).layers
        return ReferenceCost(float(self.model.predict(layers).sum()) / self.speed, True)
