"""The search-space interface: populations of genotypes, and the network each one stands for.

Protocol. A population is `int8[n, n_genes]`; one row is a genotype. Rows handed out by any method are *canonical*:
genes that do not influence the network are zero, so two rows are equal exactly when their networks are. Every method is
vectorised, leaves its arguments unchanged, and draws only from the generator it is given. Searches call `sample` once
and then `mutate` and `crossover`; costs call `layer_indices`; predictors see `encode`; `build` gives the network for
everything else.

A space whose networks are a sequence of independently chosen stages also gives `stage_choices` and `stage_indices`;
costs and scores may then decompose into one table per stage (`nasface.costs.StageTables`), which makes extremes,
profiles and searches exact. A space without that structure leaves the defaults and everything still works, more slowly.

A registered space is constructed as `cls(config)`.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from nasface.netspec import Layer, NetSpec, to_dict
from nasface.runs import Json
from nasface.spaces._layer_rows import LayerRows

Population = npt.NDArray[np.int8]
"""int8[n, n_genes], one canonical genotype a row."""

Rows = npt.NDArray[np.integer]
"""Integers of any kind, [n, n_genes]: rows that are yet to be checked."""

Features = npt.NDArray[np.float32]

StageIndices = npt.NDArray[np.int16]
"""int16[n, n_stages], one network a row, see `SearchSpace.stage_indices`."""


def join_stages(choices: Sequence[Population], indices: Iterable[int | np.integer | Rows]) -> npt.NDArray[np.int8]:
    """The genotype int8[n_genes] that takes `choices[stage][index]` in every stage, see `SearchSpace.stage_choices`.

    With an array int[n] per stage instead of an index: int8[n, n_genes].
    """
    parts = [stage.take(index, axis=0) for stage, index in zip(choices, indices, strict=True)]
    joined: npt.NDArray[np.int8] = parts[0]
    for part in parts[1:]:
        joined += part
    return joined


class StageOperators(ABC):
    """Mutation and crossover of networks that are given by the indices of their stages' choices."""

    @abstractmethod
    def breed(
        self, rng: np.random.Generator, mothers: StageIndices, fathers: StageIndices, probability: float
    ) -> StageIndices:
        """A child of every mother: of the last ones by crossover with the fathers, of the others by mutation.

        The distribution is that of `SearchSpace.mutate` with `probability`, and of `SearchSpace.crossover`.

        Args:
            rng: Draws.
            mothers: int16[n, n_stages].
            fathers: int16[m, n_stages], m <= n.
            probability: Chance of every unit of change to be redrawn.
        """


