"""OFA's MobileNetV3 space: 5 stages of up to 4 inverted-residual blocks with elastic depth, kernel and expansion.

Layout of a genotype with the default choices, 45 genes: `[d1..d5, k(1,1)..k(5,4), e(1,1)..e(5,4)]` - depths, then
kernel sizes, then expand ratios, blocks in order. Depth d keeps the first d blocks of a stage; genes of the other
blocks are zero. Source: Cai et al., Once-for-All (ICLR 2020) and its code (MIT licence); Savchenko et al. 2023, section
III (width 1.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype, InvalidInput
from nasface.netspec import Layer, NetSpec
from nasface.registry import register
from nasface.runs import Json
from nasface.spaces import _ofa_format
from nasface.spaces._base import Features, Population, Rows, SearchSpace, StageOperators
from nasface.spaces._ofa_network import MAX_DEPTH, N_BLOCKS, N_STAGES, BlockChoice, Network
from nasface.spaces._ofa_stages import OfaStageOperators

INACTIVE = 0

_VALUES: Final = 9
"""Genes are at most 8."""

_STAGE_OF_GENE: Final = np.concatenate([np.arange(N_STAGES), *[np.repeat(np.arange(N_STAGES), MAX_DEPTH)] * 2])
"""int[45]; a stage's number is also the place of its depth in a row."""

_POSITION_OF_GENE: Final = np.append(np.full(N_STAGES, -1, np.int8), np.tile(np.arange(MAX_DEPTH, dtype=np.int8), 10))
"""int[45]: a gene is active where its stage's depth is greater; depths always are."""

_BLOCK_OF_GENE: Final = N_STAGES + np.tile(np.arange(N_BLOCKS), 2)
"""int[40]: of the units that mutation redraws (stages, then blocks), the one of each kernel and expand gene."""


@dataclass
class OfaMbv3Config:
    """Parameters of the space.

    Attributes:
        width: Multiplier of all channel counts.
        resolution: Side of the square input in pixels; None takes the supernet's own (224 without a supernet).
        kernels: Choices of the kernel size of every block, odd.
        expands: Choices of the expand ratio of every block.
        depths: Choices of the number of blocks of every stage, at most 4.
        descriptor: Numbers in the descriptor; None takes 1280 x width, rounded as OFA rounds.
    """

    name: str = "ofa_mbv3"
    width: float = 1.0
    resolution: int | None = None
    kernels: list[int] = field(default_factory=lambda: [3, 5, 7])
    expands: list[int] = field(default_factory=lambda: [3, 4, 6])
    depths: list[int] = field(default_factory=lambda: [2, 3, 4])
    descriptor: int | None = None


@dataclass
class OfaMbv3FaceConfig(OfaMbv3Config):
    """The paper's face space: width 1.2, 1536-number descriptors."""

    name: str = "ofa_mbv3_face"
    width: float = 1.2
    descriptor: int | None = 1536


