"""Searches: the best network of a space under constraints, by a ranker's opinion.

Protocol. A strategy is constructed as `cls(config, selector=...)`; `run(problem, rng)` draws only from the generator,
is bounded (no loop without an end), reports progress through `problem.progress`, and returns a feasible `SearchResult`.
It raises `InfeasibleConstraint` when no network meets the constraints. Same problem and same seed give the same result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost, StageTables
from nasface.predictors import Ranker
from nasface.registry import ComponentConfig
from nasface.selectors import Selector
from nasface.spaces import Population, SearchSpace, StageIndices, join_stages

Values = npt.NDArray[np.float64]

ROUNDING: Final = 1e-9
"""Relative; sums over stages add up in another order than a cost's own prediction."""


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


Progress = Callable[[int, int, str], None]
"""Called as a search goes on: steps done, steps in all, a note for the user."""


GIVEN: Final = "refine.warm_start"
"""The option that networks are given by, for messages."""


@dataclass(frozen=True)
class WarmStart:
    """Networks that a search begins with.

    Attributes:
        networks: int8[n, n_genes], feasible.
        remarks: For the user: which were left out.
    """

    networks: Population
    remarks: tuple[str, ...]


def no_progress(done: int, total: int, note: str) -> None:
    """The default of `Problem.progress`: silence."""


class Region:
    """The networks of a space that meet bounds.

    Args:
        space: Of the networks.
        constraints: The bounds, all of which must hold.
    """

    def __init__(self, space: SearchSpace, constraints: Sequence[Constraint] = ()) -> None:
        self.space, self.constraints = space, constraints

    def feasible(self, population: Population) -> npt.NDArray[np.bool_]:
        """bool[n]: which rows meet all constraints."""
        indices = self.space.stage_indices(population) if any(self.tables) else None
        return self._feasible(len(population), indices, lambda rows: population[rows])

    def feasible_stages(self, indices: StageIndices) -> npt.NDArray[np.bool_]:
        """`feasible` for networks given by the indices of their stages' choices."""
        return self._feasible(len(indices), indices, lambda rows: self.networks(indices[rows]))

    def networks(self, indices: StageIndices) -> Population:
        """The genotypes int8[n, n_genes] of a space that has stages."""
        rows: Population = join_stages(self._choices, indices.T)
        return rows

    @cached_property
    def tables(self) -> list[StageTables | None]:
        """Of every constraint's cost, see `Cost.decompose`."""
        return [constraint.cost.decompose() for constraint in self.constraints]

    @cached_property
    def _choices(self) -> list[Population]:
        return self.space.stage_choices() or []

    def _feasible(
        self, n: int, indices: StageIndices | None, networks: Callable[[slice | npt.NDArray[np.intp]], Population]
    ) -> npt.NDArray[np.bool_]:
        """bool[n]; `networks` gives the genotypes of some rows."""
        ok = np.ones(n, bool)
        for constraint, tables in zip(self.constraints, self.tables, strict=True):
            cost, bound = constraint.cost, constraint.bound
            if indices is None or tables is None:
                ok &= cost.predict(networks(slice(None))) <= bound
                continue
            sums, room = tables.predict(indices), ROUNDING * abs(bound)
            below = sums <= bound + room
            close = below & (sums >= bound - room)
            ok &= below
            if close.any():  # the tables round otherwise than the cost itself, which has the say
                ok[close] &= cost.predict(networks(np.flatnonzero(close))) <= bound
        return ok


@dataclass(frozen=True)
class Problem(Region):
    """What to search: a space, an opinion about accuracy, and bounds.

    Attributes:
        progress: Called as progress(done, total, note) after every generation.
        given: int8[n, n_genes], networks that a search may begin with (`refine.warm_start`), feasible or not.
        costs: What a search for a front may trade accuracy against, beside the costs that are bounded.
    """

    space: SearchSpace
    ranker: Ranker
    constraints: Sequence[Constraint] = ()
    progress: Progress = field(default=no_progress, compare=False)
    given: Population | None = None
    costs: Sequence[Cost] = ()

    @cached_property
    def warm_start(self) -> WarmStart:
        """What a search begins with, beside its own start: the given networks that meet the constraints."""
        given = np.empty((0, self.space.n_genes), np.int8) if self.given is None else self.given
        ok = self.feasible(given)
        if ok.all():
            return WarmStart(given, ())
        remark = f"{int((~ok).sum())} of {len(ok)} networks of {GIVEN} are beyond the bounds and were left out."
        return WarmStart(given[ok], (remark,))


@dataclass(frozen=True)
class ParetoFront:
    """Networks that are not dominated, by rising first cost.

    Attributes:
        population: int8[n, n_genes].
        costs: float64[n, n_costs].
        labels: Of the costs, for people.
        keys: Of the costs, for files.
        exact: Whether the front is proven (for the score that `origin` names), or the best that a search found.
        origin: Whose score, in words.
    """

    population: Population
    costs: Values
    labels: tuple[str, ...]
    keys: tuple[str, ...]
    exact: bool
    origin: str


HistoryRow = dict[str, int | float | str]
"""Of one generation: its number, comparator calls and pairs so far, the current best, and what a strategy adds."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        best: int8[n_genes], the winner, feasible.
        finalists: int8[k, n_genes], distinct and feasible, best first by the ranker; `finalists[0]` is `best`.
        history: One row per generation: generation, comparator calls and pairs so far, the current best, plus what the
            strategy adds.
        counters: Totals: generations, calls, pairs, and `distinct` networks seen, no more than the space has; of those
            that come back after they were dropped each time may count.
        remarks: Sentences for the user, e.g. what optimality refers to.
        front: Networks of which none is better than another in everything, from a search for a front.
    """

    best: npt.NDArray[np.int8]
    finalists: Population
    history: tuple[HistoryRow, ...]
    counters: dict[str, int]
    remarks: tuple[str, ...] = ()
    front: ParetoFront | None = None


class SearchStrategy(ABC):
    """Finds the best network of a problem."""

    config: ComponentConfig
    selector: Selector

    @abstractmethod
    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol."""
