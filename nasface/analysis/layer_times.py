"""Where a network's time goes, layer by layer, beside the alternatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nasface.analysis.facts import Networks, SearchFacts
from nasface.composition import DeviceCosts
from nasface.costs import LayerCost
from nasface.netspec import Layer, shape_text


class LayerTime(NamedTuple):
    """A layer of one network: its description, its stage from 0 (None for a fixed part), its milliseconds."""

    text: str
    stage: int | None
    ms: float


@dataclass(frozen=True)
class LayerTimes:
    """The layers of the compared networks on one device.

    Attributes:
        device: Where.
        bound: On the latency there, ms, if there is one.
        networks: Layers in order, by the networks' names; the found one comes first.
    """

    device: DeviceCosts
    bound: float | None
    networks: Mapping[str, tuple[LayerTime, ...]]

    @property
    def found(self) -> tuple[LayerTime, ...]:
        """Those of the found network."""
        return next(iter(self.networks.values()))


@dataclass(frozen=True)
class StageTimes:
    """Milliseconds of one network by stage of the space, and of the fixed layers before and after the stages."""

    network: str
    before: float
    stages: tuple[float, ...]
    after: float
    total: float


def layer_times(facts: SearchFacts) -> list[LayerTimes]:
    """One entry per device whose latency is a sum over layers."""
    return [
        LayerTimes(entry, facts.bound(entry.latency), layers_of(facts, entry.latency, facts.networks))
        for entry in facts.devices
        if isinstance(entry.latency, LayerCost)
    ]


def stage_times(networks: Mapping[str, Sequence[LayerTime]]) -> list[StageTimes]:
    """The same by stage; all networks have an entry for every stage that any of them has."""
    stages = sorted({layer.stage for layers in networks.values() for layer in layers if layer.stage is not None})
    return [_by_stage(name, layers, stages) for name, layers in networks.items()]


def _by_stage(name: str, layers: Sequence[LayerTime], stages: Sequence[int]) -> StageTimes:
    first = next((i for i, layer in enumerate(layers) if layer.stage is not None), len(layers))
    before = sum(layer.ms for layer in layers[:first])
    after = sum(layer.ms for layer in layers[first:] if layer.stage is None)
    inside = tuple(sum(layer.ms for layer in layers if layer.stage == stage) for stage in stages)
    return StageTimes(name, before, inside, after, sum(layer.ms for layer in layers))


def layers_of(facts: SearchFacts, latency: LayerCost, networks: Networks) -> dict[str, tuple[LayerTime, ...]]:
    """The layers of networks by name, in order, with their times on one device."""
    layers = facts.space.layers()
    rows = facts.space.layer_indices(np.stack(list(networks.values())))
    return {
        name: tuple(LayerTime(layer_text(layers[i]), layers[i].stage, float(latency.values[i])) for i in row if i >= 0)
        for name, row in zip(networks, rows, strict=True)
    }


def layer_text(layer: Layer) -> str:
    """E.g. "expanded_conv e192 k7 → 7x7x136": what a reader tells a layer by."""
    words = "".join(f" {short}{value}" for short, value in (("e", layer.expand), ("k", layer.kernel)) if value)
    return f"{layer.kind}{words} → {shape_text(layer.output_shape)}"
