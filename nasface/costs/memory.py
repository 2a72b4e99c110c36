"""Memory: the size of the exported file, and the activations that inference keeps at one time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nasface.costs._base import LayerCost, ReferenceCost
from nasface.errors import UnknownName
from nasface.netspec import Activation, Conv, Layer, Linear, Op, has_bias, op_deployed
from nasface.spaces import SearchSpace
from nasface.spaces.references import reference_network

FLOAT: Final = 4

IN_FLOAT: Final = ("h_swish", "prelu")
"""Activations that `exporter.hard_swish=float`, the default, computes in float32 in an int8 file."""


@dataclass(frozen=True)
class Storage:
    """What a `.tflite` file of one precision takes, in bytes.

    Attributes:
        weight: One value of a kernel.
        bias: One bias that is a float.
        scales: Of one output channel: scales and zero points, and the bias where that is an integer.
        operator: One operator, beside its weights: tensors, names, buffers; the mean over exported networks.
    """

    weight: int
    bias: int
    scales: int
    operator: int


STORAGE: Final = {
    "float32": Storage(4, 4, 0, 290),
    "float16": Storage(2, 2, 0, 440),
    "int8": Storage(1, 0, 28, 370),
    "int8_weights": Storage(1, 4, 12, 375),
}
"""By precision; files differ from predictions by less than 0.3 %."""

PARTS_OF_SEVEN: Final = 3
"""A 7x7 depthwise convolution is written as the sum of three operators, each with scales of its own."""


def stored_bytes(op: Op, storage: Storage) -> int:
    """What one operation adds to a file."""
    deployed = op_deployed(op)
    if not isinstance(op, Conv | Linear):
        return deployed * storage.weight + storage.operator
    biases = op.shape[2] * has_bias(op)
    parts = PARTS_OF_SEVEN if isinstance(op, Conv) and op.depthwise and op.kernel == 7 else 1
    kernel = (deployed - biases) * storage.weight + biases * storage.bias
    return kernel + op.shape[2] * parts * storage.scales + (2 * parts - 1) * storage.operator


class ModelMB(LayerCost):
    """Size of the exported `.tflite` file in MB (10^6 bytes).

    Args:
        space: The space.
        precision: Of the file, one of `STORAGE`.

    Raises:
        UnknownName: Another precision.
    """

    name, unit, quantity = "model_mb", "MB", "model file"
    estimated = True

    def __init__(self, space: SearchSpace, precision: str = "float32") -> None:
        if precision not in STORAGE:
            raise UnknownName("precision", precision, STORAGE)
        self.precision = precision
        super().__init__(space, np.array([self._megabytes(layer) for layer in space.layers()]))

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Size of a reference network's file, estimated like any other."""
        layers = reference_network(network, self.space.resolution).layers
        return ReferenceCost(sum(map(self._megabytes, layers)), True)

    def _megabytes(self, layer: Layer) -> float:
        return sum(stored_bytes(op, STORAGE[self.precision]) for op in layer.ops) / 1e6


class PeakMemoryMB(LayerCost):
    """Activations that are alive at one time at most, in MB (10^6 bytes), the largest over all operations.

    They are float32; of an int8 file integers, and float32 around operations that processors compute in it. A value
    lives from the operation that makes it to the last one that reads it, and no operation works in place. Weights are
    not included: add `model_mb` (runtimes may keep a second, packed copy). How far this is from what a process takes:
    docs/results/memory.md.

    Args:
        space: The space.
        precision: Of the file, one of `STORAGE`.
    """

    name, unit, quantity = "peak_memory_mb", "MB", "peak activation memory"
    combine = "max"
    estimated = True

    def __init__(self, space: SearchSpace, precision: str = "float32") -> None:
        self._integers = precision == "int8"
        super().__init__(space, np.array([self._peak(layer) for layer in space.layers()]))

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Peak of a reference network at the space's resolution."""
        layers = reference_network(network, self.space.resolution).layers
        return ReferenceCost(max(map(self._peak, layers)), True)

    def _peak(self, layer: Layer) -> float:
        return peak_megabytes(layer, integers=self._integers)


def peak_megabytes(layer: Layer, *, integers: bool = False) -> float:
    """Largest sum of the sizes of the values alive during one operation of the layer, in MB.

    Args:
        layer: The layer.
        integers: Values are int8; an operation of `IN_FLOAT` reads and writes float32 copies.
    """
    sizes = {layer.input: int(np.prod(layer.input_shape))} | {op.name: int(np.prod(op.shape)) for op in layer.ops}
    last_read = {name: position for position, op in enumerate(layer.ops) for name in op.inputs}
    last_read[layer.ops[-1].name] = len(layer.ops)  # the next layer reads it
    alive, peak = {layer.input}, 0
    for position, op in enumerate(layer.ops):
        if integers and isinstance(op, Activation) and op.function in IN_FLOAT:
            kept = {name for name in alive if last_read.get(name, -1) > position}
            copies = FLOAT * (sum(sizes[name] for name in op.inputs) + sizes[op.name])
            peak = max(peak, sum(sizes[name] for name in kept) + copies)
        alive.add(op.name)
        peak = max(peak, sum(sizes[name] for name in alive) * (1 if integers else FLOAT))
        alive = {name for name in alive if last_read.get(name, -1) > position}
    return peak / 1e6
