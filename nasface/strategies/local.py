"""Local search: hill climbing from many starts, a baseline for evolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.registry import register
from nasface.selectors import Selector
from nasface.spaces import distinct_rows
from nasface.strategies._base import Problem, SearchResult, SearchStrategy
from nasface.strategies._breeding import feasible_children
from nasface.strategies._finalists import finalists
from nasface.strategies._tally import Tally
from nasface.strategies.feasible import feasible_start


@dataclass
class LocalSearchConfig:
    """Parameters of the search.

    Attributes:
        generations: Steps of all climbs together.
        population: Neighbours that are tried in a step.
        mutate_probability: Chance of every unit of change (block, depth) of a neighbour to differ.
        patience: Steps without success after which a climb ends and another begins.
    """

    name: str = "local"
    generations: int = 500
    population: int = 100
    mutate_probability: float = 0.05
    patience: int = 10


@register("search", "local", config=LocalSearchConfig)
class LocalSearch(SearchStrategy):
    """Hill climbing: the best of a network and its mutants, again and again, from a new start when stuck."""

    config: LocalSearchConfig

    def __init__(self, config: LocalSearchConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or LocalSearchConfig(), selector
        for key in ("generations", "population", "patience"):
            if getattr(self.config, key) < 1:
                raise InvalidInput(f"search.{key} is {getattr(self.config, key)}; give 1 or more.")
        if not 0 < self.config.mutate_probability <= 1:
            raise InvalidInput(
                f"search.mutate_probability is {self.config.mutate_probability}; give a number above 0, at most 1."
            )

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol.

        Raises:
            InfeasibleConstraint: No network of the space meets the constraints.
        """
        config, ranker = self.config, problem.ranker
        tally, seen = Tally(problem), 0
        tops: list[npt.NDArray[np.int8]] = []
        stale, known = config.patience, list(problem.warm_start.networks)
        for step in range(config.generations):
            if stale >= config.patience:
                tops.append(known.pop(0) if known else feasible_start(problem, rng, 1)[0])
                stale = 0
            here = tops[-1][None]
            steps = feasible_children(
                problem, rng, here, config.population, config.population, config.mutate_probability
            )
            rows = distinct_rows(np.concatenate([here, steps]))
            seen += len(rows) - 1
            best = rows[self.selector.top_k(rows, 1, ranker, rng)[0]]
            stale = stale + 1 if (best == tops[-1]).all() else 0
            tops[-1] = best
            tally.generation(best, len(rows))
            problem.progress(step + 1, config.generations, f"climb {len(tops)}")
        found = finalists(np.stack([*tops, *known]), ranker, self.selector, rng)
        return tally.result(found, seen + len(tops))
