"""Where a study takes the networks from that are measured next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from nasface.predictors import Ranker
from nasface.spaces import Population, SearchSpace, distinct_rows, rows_without
from nasface.strategies._base import Region
from nasface.strategies._breeding import feasible_children
from nasface.strategies.feasible import feasible_start

_CHILDREN: Final = 64
"""Neighbours that are looked at for a network that is still missing."""

_TRIES: Final = 10
"""Rounds of neighbours, ever farther away."""


class Candidates(Protocol):
    """Networks that may be measured; those of `known` are handed out no more."""

    @property
    def space(self) -> SearchSpace:
        """Of the networks."""

    def feasible(self, population: Population) -> npt.NDArray[np.bool_]:
        """bool[n]: which rows meet the bounds."""

    def draw(self, n: int, known: Population, rng: np.random.Generator) -> Population:
        """Up to n distinct feasible networks at random; fewer only where (nearly) all are known."""

    def best(self, ranker: Ranker, n: int, known: Population, rng: np.random.Generator) -> Population:
        """Up to n distinct feasible networks, best first; fewer only where (nearly) all are known."""


class Searcher:
    """All networks within bounds: the finalists of a search, and their neighbours where these are known already.

    Args:
        region: Space and bounds.
        search: The finalists by a ranker, distinct and feasible, best first.
    """

    def __init__(self, region: Region, search: Callable[[Ranker], Population]) -> None:
        self.space, self._region, self._search = region.space, region, search

    def feasible(self, population: Population) -> npt.NDArray[np.bool_]:
        """See `Candidates.feasible`."""
        return self._region.feasible(population)

    def draw(self, n: int, known: Population, rng: np.random.Generator) -> Population:
        """See `Candidates.draw`; as `feasible_start` draws them."""
        return rows_without(feasible_start(self._region, rng, n + len(known)), known)[:n]

    def best(self, ranker: Ranker, n: int, known: Population, rng: np.random.Generator) -> Population:
        """See `Candidates.best`."""
        finalists = self._search(ranker)
        found = rows_without(finalists, known)[:n]
        if len(found) == n:
            return found
        others = self._neighbours(finalists, n - len(found), np.concatenate([known, found]), rng)
        ordered: Population = others[np.argsort(-ranker.strengths(others), kind="stable")]
        return np.concatenate([found, ordered[: n - len(found)]])

    def _neighbours(self, finalists: Population, n: int, known: Population, rng: np.random.Generator) -> Population:
        """Feasible networks beside the finalists and beside these in turn, n or more; then random ones."""
        found, size = finalists, n * _CHILDREN
        for _ in range(_TRIES):
            children = feasible_children(self._region, rng, found, size, size, 0.1)
            found = distinct_rows(np.concatenate([found, children]))
            if len(fresh := rows_without(found, known)) >= n:
                return fresh
        return distinct_rows(np.concatenate([fresh, self.draw(n, known, rng)]))