@register("space", "ofa_mbv3", config=OfaMbv3Config)
@register("space", "ofa_mbv3_face", config=OfaMbv3FaceConfig)
class OfaMbv3(SearchSpace):
    """OFA's MobileNetV3 space of any width, resolution and choices; 7371^5 networks with the defaults."""

    def __init__(self, config: OfaMbv3Config | None = None) -> None:
        config = config or OfaMbv3Config()
        self.name = config.name
        self.width = config.width
        self.resolution = 224 if config.resolution is None else config.resolution
        self.kernels = _choices("space.kernels", config.kernels, lambda k: k % 2 == 1 and 3 <= k <= 7)
        self.expands = _choices("space.expands", config.expands, lambda e: 2 <= e <= 8)
        self.depths = _choices("space.depths", config.depths, lambda d: 1 <= d <= MAX_DEPTH)
        if not 32 <= self.resolution <= 1024:
            raise InvalidInput(f"space.resolution is {self.resolution}; give a whole number of pixels from 32 to 1024.")
        if not 0.25 <= self.width <= 4:
            raise InvalidInput(f"space.width is {self.width}; give a number from 0.25 to 4.")
        self.network = Network(self.width, self.resolution, config.descriptor)

    @property
    def n_genes(self) -> int:
        """5 depths, 20 kernel sizes, 20 expand ratios."""
        return N_STAGES + 2 * N_BLOCKS

    @property
    def descriptor(self) -> int:
        """Numbers in the descriptor."""
        return self.network.descriptor

    def size(self) -> int:
        """7371^5 with the default choices: per stage the sum over depths d of (kernels x expands)^d."""
        per_block = len(self.kernels) * len(self.expands)
        return int(sum(per_block**d for d in self.depths) ** N_STAGES)

    def fingerprinted(self) -> Mapping[str, Json]:
        """Width, choices and descriptor; the name does not matter, so the face space equals `ofa_mbv3` of width 1.2."""
        return {
            "space": "ofa_mbv3",
            "width": self.width,
            "kernels": list(self.kernels),
            "expands": list(self.expands),
            "depths": list(self.depths),
            "descriptor": self.descriptor,
        }

    def sample(self, rng: np.random.Generator, n: int) -> Population:
        """Uniform, independent depths, kernels and expand ratios, as OFA samples."""
        depths = rng.choice(np.array(self.depths, np.int8), (n, N_STAGES))
        kernels, expands = (rng.choice(np.array(c, np.int8), (n, N_BLOCKS)) for c in (self.kernels, self.expands))
        return self._join(depths, kernels, expands)

    def mutate(self, rng: np.random.Generator, population: Population, probability: float) -> Population:
        """As OFA: each block redraws kernel and expand together, each stage its depth, both with `probability`.

        A block that a grown depth activates draws its genes uniformly.
        """
        redrawn = rng.random((len(population), N_STAGES + N_BLOCKS), np.float32) < probability
        child = population.copy()
        stages = np.flatnonzero(redrawn[:, :N_STAGES])
        child[np.divmod(stages, N_STAGES)] = self._draw(rng, stages % N_STAGES)
        child[:, N_STAGES:] *= ~redrawn.take(_BLOCK_OF_GENE, axis=1)
        return self._complete(rng, child)

    def crossover(self, rng: np.random.Generator, first: Population, second: Population) -> Population:
        """Every depth, kernel and expand ratio from either parent, independently, as OFA.

        A gene taken from a parent in which its block is inactive is drawn uniformly.
        """
        coins = np.unpackbits(np.frombuffer(rng.bytes(math.ceil(first.size / 8)), np.uint8), count=first.size)
        return self._complete(rng, np.where(coins.reshape(first.shape), first, second))

    def canonical(self, population: Rows) -> Population:
        """Zero kernel and expand genes of inactive blocks."""
        population = np.asarray(population)
        if population.ndim != 2 or population.shape[1] != self.n_genes:
            raise InvalidGenotype(
                f"A population of {self.name} is int8[n, {self.n_genes}], not {list(population.shape)}."
            )
        depths, kernels, expands = self._split(population)
        active = self._active(depths)
        self._check("depth", depths, self.depths, np.ones_like(depths, bool))
        self._check("kernel size", kernels, self.kernels, active)
        self._check("expand ratio", expands, self.expands, active)
        return self._join(depths, kernels, expands)

    def encode(self, population: Population, kind: str = "ordinal") -> Features:
        """`ordinal`: the 45 genes. `onehot`: OFA's 60 kernel bits, then 60 expand bits; inactive blocks zero."""
        if kind == "ordinal":
            return population.astype(np.float32)
        if kind != "onehot":
            raise InvalidInput(f"Unknown encoding '{kind}'; use 'ordinal' or 'onehot'.")
        _, kernels, expands = self._split(population)
        n = len(population)
        bits = [
            (genes[:, :, None] == np.array(values, np.int8)).reshape(n, genes.shape[1] * len(values))
            for genes, values in ((kernels, self.kernels), (expands, self.expands))
        ]
        return np.concatenate(bits, axis=1).astype(np.float32)

    def groups(self, kind: str = "ordinal") -> list[list[int]]:
        """Feature indices of each of the five stages."""
        if kind == "ordinal":
            return [[s, *_span(N_STAGES, s, 1), *_span(N_STAGES + N_BLOCKS, s, 1)] for s in range(N_STAGES)]
        k, e = len(self.kernels), len(self.expands)
        return [[*_span(0, s, k), *_span(N_BLOCKS * k, s, e)] for s in range(N_STAGES)]

    def to_dict(self, genotype: npt.NDArray[np.int8]) -> dict[str, list[int]]:
        """`{"ks": [20], "e": [20], "d": [5], "r": [resolution]}`; inactive blocks get the smallest choice."""
        return _ofa_format.genotype_dict(genotype, self.resolution, self.kernels[0], self.expands[0])

    def from_dict(self, description: Mapping[str, object]) -> npt.NDArray[np.int8]:
        """From `{"ks","e","d"}` (lists, or one number for all) or from a static network description (`net.config`).

        Raises:
            InvalidGenotype: It is of another network than this space's, or of another resolution (`"r"`).
        """
        static = "blocks" in description
        genes = _ofa_format.genes(_ofa_format.genotype_of_net_config(description) if static else description)
        row: npt.NDArray[np.int8] = self.canonical(genes[None, :])[0]
        if static:
            _ofa_format.check_net_config(description, self.net_config(row))
        elif (sizes := description.get("r")) is not None and self.resolution not in np.ravel(np.asarray(sizes)):
            raise InvalidGenotype(
                f"The genotype is for {sizes!r:.40} pixels and this space for {self.resolution}; give "
                f"space.resolution=, or leave 'r' out of the genotype."
            )
        return row

    def build(self, genotype: npt.NDArray[np.int8]) -> NetSpec:
        """The network, with OFA's static module paths as operation names."""
        depths, kernels, expands = (part[0] for part in self._split(genotype[None, :]))
        blocks = [
            BlockChoice(stage, position, int(kernels[4 * stage + position]), int(expands[4 * stage + position]))
            for stage in range(N_STAGES)
            for position in range(int(depths[stage]))
        ]
        return self.network.build(self.name, blocks)

    def layers(self) -> tuple[Layer, ...]:
        """Stem, fixed block, tail and the blocks of every (stage, first or not, expand, kernel): 95 by default."""
        return self._layers

    def layer_indices(self, population: Population) -> npt.NDArray[np.int16]:
        """int16[n, 25]: stem, fixed block, 20 block positions (-1 where inactive), final expand, pool, feature mix."""
        depths, kernels, expands = self._split(population)
        k, e = np.searchsorted(self.kernels, kernels), np.searchsorted(self.expands, expands)
        k, e = np.minimum(k, len(self.kernels) - 1), np.minimum(e, len(self.expands) - 1)
        blocks = self._block_index[np.arange(N_BLOCKS)[None, :], e, k]
        blocks = np.where(self._active(depths), blocks, -1)
        head, tail = self._fixed_index
        n = len(population)
        return np.hstack([np.tile(head, (n, 1)), blocks, np.tile(tail, (n, 1))]).astype(np.int16)

    def stage_choices(self) -> list[Population]:
        """Per stage, its 7,371 choices: depths ascending, then (kernel, expand) of the blocks, first block fastest."""
        return list(self._all_choices)

    def stage_indices(self, population: Population) -> npt.NDArray[np.int16]:
        """int16[n, 5]: index of each stage's choice in `stage_choices()`."""
        code = self._gene_codes.take(population + self._gene_rows)
        return np.asarray((code @ self._gene_stages).astype(np.int16))

    def stage_operators(self) -> StageOperators | None:
        """On packed genes, where no gene has more than three choices."""
        return self._stage_operators

    def net_config(self, genotype: npt.NDArray[np.int8]) -> Mapping[str, Json]:
        """OFA's static description."""
        return _ofa_format.net_config(self.build(genotype))

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        found = {layer.key: layer for layer in self.network.fixed_layers()}
        places = product(range(N_STAGES), range(max(self.depths)), self.kernels, self.expands)
        for layer in (self.network.block_layer(BlockChoice(*place)) for place in places):
            found.setdefault(layer.key, layer)
        return tuple(found[key] for key in sorted(found))

    @cached_property
    def _all_choices(self) -> list[Population]:
        return [self._stage_choices(stage) for stage in range(N_STAGES)]

    @cached_property
    def _stage_operators(self) -> StageOperators | None:
        if not OfaStageOperators.fits([self.kernels, self.expands, self.depths]):
            return None
        return OfaStageOperators(self._stage_choices(0)[:, _STAGE_OF_GENE == 0])

    @cached_property
    def _gene_codes(self) -> npt.NDArray[np.float32]:
        """float32[45, 9]: what each value of each gene adds to the index of its stage's choice; whole numbers."""
        k, e = len(self.kernels), len(self.expands)
        codes = np.zeros((self.n_genes, _VALUES), np.float32)
        codes[:N_STAGES, self.depths] = np.cumsum([0, *[(k * e) ** d for d in self.depths]])[:-1]
        place = (k * e) ** np.tile(np.arange(MAX_DEPTH), N_STAGES)[:, None]
        codes[N_STAGES : N_STAGES + N_BLOCKS, self.kernels] = np.arange(k) * place
        codes[N_STAGES + N_BLOCKS :, self.expands] = k * np.arange(e) * place
        return codes

    @cached_property
    def _gene_values(self) -> tuple[npt.NDArray[np.float64], Population]:
        """float64[45], number of choices of every gene; int8[45, 9], the choices themselves, zeros after them."""
        choices = [self.depths] * N_STAGES + [self.kernels] * N_BLOCKS + [self.expands] * N_BLOCKS
        values = np.zeros((self.n_genes, _VALUES), np.int8)
        for row, gene in zip(values, choices, strict=True):
            row[: len(gene)] = gene
        return np.array([len(gene) for gene in choices], np.float64), values

    @cached_property
    def _gene_stages(self) -> npt.NDArray[np.float32]:
        """float32[45, 5]: 1 where a gene belongs to a stage."""
        return np.asarray(np.eye(N_STAGES)[_STAGE_OF_GENE], np.float32)

    @cached_property
    def _gene_rows(self) -> npt.NDArray[np.intp]:
        return _VALUES * np.arange(self.n_genes)

    @cached_property
    def _block_index(self) -> npt.NDArray[np.int16]:
        """int16[20, expands, kernels]; -1 of blocks that no network of the space has."""
        index = {layer.key: i for i, layer in enumerate(self._layers)}

        def of(block: int, expand: int, kernel: int) -> int:
            stage, position = divmod(block, MAX_DEPTH)
            return index.get(self.network.block_layer(BlockChoice(stage, position, kernel, expand)).key, -1)

        return np.array(
            [[[of(b, e, k) for k in self.kernels] for e in self.expands] for b in range(N_BLOCKS)], np.int16
        )

    @cached_property
    def _fixed_index(self) -> tuple[list[int], list[int]]:
        index = {layer.key: i for i, layer in enumerate(self._layers)}
        fixed = [index[layer.key] for layer in self.network.fixed_layers()]
        return fixed[:2], fixed[2:]

    def _stage_choices(self, stage: int) -> Population:
        per_block = len(self.kernels) * len(self.expands)
        pairs = np.array([(k, e) for e in self.expands for k in self.kernels], np.int8)
        rows = []
        for depth in self.depths:
            codes = np.arange(per_block**depth)[:, None] // per_block ** np.arange(depth) % per_block
            part = np.zeros((len(codes), self.n_genes), np.int8)
            part[:, stage] = depth
            first = N_STAGES + MAX_DEPTH * stage
            part[:, first : first + depth] = pairs[codes, 0]
            part[:, first + N_BLOCKS : first + N_BLOCKS + depth] = pairs[codes, 1]
            rows.append(part)
        return np.concatenate(rows)

    def _split(self, population: Rows) -> tuple[Rows, Rows, Rows]:
        kernels, expands = population[:, N_STAGES : N_STAGES + N_BLOCKS], population[:, N_STAGES + N_BLOCKS :]
        return population[:, :N_STAGES], kernels, expands

    def _join(self, depths: Rows, kernels: Rows, expands: Rows) -> Population:
        active = self._active(depths)
        return np.hstack([depths, kernels * active, expands * active]).astype(np.int8)

    def _active(self, depths: Rows) -> npt.NDArray[np.bool_]:
        active = np.arange(MAX_DEPTH)[None, None, :] < depths[:, :, None]
        return np.asarray(active.reshape(len(depths), N_BLOCKS))

    def _complete(self, rng: np.random.Generator, genes: Population) -> Population:
        """In place: zero the genes of inactive blocks, draw those of active blocks where they are zero."""
        active = genes.take(_STAGE_OF_GENE, axis=1) > _POSITION_OF_GENE
        genes *= active
        missing = np.flatnonzero(active > genes)
        genes.reshape(-1)[missing] = self._draw(rng, missing % self.n_genes)
        return genes

    def _draw(self, rng: np.random.Generator, genes: npt.NDArray[np.intp]) -> npt.NDArray[np.int8]:
        """Uniform values of the given genes, int8[n]."""
        numbers, values = self._gene_values
        return values.take((rng.random(len(genes)) * numbers.take(genes)).astype(np.intp) + self._gene_rows.take(genes))

    def _check(self, what: str, genes: Rows, allowed: Sequence[int], where: npt.NDArray[np.bool_]) -> None:
        wrong = np.argwhere(where & ~np.isin(genes, allowed))
        if wrong.size:
            row, column = wrong[0]
            place = f"stage {column + 1}" if what == "depth" else f"stage {column // 4 + 1}, block {column % 4 + 1}"
            choices = ", ".join(str(choice) for choice in allowed)
            raise InvalidGenotype(f"The {what} of {place} is {genes[row, column]}; {self.name} allows {choices}.")


def _choices(name: str, values: Sequence[int], allowed: Callable[[int], bool]) -> tuple[int, ...]:
    chosen = tuple(sorted(set(values)))
    if not chosen or not all(allowed(value) for value in chosen):
        raise InvalidInput(
            f"{name} is {list(values)}; give kernels from 3, 5, 7, expands from 2 to 8 (of 1, OFA builds blocks "
            "without the expansion, another network than its supernet's), depths from 1 to 4."
        )
    return chosen


def _span(offset: int, stage: int, bits: int) -> range:
    first = offset + stage * MAX_DEPTH * bits
    return range(first, first + MAX_DEPTH * bits)