class SearchSpace(ABC):
    """A set of networks and the operators on it."""

    name: str
    resolution: int

    @property
    @abstractmethod
    def n_genes(self) -> int:
        """Length of a genotype."""

    @abstractmethod
    def size(self) -> int:
        """Number of distinct networks."""

    @abstractmethod
    def fingerprinted(self) -> Mapping[str, Json]:
        """What `fingerprint` is of: all that genotypes depend on (not the resolution). Tables of another do not fit."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, n: int) -> Population:
        """Draw n genotypes, every active gene uniform and independent."""

    @abstractmethod
    def mutate(self, rng: np.random.Generator, population: Population, probability: float) -> Population:
        """Redraw every unit of change (block, depth) with `probability`; shape as given."""

    @abstractmethod
    def crossover(self, rng: np.random.Generator, first: Population, second: Population) -> Population:
        """Row by row, take every gene from either parent with equal chance; shape as given."""

    @abstractmethod
    def canonical(self, population: Rows) -> Population:
        """Zero the genes that do not matter.

        Raises:
            InvalidGenotype: A row is not a genotype of this space.
        """

    @abstractmethod
    def encode(self, population: Population, kind: str = "ordinal") -> Features:
        """Features for predictors, float32[n, n_features]; `kind` is "ordinal" (gene values) or "onehot".

        Raises:
            InvalidInput: Another kind.
        """

    @abstractmethod
    def groups(self, kind: str = "ordinal") -> list[list[int]]:
        """Feature indices of `encode(kind)` by stage; one group if there are no stages."""

    @abstractmethod
    def to_dict(self, genotype: npt.NDArray[np.int8]) -> dict[str, list[int]]:
        """One genotype as the dictionary users see in files."""

    @abstractmethod
    def from_dict(self, description: Mapping[str, object]) -> npt.NDArray[np.int8]:
        """The canonical genotype of a dictionary.

        Raises:
            InvalidGenotype: It describes no network of this space.
        """

    @abstractmethod
    def build(self, genotype: npt.NDArray[np.int8]) -> NetSpec:
        """The network of one canonical genotype at this space's resolution, without a classifier."""

    @abstractmethod
    def layers(self) -> tuple[Layer, ...]:
        """The distinct layers of all networks of the space, sorted by key: the rows of a latency table."""

    def validate(self, population: Rows) -> None:
        """Raise `InvalidGenotype` unless every row is a canonical genotype of this space."""
        from nasface.errors import InvalidGenotype

        wrong = np.flatnonzero((self.canonical(population) != population).any(axis=1))
        if wrong.size:
            raise InvalidGenotype(
                f"Row {wrong[0]} of the population sets genes its network does not use; pass it through canonical()."
            )

    def layer_indices(self, population: Population) -> npt.NDArray[np.int16]:
        """int16[n, m]: for every genotype the indices into `layers()` of its layers, in order, padded with -1.

        A column belongs to one stage, or to what lies between stages, in all rows of a call. This default builds every
        network once; a space that can compute the indices from the genes should.
        """
        rows = [self._layer_rows.of(row) for row in population]
        widths = [max(map(len, parts)) for parts in zip_longest(*rows, fillvalue=())]
        whole = [[*row, *[()] * (len(widths) - len(row))] for row in rows]
        padded = [[i for part, w in zip(row, widths, strict=True) for i in _padded(part, w)] for row in whole]
        return np.array(padded, np.int16).reshape(len(rows), sum(widths))

    @cached_property
    def _layer_rows(self) -> LayerRows:
        return LayerRows(self.layers(), self.build)

    def stage_choices(self) -> list[Population] | None:
        """Per stage, int8[n_choices, n_genes]: every choice with the other stages' genes zero; None without stages.

        A genotype is the sum of one row of every stage.
        """
        return None

    def stage_indices(self, population: Population) -> npt.NDArray[np.int16] | None:
        """int16[n, n_stages]: which row of `stage_choices` each stage has; None without stages."""
        return None

    def stage_operators(self) -> StageOperators | None:
        """Mutation and crossover on `stage_indices`, many times as fast; None where only those on genes exist."""
        return None

    def net_config(self, genotype: npt.NDArray[np.int8]) -> Mapping[str, Json]:
        """The network description written beside the weights (`net.config`); `read_genotype` reads it back."""
        return {"genotype": self.to_dict(genotype), **to_dict(self.build(genotype))}

    def fingerprint(self) -> str:
        """Short hash of `fingerprinted()`."""
        text = json.dumps(self.fingerprinted(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_text(self, genotype: npt.NDArray[np.int8]) -> str:
        """The genotype as it stands in tables: its genes separated by spaces."""
        return " ".join(str(int(gene)) for gene in genotype)

    def from_text(self, text: str) -> npt.NDArray[np.int8]:
        """The inverse of `to_text`; raises `InvalidGenotype`."""
        from nasface.errors import InvalidGenotype

        try:
            genes = np.array([int(word) for word in text.split()], np.int8)
        except (ValueError, OverflowError):
            raise InvalidGenotype(f"'{text[:60]}' is not a genotype; give {self.n_genes} whole numbers.") from None
        row: npt.NDArray[np.int8] = self.canonical(genes[None, :])[0]
        return row


def _padded(part: Sequence[int], width: int) -> list[int]:
    return [*part, *[-1] * (width - len(part))]
