"""A search space: residual networks of three stages with elastic depth and width, 216 of them.

A genotype has six genes, `[depth, width]` of every stage: 1 or 2 blocks; the channels between a block's convolutions in
thirds of the stage's. Smaller networks are parts of the largest: they take its first blocks and first channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from nasface import NetBuilder, NetSpec, SearchSpace, register
from nasface.errors import InvalidGenotype, InvalidInput
from nasface.netspec import INPUT, Layer
from nasface.runs import Json
from nasface.spaces import Features, Population, Rows

from nasface_resnet.operations import LeakyRelu

CHANNELS: Final = (12, 24, 48)
"""Of every stage; its first block halves height and width."""

HIGHEST: Final = np.array([2, 3] * len(CHANNELS), np.int8)
"""The largest value of every gene; the smallest is 1."""

PAIRS: Final = np.array(list(product((1, 2), (1, 2, 3))), np.int8)
"""Every (depth, width) of a stage, int8[6, 2]."""


@dataclass
class ResnetConfig:
    """Parameters of the space.

    Attributes:
        resolution: Side of the square input in pixels.
        descriptor: Numbers in the descriptor.
        slope: Of what is negative in activations; 0 is the plain rectifier, which the trained supernet has.
    """

    name: str = "resnet_small"
    resolution: int | None = None
    descriptor: int = 32
    slope: float = 0.0


@register("space", "resnet_small", config=ResnetConfig)
class Resnet(SearchSpace):
    """Residual networks of three stages with elastic depth and width; 6^3 networks."""

    def __init__(self, config: ResnetConfig | None = None) -> None:
        config = config or ResnetConfig()
        self.name, self.descriptor, self.slope = config.name, config.descriptor, config.slope
        self.resolution = config.resolution or 32
        if self.resolution < 16 or self.descriptor < 1:
            raise InvalidInput(
                f"space.resolution is {self.resolution} and space.descriptor {self.descriptor}; give 16 and 1 or more."
            )

    @property
    def n_genes(self) -> int:
        """Depth and width of three stages."""
        return len(HIGHEST)

    def size(self) -> int:
        """216."""
        return int(np.prod(HIGHEST.astype(np.int64)))

    def fingerprinted(self) -> Mapping[str, Json]:
        """All that decides what a genotype means."""
        plain: dict[str, Json] = {"space": self.name, "channels": list(CHANNELS), "descriptor": self.descriptor}
        return plain | ({"slope": self.slope} if self.slope else {})

    def sample(self, rng: np.random.Generator, n: int) -> Population:
        """Uniform."""
        return rng.integers(1, HIGHEST, (n, self.n_genes), np.int8, endpoint=True)

    def mutate(self, rng: np.random.Generator, population: Population, probability: float) -> Population:
        """Redraw every gene with `probability`."""
        return np.where(rng.random(population.shape) < probability, self.sample(rng, len(population)), population)

    def crossover(self, rng: np.random.Generator, first: Population, second: Population) -> Population:
        """Every gene from either parent."""
        return np.where(rng.random(first.shape) < 0.5, first, second)

    def canonical(self, population: Rows) -> Population:
        """The same rows, because all genes always matter."""
        rows = np.asarray(population)
        if rows.ndim != 2 or rows.shape[1] != self.n_genes or ((rows < 1) | (rows > HIGHEST)).any():
            raise InvalidGenotype(
                f"A genotype of {self.name} is depth (1 or 2) and width (1 to 3) of three stages, six whole numbers."
            )
        return rows.astype(np.int8)

    def encode(self, population: Population, kind: str = "ordinal") -> Features:
        """`ordinal`: the six genes. `onehot`: five bits a stage."""
        if kind == "ordinal":
            return population.astype(np.float32)
        if kind != "onehot":
            raise InvalidInput(f"Unknown encoding '{kind}'; use 'ordinal' or 'onehot'.")
        bits = [population[:, [gene]] == np.arange(1, high + 1) for gene, high in enumerate(HIGHEST.tolist())]
        return np.concatenate(bits, axis=1).astype(np.float32)

    def groups(self, kind: str = "ordinal") -> list[list[int]]:
        """Two genes a stage, or their five bits."""
        width = 2 if kind == "ordinal" else 5
        return [list(range(width * stage, width * (stage + 1))) for stage in range(len(CHANNELS))]

    def to_dict(self, genotype: npt.NDArray[np.int8]) -> dict[str, list[int]]:
        """`{"depths": [2, 2, 2], "widths": [3, 3, 3], "r": [resolution]}`."""
        return {"depths": genotype[::2].tolist(), "widths": genotype[1::2].tolist(), "r": [self.resolution]}

    def from_dict(self, description: Mapping[str, object]) -> npt.NDArray[np.int8]:
        """From `depths` and `widths`."""
        try:
            genes = np.array([description["depths"], description["widths"]], np.int64).T.reshape(1, -1)
        except (KeyError, ValueError, TypeError, OverflowError):
            raise InvalidGenotype(
                f"That is no network of {self.name}; give {{'depths': [2, 2, 2], 'widths': [2, 2, 2]}}."
            ) from None
        row: npt.NDArray[np.int8] = self.canonical(genes)[0]
        return row

    def build(self, genotype: npt.NDArray[np.int8]) -> NetSpec:
        """Stem, blocks, pooling, and a linear layer that gives the descriptor."""
        net = NetBuilder(self.name, (self.resolution, self.resolution, 3))
        with net.layer("Conv"):
            x = net.conv(INPUT, "stem.conv", channels=CHANNELS[0], kernel=3, norm="stem.bn")
            x = self._activation(net, x)
        for stage, (depth, width) in enumerate(genotype.reshape(-1, 2).tolist()):
            for position in range(depth):
                x = self._block(net, x, stage, position, width)
        with net.layer("AvgPool2D"):
            x = net.global_avg_pool(x, "pool")
        with net.layer("Linear"):
            net.linear(x, "head", features=self.descriptor)
        return net.build()

    def layers(self) -> tuple[Layer, ...]:
        """Stem, tail, and a first and a second block of every stage and width."""
        return self._layers

    def stage_choices(self) -> list[Population]:
        """Per stage int8[6, 6]: its pairs in place, zeros elsewhere."""
        return [np.pad(PAIRS, ((0, 0), (2 * stage, self.n_genes - 2 * stage - 2))) for stage in range(len(CHANNELS))]

    def stage_indices(self, population: Population) -> npt.NDArray[np.int16]:
        """int16[n, 3]: row of `PAIRS` of every stage."""
        return ((population[:, ::2] - 1) * 3 + population[:, 1::2] - 1).astype(np.int16)

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        genotypes = [np.array([2, width] * len(CHANNELS), np.int8) for width in (1, 2, 3)]
        found = {layer.key: layer for genotype in genotypes for layer in self.build(genotype).layers}
        return tuple(found[key] for key in sorted(found))

    def _block(self, net: NetBuilder, x: str, stage: int, position: int, width: int) -> str:
        path, channels, stride = f"stages.{stage}.{position}", CHANNELS[stage], 1 if position else 2
        mid = channels * width // 3
        with net.layer("basic_block", stage=stage, mid=mid, stride=stride, idskip=position > 0):
            y = net.conv(x, f"{path}.conv1", channels=mid, kernel=3, stride=stride, norm=f"{path}.bn1")
            y = self._activation(net, y)
            y = net.conv(y, f"{path}.conv2", channels=channels, kernel=3, norm=f"{path}.bn2")
            y = net.add(y, x, f"{path}.add") if position else y
            return self._activation(net, y)

    def _activation(self, net: NetBuilder, x: str) -> str:
        if not self.slope:
            return net.activation(x, "relu")
        return net.operation(LeakyRelu(f"{x}.leaky", (x,), net.shape(x), self.slope))
