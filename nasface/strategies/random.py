"""Random search: the best of many feasible networks, a floor for every other search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasface.errors import InvalidInput
from nasface.registry import register
from nasface.selectors import Selector
from nasface.spaces import distinct_rows
from nasface.strategies._base import Problem, SearchResult, SearchStrategy
from nasface.strategies._finalists import finalists
from nasface.strategies._tally import Tally
from nasface.strategies.feasible import feasible_start


@dataclass
class RandomSearchConfig:
    """Parameters of the search.

    Attributes:
        samples: Distinct feasible networks to choose from.
    """

    name: str = "random"
    samples: int = 10000


@register("search", "random", config=RandomSearchConfig)
class RandomSearch(SearchStrategy):
    """The best of many random feasible networks, drawn uniformly unless the bounds are tight (see `feasible_start`)."""

    config: RandomSearchConfig

    def __init__(self, config: RandomSearchConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or RandomSearchConfig(), selector
        if self.config.samples < 1:
            raise InvalidInput(f"search.samples is {self.config.samples}; give 1 or more.")

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol.

        Raises:
            InfeasibleConstraint: No network of the space meets the constraints.
        """
        tally, known = Tally(problem), problem.warm_start.networks
        population = distinct_rows(np.concatenate([known, feasible_start(problem, rng, self.config.samples)]))
        found = finalists(population, problem.ranker, self.selector, rng)
        tally.generation(found[0], len(population))
        problem.progress(1, 1, f"{len(population)} distinct networks")
        return tally.result(found, len(population))
