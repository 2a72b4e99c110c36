"""Searches: the best network of a space under constraints, by a ranker's opinion.

Protocol. A strategy is constructed as `cls(config, selector=...)`; `run(problem, rng)` draws only from the generator,
is bounded (no loop without an end), reports progress through `problem.progress`, and returns a feasible `SearchResult`.
It raises `InfeasibleConstraint` when no network meets the constraints. Same problem and same seed give the same result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost
from nasface.predictors import Ranker
from nasface.spaces import Population, SearchSpace


@dataclass(frozen=True)
class Constraint:
    """`cost.predict(genotype) <= bound`.

    Attributes:
        cost: What is bounded.
        bound: In the cost's unit.
        label: For people, e.g. "latency on sd865".
        basis: How the bound came about, e.g. "0.6 x EfficientNet-B0 (22.0 ms, estimated)".
        margin: By how much, relative to the bound, what was asked for lies above it.
    """

    cost: Cost
    bound: float
    label: str
    basis: str = ""
    margin: float = 0.0


def no_progress(done: int, total: int, note: str) -> None:
    """The default of `Problem.progress`: silence."""


@dataclass(frozen=True)
class Problem:
    """What to search: a space, an opinion about accuracy, and bounds.

    Attributes:
        progress: Called as progress(done, total, note) after every generation.
    """

    space: SearchSpace
    ranker: Ranker
    constraints: Sequence[Constraint] = ()
    progress: Callable[[int, int, str], None] = field(default=no_progress, compare=False)

    def feasible(self, population: Population) -> npt.NDArray[np.bool_]:
        """bool[n]: which rows meet all constraints."""
        ok = np.ones(len(population), bool)
        for constraint in self.constraints:
            ok &= constraint.cost.predict(population) <= constraint.bound
        return ok


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        best: int8[n_genes], the winner, feasible.
        finalists: int8[k, n_genes], distinct and feasible, best first by the ranker; `finalists[0]` is `best`.
        history: One row per generation: generation, comparator calls and pairs so far, the current best, plus what the
            strategy adds.
        counters: Totals: generations, calls, pairs, distinct networks seen.
        remarks: Sentences for the user, e.g. what optimality refers to.
    """

    best: npt.NDArray[np.int8]
    finalists: Population
    history: list[dict[str, Any]]
    counters: dict[str, int]
    remarks: tuple[str, ...] = ()


class SearchStrategy(ABC):
    """Finds the best network of a problem."""

    @abstractmethod
    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol."""
