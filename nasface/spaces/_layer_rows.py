"""Layers of networks that were looked at before: a space without `layer_indices` of its own builds each only once.

Every cost asks for the layers of the same population, and a search meets the same networks again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.netspec import Layer, NetSpec

Parts = tuple[tuple[int, ...], ...]
"""Indices of a network's layers, in order: of each stage, and of each stretch between stages."""

MOST: Final = 1 << 17
"""Networks that are remembered, some hundred bytes each; then it begins anew."""


class LayerRows:
    """The layers of networks, by genotype.

    Args:
        layers: Of the space.
        build: Of the space.
    """

    def __init__(self, layers: Sequence[Layer], build: Callable[[npt.NDArray[np.int8]], NetSpec]) -> None:
        self._position = {layer.key: index for index, layer in enumerate(layers)}
        self._build = build
        self._known: dict[bytes, Parts] = {}

    def of(self, genotype: npt.NDArray[np.int8]) -> Parts:
        """Of one network."""
        key = genotype.tobytes()
        if key not in self._known:
            if len(self._known) == MOST:
                self._known.clear()
            parts = groupby(self._build(genotype).layers, key=lambda layer: layer.stage)
            self._known[key] = tuple(tuple(self._position[layer.key] for layer in layers) for _, layers in parts)
        return self._known[key]
