"""Models from which the times of a space's layers follow, and how they follow.

A layer alone is not a layer in a network: its model also pays for being called and for handing out its output, and its
weights and input stay in the cache. Subtracting a constant misprices the small ones. So:

* a layer whose output has the shape of its input is measured as chains of several lengths; the slope is its time;
* another layer is measured in front of such a layer; what it adds to a chain of one is its time;
* what is left (the layers before the descriptor) is measured alone, less the time of an almost empty model.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from nasface.netspec import INPUT, Layer, NetBuilder, NetSpec, Shape, random_weights

if TYPE_CHECKING:
    from nasface.exporters import Exporter

CHAIN_LENGTHS: Final = (2, 5)
EMPTY: Final = "empty"

PATTERN: Final = 2048
"""Numbers after which the weights of models repeat: well within the window of deflate."""

LEAST_SHARE: Final = 0.05
"""A difference of two times below this share of the layer's own model is noise; the share is taken instead."""

Milliseconds = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LayerBench:
    """The models of a space's layers at one resolution.

    Attributes:
        layers: The rows of the table.
        chains: Whether to measure chains; without them every layer is measured alone, less the empty model.
    """

    layers: Sequence[Layer]
    chains: bool = True

    @cached_property
    def models(self) -> dict[str, NetSpec]:
        """Networks by name."""
        models = {EMPTY: empty_model()}
        for index, layer in enumerate(self.layers):
            models[_alone(index)] = chain([layer])
            if self.chains and same_shape(layer):
                models |= {_chain(index, length): chain([layer] * length) for length in CHAIN_LENGTHS}
            elif self.chains and (follower := self._followers.get(layer.output_shape)) is not None:
                models[_in_front(index)] = chain([layer, self.layers[follower]])
        return models

    @cached_property
    def _followers(self) -> dict[Shape, int]:
        """Per shape the cheapest layer that keeps it."""
        found: dict[Shape, int] = {}
        for index in sorted(range(len(self.layers)), key=lambda i: -self.layers[i].macs):
            if same_shape(self.layers[index]):
                found[self.layers[index].input_shape] = index
        return found

    @property
    def own_models(self) -> list[str]:
        """Names of the models of single layers, in the order of `layers`."""
        return [_alone(index) for index in range(len(self.layers))]

    def isolated(self, times: Mapping[str, float]) -> Milliseconds:
        """Milliseconds of every layer's own model, float64[len(layers)]; `times` are milliseconds by model."""
        return np.array([times[name] for name in self.own_models])

    def in_place(self, times: Mapping[str, float]) -> Milliseconds:
        """Milliseconds that every layer adds to a network, float64[len(layers)], positive."""
        alone = self.isolated(times)
        added = np.array([self._added(index, times) for index in range(len(self.layers))])
        return np.asarray(np.maximum(added, LEAST_SHARE * alone))

    def _added(self, index: int, times: Mapping[str, float]) -> float:
        if _chain(index, CHAIN_LENGTHS[0]) in times:
            return _line(index, times)[0]
        if _in_front(index) in times:
            return times[_in_front(index)] - sum(_line(self._followers[self.layers[index].output_shape], times))
        return times[_alone(index)] - times[EMPTY]


def chain(layers: Sequence[Layer]) -> NetSpec:
    """The layers one after another as a network of their own; every output has the shape of the next one's input."""
    value, chained = INPUT, []
    for number, layer in enumerate(layers):
        names = {layer.input: value} | {op.name: f"{number}.{op.name}" for op in layer.ops}
        ops = tuple(replace(op, name=names[op.name], inputs=tuple(names[x] for x in op.inputs)) for op in layer.ops)
        chained.append(replace(layer, input=value, ops=ops))
        value = ops[-1].name
    return NetSpec(f"{len(layers)} x {layers[0].key}", layers[0].input_shape, tuple(chained))


def same_shape(layer: Layer) -> bool:
    """Whether the layer can follow itself."""
    return layer.input_shape == layer.output_shape


def empty_model() -> NetSpec:
    """Eight numbers through a rectifier: what being called costs."""
    net = NetBuilder(EMPTY, (1, 1, 8))
    with net.layer("Empty"):
        net.activation(INPUT, "relu")
    return net.build()


def write_models(models: Mapping[str, NetSpec], folder: Path, exporter: Exporter) -> dict[str, Path]:
    """Write networks with random weights, which depend on the name alone; files by name.

    Integer files take the ranges of their values from one random input: they decide what is computed, not how long.
    """
    paths = {}
    for name, spec in models.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        weights = repeated_weights(spec, rng)
        seen = rng.standard_normal((1, *spec.input_shape), np.float32) if exporter.computes == "int8" else None
        paths[name] = exporter.export(spec, weights, folder / f"{name}.tflite", {}, seen).path
    return paths


def repeated_weights(spec: NetSpec, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Random weights that repeat after `PATTERN` numbers.

    They are as quick to compute with as others, and a file of them packs 25 times smaller.
    """
    return {name: np.resize(w.ravel()[:PATTERN], w.shape) for name, w in random_weights(spec, rng).items()}


def _line(index: int, times: Mapping[str, float]) -> tuple[float, float]:
    """Milliseconds per link of a layer's chains, and of a chain without links."""
    slope, rest = np.polyfit(CHAIN_LENGTHS, [times[_chain(index, length)] for length in CHAIN_LENGTHS], 1).tolist()
    return slope, rest


def _alone(index: int) -> str:
    return f"layer{index:03d}"


def _chain(index: int, length: int) -> str:
    return f"layer{index:03d}.x{length}"


def _in_front(index: int) -> str:
    return f"layer{index:03d}.front"
