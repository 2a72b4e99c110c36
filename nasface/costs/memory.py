"""Memory: the size of the exported file, and the activations that inference keeps at one time."""

from __future__ import annotations

from typing import Final

import numpy as np

from nasface.costs._base import LayerCost, ReferenceCost
from nasface.errors import UnknownName
from nasface.netspec import Layer
from nasface.spaces import SearchSpace
from nasface.spaces.references import reference_network

FLOAT: Final = 4
WEIGHT_BYTES: Final = {"float32": 4, "float16": 2}
OPERATION_BYTES: Final = {"float32": 350, "float16": 440}
"""What one operation adds to a `.tflite` file beside its weights: tensors, names, buffers (mean over exported networks;
the file differs from the prediction by less than 0.3 %)."""


class ModelMB(LayerCost):
    """Size of the exported `.tflite` file in MB (10^6 bytes).

    Args:
        space: The space.
        precision: Of the stored weights, "float32" or "float16".

    Raises:
        UnknownName: Another precision.
    """

    name, unit, label = "model_mb", "MB", "model file"
    estimated = True

    def __init__(self, space: SearchSpace, precision: str = "float32") -> None:
        if precision not in WEIGHT_BYTES:
            raise UnknownName("precision", precision, WEIGHT_BYTES)
        self.precision = precision
        super().__init__(space, np.array([self._megabytes(layer) for layer in space.layers()]))

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Size of a reference network's file, estimated like any other."""
        layers = reference_network(network, self.space.resolution).layers
        return ReferenceCost(sum(map(self._megabytes, layers)), True)

    def _megabytes(self, layer: Layer) -> float:
        stored = layer.deployed_weights * WEIGHT_BYTES[self.precision]
        return (stored + len(layer.ops) * OPERATION_BYTES[self.precision]) / 1e6


class PeakMemoryMB(LayerCost):
    """Activations (float32) that are alive at one time at most, in MB (10^6 bytes), the largest over all operations.

    A value lives from the operation that makes it to the last one that reads it, and no operation works in place.
    Weights are not included: add `model_mb` (runtimes may keep a second, packed copy). How far this is from what a
    process takes: docs/results/memory.md.
    """

    name, unit, label = "peak_memory_mb", "MB", "peak activation memory"
    combine = "max"
    estimated = True

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(space, np.array([peak_megabytes(layer) for layer in space.layers()]))

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Peak of a reference network at the space's resolution."""
        layers = reference_network(network, self.space.resolution).layers
        return ReferenceCost(max(map(peak_megabytes, layers)), True)


def peak_megabytes(layer: Layer) -> float:
    """Largest sum of the sizes of the values alive during one operation of the layer, in MB."""
    sizes = {layer.input: np.prod(layer.input_shape)} | {op.name: np.prod(op.shape) for op in layer.ops}
    last_read = {name: position for position, op in enumerate(layer.ops) for name in op.inputs}
    last_read[layer.ops[-1].name] = len(layer.ops)  # the next layer reads it
    alive, peak = {layer.input}, 0
    for position, op in enumerate(layer.ops):
        alive.add(op.name)
        peak = max(peak, sum(int(sizes[name]) for name in alive))
        alive = {name for name in alive if last_read.get(name, -1) > position}
    return peak * FLOAT / 1e6
