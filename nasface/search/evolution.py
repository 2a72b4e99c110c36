"""Evolutionary search, Algorithm 1 of the paper in its sane reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.predictors._rows import distinct, row_keys
from nasface.registry import register
from nasface.search._base import Problem, SearchResult, SearchStrategy
from nasface.search._breeding import feasible_children
from nasface.search._finalists import finalists
from nasface.search.feasible import feasible_start
from nasface.selectors import Selector
from nasface.spaces import Population

Indices = npt.NDArray[np.intp]


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
        every = max(1, config.generations // 50)
        for generation in range(config.generations):
            parents = self._best(population, n_parents, problem, rng)
            children = self._children(parents, problem, rng)
            seen.update(row_keys(children))
            population = distinct(np.concatenate([parents, children]))
            if generation % every == 0:
                best = self._best(parents, 1, problem, rng)[0]
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
        config = self.config
        n_mutants = round(config.population * config.mutation_ratio)
        return feasible_children(problem, rng, parents, config.population, n_mutants, config.mutate_probability)


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
