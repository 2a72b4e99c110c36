"""A selector and a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from nasface import SearchStrategy, Selector, register
from nasface.errors import InvalidInput
from nasface.predictors import Ranker
from nasface.selectors import FullSort
from nasface.spaces import Population
from nasface.strategies import HistoryRow, Problem, SearchResult, feasible_children, feasible_start, finalists


@dataclass
class CuriousConfig:
    """Parameters of the selector.

    Attributes:
        share: Of what is taken, how much is taken by chance.
    """

    name: str = "curious"
    share: float = 0.1


@register("selector", "curious", config=CuriousConfig)
class Curious(Selector):
    """The best, and some others by chance, so that a population does not become all alike."""

    config: CuriousConfig
    explores = True

    def __init__(self, config: CuriousConfig | None = None) -> None:
        self.config = config or CuriousConfig()
        if not 0 <= self.config.share < 1:
            raise InvalidInput(f"selector.share is {self.config.share:g}; give 0 to below 1.")

    def top_k(self, population: Population, k: int, ranker: Ranker, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """The best of them first."""
        order = FullSort().top_k(population, len(population), ranker, rng)
        if not 1 <= k <= len(population):
            raise InvalidInput(f"{k} of {len(population)} networks cannot be taken; give 1 to {len(population)}.")
        others = round(self.config.share * min(k, len(population) - k))
        best, rest = order[: k - others], order[k - others :]
        return np.concatenate([best, rng.choice(rest, others, replace=False)])


@dataclass
class TwoStepsConfig:
    """Parameters of the search.

    Attributes:
        samples: Networks that are drawn, and children that their best ones have.
    """

    name: str = "two_steps"
    samples: int = 200


@register("search", "two_steps", config=TwoStepsConfig)
class TwoSteps(SearchStrategy):
    """Random networks within the bounds, then children of the best of them."""

    config: TwoStepsConfig

    def __init__(self, config: TwoStepsConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or TwoStepsConfig(), selector
        if self.config.samples < 1:
            raise InvalidInput(f"search.samples is {self.config.samples}; give 1 or more.")

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Both steps; a space without a network within the bounds is refused by `feasible_start`."""
        n, ranker, history = self.config.samples, problem.ranker, list[HistoryRow]()
        calls, pairs = ranker.calls, ranker.pairs

        def best_of(networks: Population) -> Population:
            found = finalists(networks, ranker, self.selector, rng)
            used = {"calls": ranker.calls - calls, "pairs": ranker.pairs - pairs}
            history.append({"generation": len(history), "best": problem.space.to_text(found[0]), **used})
            problem.progress(len(history), 2, f"{len(networks)} networks")
            return found

        drawn = np.concatenate([problem.warm_start.networks, feasible_start(problem, rng, n)])
        children = feasible_children(problem, rng, best_of(drawn), n, n // 2, 0.1)
        both = np.concatenate([drawn, children])
        best = best_of(both)
        used = {"calls": ranker.calls - calls, "pairs": ranker.pairs - pairs}
        counters = {"generations": 2, "distinct": len(np.unique(both, axis=0)), **used}
        return SearchResult(best[0], best, tuple(history), counters, problem.warm_start.remarks)
