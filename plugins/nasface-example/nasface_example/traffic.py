"""A latency model: time to compute plus time to move data, layer by layer, from two figures of a data sheet."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from nasface import SearchSpace, register
from nasface.costs import LayerCost, ReferenceCost
from nasface.devices import Device
from nasface.errors import InvalidInput, UnknownName
from nasface.netspec import Layer, op_params
from nasface.spaces.references import REFERENCES

BYTES: Final = 4
"""Of a float32."""


@dataclass
class TrafficConfig:
    """What the device can do.

    Attributes:
        gmacs_per_s: Multiply-accumulates per second, in 10^9.
        gbytes_per_s: Memory bandwidth, in 10^9 bytes per second.
    """

    name: str = "traffic"
    gmacs_per_s: float = 20.0
    gbytes_per_s: float = 10.0


@register("latency", "traffic", config=TrafficConfig)
class TrafficLatency(LayerCost):
    """Additive roofline: MACs / rate + bytes moved / bandwidth per layer; needs no latency table, always estimated."""

    name, unit, quantity, estimated = "latency_ms", "ms", "latency", True

    def __init__(self, config: TrafficConfig, *, space: SearchSpace, device: Device | None) -> None:
        if not (config.gmacs_per_s > 0 and config.gbytes_per_s > 0):
            raise InvalidInput(
                f"latency.gmacs_per_s is {config.gmacs_per_s} and latency.gbytes_per_s {config.gbytes_per_s}; "
                "give positive numbers."
            )
        self.config, self.device = config, device
        super().__init__(space, np.array([self.milliseconds(layer) for layer in space.layers()], np.float64))

    @property
    def place(self) -> str:
        """E.g. "on example_board"."""
        return f"on {self.device.name}" if self.device else ""

    def milliseconds(self, layer: Layer) -> float:
        """Of one layer."""
        compute = layer.macs / (self.config.gmacs_per_s * 1e6)
        return compute + bytes_moved(layer) / (self.config.gbytes_per_s * 1e6)

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Milliseconds of a reference network by the same model, so that ratios work; always an estimate."""
        if network not in REFERENCES:
            raise UnknownName("reference network", network, REFERENCES)
        layers = REFERENCES[network](self.space.resolution).layers
        return ReferenceCost(sum(map(self.milliseconds, layers)), True)


def bytes_moved(layer: Layer) -> int:
    """Bytes that the operations of a layer read (inputs, weights) and write (outputs), caches aside."""
    shapes = {layer.input: layer.input_shape} | {op.name: op.shape for op in layer.ops}
    read = sum(op_params(op) + sum(prod(shapes[name]) for name in op.inputs) for op in layer.ops)
    return BYTES * (read + sum(prod(op.shape) for op in layer.ops))
