"""Evolutionary search, Algorithm 1 of the paper in its sane reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.predictors._rows import distinct
from nasface.registry import register
from nasface.search._base import Problem, SearchResult, SearchStrategy
from nasface.search._finalists import finalists
from nasface.search.feasible import feasible_start
from nasface.selectors import Selector
from nasface.spaces import Population

Indices = npt.NDArray[np.intp]

_RETRIES: Final = 20
"""Rounds in which children that break a constraint are made anew from the same parents."""


@dataclass
class EvolutionConfig:
    """Parameters of the search, with the names of the paper and of OFA.

    Attributes:
        generations: T.
        population: P, networks at the start and children per generation.
        parent_ratio: Kr, share of P that is kept as parents.
        mutation_ratio: Mr, share of P made by mutation; the rest of the children are crossovers.
        mutate_probability: Pm, chance of every unit of change (block, depth) to be redrawn.
    """

    name: str = "evolution"
    generations: int = 500
    population: int = 100
    parent_ratio: float = 0.25
    mutation_ratio: float = 0.5
    mutate_probability: float = 0.1


@register("search", "evolution", config=EvolutionConfig)
class Evolution(SearchStrategy):
    """Selection of parents by the selector, mutation and crossover under the constraints.

    Source: Savchenko et al. 2023, Algorithm 1, read as Once-for-All's code does it (Cai et al. 2020) where the listing
    cannot be
    meant: parents stay in the population, P - M children are crossovers of two parents drawn with replacement, children
    that break a constraint are made anew (here a bounded number of times, then the parent stands in for its child), and
    the winner is the best of the last population including its parents. Equal networks count once.
    """

    def __init__(self, config: EvolutionConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or EvolutionConfig(), selector
        _check(self.config)

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol.

        Raises:
            InfeasibleConstraint: No network of the space meets the constraints.
        """
        config, history = self.config, []
        calls, pairs = problem.ranker.calls, problem.ranker.pairs
        population = feasible_start(problem, rng, config.population)
        seen = {row.tobytes() for row in population}
        n_parents = round(config.population * config.parent_ratio)
        for generation in range(config.generations):
            parents = self._best(population, n_parents, problem, rng)
            best = self._best(parents, 1, problem, rng)[0]
            children = self._children(parents, problem, rng)
            seen.update(row.tobytes() for row in children)
            population = distinct(np.concatenate([parents, children]))
            history.append(_row(generation, problem, best, population, calls, pairs))
            problem.progress(generation + 1, config.generations, f"{len(population)} distinct networks")
        found = finalists(population, problem.ranker, self.selector, rng)
        counters = {
            "generations": config.generations,
            "calls": problem.ranker.calls - calls,
            "pairs": problem.ranker.pairs - pairs,
            "distinct": len(seen),
        }
        return SearchResult(found[0], found, history, counters)

    def _best(self, population: Population, k: int, problem: Problem, rng: np.random.Generator) -> Population:
        k = min(k, len(population))
        best: Population = population[self.selector.top_k(population, k, problem.ranker, rng)]
        return best

    def _children(self, parents: Population, problem: Problem, rng: np.random.Generator) -> Population:
        """M mutants of random parents, then P - M crossovers of two random parents; all feasible."""
        config, space = self.config, problem.space
        n_mutants = round(config.population * config.mutation_ratio)
        mothers = parents[rng.integers(len(parents), size=config.population)]
        fathers = parents[rng.integers(len(parents), size=config.population - n_mutants)]

        def mutate(rows: Indices) -> Population:
            return space.mutate(rng, mothers[rows], config.mutate_probability)

        def cross(rows: Indices) -> Population:
            return space.crossover(rng, mothers[n_mutants + rows], fathers[rows])

        mutants = _retry(mutate, mothers[:n_mutants], problem)
        return np.concatenate([mutants, _retry(cross, mothers[n_mutants:], problem)])


def _retry(make: Callable[[Indices], Population], parents: Population, problem: Problem) -> Population:
    """Children by `make`, those that break a constraint made anew, in the end replaced by their (feasible) parents.

    Rounds are of equal size: the fewer children are missing, the more tries each of them has in a round.
    """
    children, settled = parents.copy(), np.zeros(len(parents), bool)
    for _ in range(_RETRIES):
        missing = np.flatnonzero(~settled)
        if not len(missing):
            break
        rows = np.tile(missing, len(parents) // len(missing))
        tried = make(rows)
        ok = np.flatnonzero(problem.feasible(tried))
        found, first = np.unique(rows[ok], return_index=True)
        children[found], settled[found] = tried[ok[first]], True
    return children


def _row(
    generation: int, problem: Problem, best: npt.NDArray[np.int8], population: Population, calls: int, pairs: int
) -> dict[str, Any]:
    return {
        "generation": generation,
        "calls": problem.ranker.calls - calls,
        "pairs": problem.ranker.pairs - pairs,
        "best": problem.space.to_text(best),
        "distinct": len(population),
    }


def _check(config: EvolutionConfig) -> None:
    if config.generations < 1:
        raise InvalidInput(f"search.generations is {config.generations}; give 1 or more.")
    if config.population < 4:
        raise InvalidInput(f"search.population is {config.population}; give 4 or more.")
    for key in ("parent_ratio", "mutation_ratio", "mutate_probability"):
        if not 0 < getattr(config, key) <= 1:
            raise InvalidInput(f"search.{key} is {getattr(config, key)}; give a number above 0, at most 1.")
    if round(config.population * config.parent_ratio) < 2:
        raise InvalidInput(
            f"search.parent_ratio {config.parent_ratio} of a population of {config.population} leaves fewer than "
            f"two parents; give {2 / config.population:.2g} or more."
        )
