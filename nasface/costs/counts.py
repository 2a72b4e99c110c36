"""Exact counts: parameters and multiply-accumulate operations."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from nasface.costs._base import LayerCost, ReferenceCost
from nasface.netspec import Layer
from nasface.spaces import SearchSpace
from nasface.spaces.references import reference_network


class CountCost(LayerCost):
    """An exact count over layers, in units of `scale`."""

    scale = 1.0

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(space, np.array([self.count(layer) for layer in space.layers()], np.float64) / self.scale)

    @staticmethod
    @abstractmethod
    def count(layer: Layer) -> int:
        """What one layer contributes."""

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """The exact count of a reference network at the space's resolution."""
        layers = reference_network(network, self.space.resolution).layers
        return ReferenceCost(sum(self.count(layer) for layer in layers) / self.scale, False)


class Params(CountCost):
    """Learned values without classifier, in millions (10^6)."""

    name, unit, scale, quantity = "params_m", "M", 1e6, "parameters"

    @staticmethod
    def count(layer: Layer) -> int:
        """Weights, biases and two per channel of a batch normalisation."""
        return layer.params


class Macs(CountCost):
    """Multiply-accumulate operations of one image, in millions (10^6)."""

    name, unit, scale, quantity = "macs_m", "M", 1e6, "multiply-accumulates"

    @staticmethod
    def count(layer: Layer) -> int:
        """Convolutions and linear layers."""
        return layer.macs
