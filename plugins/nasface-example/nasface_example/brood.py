"""A search: breed the best, generation after generation, with what `nasface.strategies` gives to every search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from nasface import SearchStrategy, Selector, register
from nasface.errors import InvalidInput
from nasface.spaces import distinct_rows
from nasface.strategies import Problem, SearchResult, Tally, feasible_children, feasible_start, finalists

PARENTS: Final = 8


@dataclass
class BroodConfig:
    """Parameters of the search.

    Attributes:
        generations: How often the best are bred.
        population: Networks to begin with, and children of a generation.
    """

    name: str = "brood"
    generations: int = 20
    population: int = 50


@register("search", "brood", config=BroodConfig)
class Brood(SearchStrategy):
    """The eight best of a population and their mutants, again and again."""

    config: BroodConfig

    def __init__(self, config: BroodConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or BroodConfig(), selector
        for key in ("generations", "population"):
            if getattr(self.config, key) < 1:
                raise InvalidInput(f"search.{key} is {getattr(self.config, key)}; give 1 or more.")

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the protocol in `nasface/strategies/_base.py`."""
        tally, seen = Tally(problem), self.config.population
        rows = distinct_rows(np.concatenate([problem.warm_start.networks, feasible_start(problem, rng, seen)]))
        for number in range(self.config.generations):
            parents = rows[self.selector.top_k(rows, min(PARENTS, len(rows)), problem.ranker, rng)]
            children = feasible_children(problem, rng, parents, self.config.population, self.config.population, 0.1)
            rows = distinct_rows(np.concatenate([parents, children]))
            seen += len(rows) - len(parents)
            best = parents[self.selector.top_k(parents, 1, problem.ranker, rng)[0]]
            tally.generation(best, len(rows))
            problem.progress(number + 1, self.config.generations, f"{seen} networks")
        return tally.result(finalists(rows, problem.ranker, self.selector, rng), seen)
