"""A search space: small residual networks of three stages with elastic depth and width, 4,096 of them.

A genotype has six genes, `[depth, width]` of every stage, each from 1 to 4. Depth is the number of blocks; width is the
number of channels between the two convolutions of a block, in halves of the stage's channels. What a stage hands to the
next does not depend on its genes, so that the stages are independent and every cost decomposes over them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from nasface import NetBuilder, NetSpec, SearchSpace, register
from nasface.errors import InvalidGenotype, InvalidInput
from nasface.netspec import INPUT, Layer
from nasface.spaces import Features, Population

CHANNELS: Final = (16, 32, 64)
"""Of every stage; its first block halves height and width."""

CHOICES: Final = 4
"""Depths and widths are 1..4."""

N_STAGES: Final = len(CHANNELS)
N_GENES: Final = 2 * N_STAGES
PAIRS: Final = np.array(list(product(range(1, CHOICES + 1), repeat=2)), np.int8)
"""Every (depth, width) of a stage, int8[16, 2]."""


@dataclass
class TinyResnetConfig:
    """Parameters of the space.

    Attributes:
        resolution: Side of the square input in pixels.
        descriptor: Numbers in the descriptor.
    """

    name: str = "tiny_resnet"
    resolution: int | None = 64
    descriptor: int = 64


@register("space", "tiny_resnet", config=TinyResnetConfig)
class TinyResnet(SearchSpace):
    """Residual networks of three stages with elastic depth and width; 16^3 networks."""

    def __init__(self, config: TinyResnetConfig | None = None) -> None:
        config = config or TinyResnetConfig()
        self.name, self.descriptor = config.name, config.descriptor
        self.resolution = 64 if config.resolution is None else config.resolution
        if self.resolution < 16 or self.descriptor < 1:
            raise InvalidInput(
                f"space.resolution is {self.resolution} and space.descriptor {self.descriptor}; give 16 and 1 or more."
            )

    @property
    def n_genes(self) -> int:
        """Depth and width of three stages."""
        return N_GENES

    def size(self) -> int:
        """4,096."""
        return int(len(PAIRS) ** N_STAGES)

    def fingerprinted(self) -> Mapping[str, Any]:
        """All that decides what a genotype means."""
        return {"space": "tiny_resnet", "channels": list(CHANNELS), "choices": CHOICES, "descriptor": self.descriptor}

    def sample(self, rng: np.random.Generator, n: int) -> Population:
        """Uniform."""
        return rng.integers(1, CHOICES, (n, N_GENES), np.int8, endpoint=True)

    def mutate(self, rng: np.random.Generator, population: Population, probability: float) -> Population:
        """Redraw every gene with `probability`."""
        return np.where(rng.random(population.shape) < probability, self.sample(rng, len(population)), population)

    def crossover(self, rng: np.random.Generator, first: Population, second: Population) -> Population:
        """Every gene from either parent."""
        return np.where(rng.random(first.shape) < 0.5, first, second)

    def canonical(self, population: npt.NDArray[Any]) -> Population:
        """The same rows, because all genes always matter."""
        rows = np.asarray(population)
        if rows.ndim != 2 or rows.shape[1] != N_GENES or ((rows < 1) | (rows > CHOICES)).any():
            raise InvalidGenotype(
                f"A genotype of {self.name} is {N_GENES} whole numbers from 1 to {CHOICES}: depth and width by stage."
            )
        return rows.astype(np.int8)

    def encode(self, population: Population, kind: str = "ordinal") -> Features:
        """`ordinal`: the six genes. `onehot`: four bits per gene."""
        if kind == "ordinal":
            return population.astype(np.float32)
        if kind != "onehot":
            raise InvalidInput(f"Unknown encoding '{kind}'; use 'ordinal' or 'onehot'.")
        bits: npt.NDArray[np.bool_] = population[:, :, None] == np.arange(1, CHOICES + 1)
        return bits.reshape(len(population), N_GENES * CHOICES).astype(np.float32)

    def groups(self, kind: str = "ordinal") -> list[list[int]]:
        """Two genes a stage, or their eight bits."""
        width = 2 if kind == "ordinal" else 2 * CHOICES
        return [list(range(width * stage, width * (stage + 1))) for stage in range(N_STAGES)]

    def to_dict(self, genotype: npt.NDArray[np.int8]) -> dict[str, Any]:
        """`{"depths": [3], "widths": [3], "r": [resolution]}`."""
        return {"depths": genotype[::2].tolist(), "widths": genotype[1::2].tolist(), "r": [self.resolution]}

    def from_dict(self, description: Mapping[str, Any]) -> npt.NDArray[np.int8]:
        """From `depths` and `widths`."""
        try:
            genes = np.array([description["depths"], description["widths"]], np.int64).T.reshape(1, -1)
        except (KeyError, ValueError, TypeError, OverflowError):
            raise InvalidGenotype(
                f"{dict(description)} is no network of {self.name}; give {{'depths': [2, 2, 2], 'widths': [2, 2, 2]}}."
            ) from None
        row: npt.NDArray[np.int8] = self.canonical(genes)[0]
        return row

    def build(self, genotype: npt.NDArray[np.int8]) -> NetSpec:
        """Stem, blocks, pooling, and a linear layer that gives the descriptor."""
        net = NetBuilder(self.name, (self.resolution, self.resolution, 3))
        with net.layer("Conv"):
            x = net.conv(INPUT, "stem.conv", channels=CHANNELS[0], kernel=3, stride=2, norm="stem.bn")
            x = net.activation(x, "relu")
        for stage, (depth, width) in enumerate(genotype.reshape(N_STAGES, 2).tolist()):
            for position in range(depth):
                x = add_block(net, x, stage, position, width)
        with net.layer("AvgPool2D"):
            x = net.global_avg_pool(x, "pool")
        with net.layer("Linear"):
            net.linear(x, "head", features=self.descriptor)
        return net.build()

    def layers(self) -> tuple[Layer, ...]:
        """Stem, tail, and a first and a further block of every stage and width: 27."""
        return self._layers

    def layer_indices(self, population: Population) -> npt.NDArray[np.int16]:
        """int16[n, 15]: stem, four block positions a stage, pooling, descriptor; faster than the inherited method."""
        n = len(population)
        stem, *tail = self._fixed
        blocks = self._blocks[np.arange(N_STAGES), self.stage_indices(population)].reshape(n, N_STAGES * CHOICES)
        return np.hstack([np.full((n, 1), stem), blocks, np.tile(tail, (n, 1))]).astype(np.int16)

    def stage_choices(self) -> list[Population]:
        """Per stage int8[16, 6]: its pairs in place, zeros elsewhere."""
        return [np.pad(PAIRS, ((0, 0), (2 * stage, N_GENES - 2 * stage - 2))) for stage in range(N_STAGES)]

    def stage_indices(self, population: Population) -> npt.NDArray[np.int16]:
        """int16[n, 3]: row of `PAIRS` of every stage."""
        return ((population[:, ::2] - 1) * CHOICES + population[:, 1::2] - 1).astype(np.int16)

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        """Two blocks a stage, the first and a further one, in every width, are all blocks there are."""
        genotypes = [np.array([2, width] * N_STAGES, np.int8) for width in range(1, CHOICES + 1)]
        found = {layer.key: layer for genotype in genotypes for layer in self.build(genotype).layers}
        return tuple(found[key] for key in sorted(found))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {layer.key: index for index, layer in enumerate(self._layers)}

    @cached_property
    def _fixed(self) -> list[int]:
        smallest = self.build(np.ones(N_GENES, np.int8))
        return [self._index[layer.key] for layer in smallest.layers if layer.stage is None]

    @cached_property
    def _blocks(self) -> npt.NDArray[np.int16]:
        """int16[3, 16, 4]: indices into `layers()` by stage, pair and position, -1 where there is no block."""
        table = np.full((N_STAGES, len(PAIRS), CHOICES), -1, np.int16)
        for pair, genes in enumerate(PAIRS):
            layers = self.build(np.tile(genes, N_STAGES)).layers
            for stage in range(N_STAGES):
                found = [self._index[layer.key] for layer in layers if layer.stage == stage]
                table[stage, pair, : len(found)] = found
        return table


def add_block(net: NetBuilder, x: str, stage: int, position: int, width: int) -> str:
    """Append a residual block; its traits tell apart layers of one shape, and with it their rows in a latency table."""
    path, channels, stride = f"stages.{stage}.{position}", CHANNELS[stage], 1 if position else 2
    mid = channels * width // 2
    with net.layer("basic_block", stage=stage, mid=mid, stride=stride, idskip=position > 0):
        y = net.conv(x, f"{path}.conv1", channels=mid, kernel=3, stride=stride, norm=f"{path}.bn1")
        y = net.activation(y, "relu")
        y = net.conv(y, f"{path}.conv2", channels=channels, kernel=3, norm=f"{path}.bn2")
        if position:
            y = net.add(y, x, f"{path}.add")
        return net.activation(y, "relu")
