"""Exact search: the best networks within the bounds, provably, where score and costs are sums over the stages."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from nasface.errors import InvalidInput
from nasface.predictors import Ranker
from nasface.registry import register
from nasface.selectors import Selector
from nasface.spaces import Population, distinct_rows, join_stages
from nasface.strategies._base import Problem, SearchResult, SearchStrategy
from nasface.strategies._finalists import N_FINALISTS, finalists
from nasface.strategies._starts import find_guide, stage_bounds
from nasface.strategies._tally import Tally
from nasface.strategies.feasible import feasible_start
from nasface.strategies.knapsack import BestFirst

_MOST: Final = 20_000
"""Networks that are tried at most in the order of their scores."""


@dataclass
class ExactConfig:
    """Parameters of the search.

    Attributes:
        pool: Best networks by the stage-wise score that a predictor without such a score re-ranks.
    """

    name: str = "exact"
    pool: int = 1000


@register("search", "exact", config=ExactConfig)
class Exact(SearchStrategy):
    """The optimum of a stage-wise score under constraints that decompose; other predictors re-rank the best of one.

    The space is a product of stages, so the task is a multiple-choice knapsack. Predictors whose score is a sum over
    the stages (`additive`) are optimised themselves. For all others a `lightgbm_stagewise` is fitted on the same table,
    its `pool` best networks are found exactly, and the predictor chooses among them.
    """

    config: ExactConfig

    def __init__(self, config: ExactConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or ExactConfig(), selector
        if self.config.pool < 1:
            raise InvalidInput(f"search.pool is {self.config.pool}; give 1 or more.")

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol.

        Raises:
            InvalidInput: The space has no stages.
            InfeasibleConstraint: No network of the space meets the constraints.
        """
        ranker, tally = problem.ranker, Tally(problem)
        guide = find_guide(ranker, rng)
        if guide is None:
            raise InvalidInput(f"search=exact needs a space of stages, not {ranker.space.name}; use search=evolution.")
        own = guide.by is ranker
        wanted = N_FINALISTS if own else self.config.pool
        search = BestFirst(guide.scores, stage_bounds(problem))
        best = self._networks(problem, search, wanted)
        proven = len(best) > 0
        if not proven:  # says what cannot be met; or a cost that does not decompose leaves too few of the best
            best = feasible_start(problem, rng, self.config.pool)
        if not (proven and own):  # a proven optimum is no worse than any network given
            best = distinct_rows(np.concatenate([best, problem.warm_start.networks]))
        found = best[:N_FINALISTS] if proven and own else finalists(best, ranker, self.selector, rng)
        tally.generation(found[0], len(best))
        problem.progress(1, 1, f"{len(best)} best networks")
        remark = _remark(ranker, guide.by, len(best), proven)
        return tally.result(found, len(best), remarks=(remark,), counters={"expanded": search.expanded})

    def _networks(self, problem: Problem, search: BestFirst, wanted: int) -> Population:
        """The best feasible networks in order, at most `wanted`; none where `_MOST` networks hold too few.

        Where all costs decompose, only rounding makes a network infeasible here.
        """
        stages = problem.space.stage_choices() or []
        found: Population = np.empty((0, problem.space.n_genes), np.int8)
        networks = islice(search, _MOST)
        while len(found) < wanted and (some := list(islice(networks, wanted))):
            rows = np.array([join_stages(stages, choices) for _, choices in some], np.int8)
            found = np.concatenate([found, rows[problem.feasible(rows)]])
        return found[:wanted]


def _remark(ranker: Ranker, by: Ranker, pool: int, proven: bool) -> str:
    name, guide = ranker.predictor.config.name, by.predictor.config.name
    if not proven:
        return (
            f"Nothing is proven: a bound is on a cost that does not add up over stages, and none of the {_MOST:,} best "
            f"networks meets it; the winner is {name}'s choice among {pool} that do."
        )
    if by is ranker:
        return f"The winner is the exact optimum of {name}'s score within the bounds."
    return (
        f"The winner is {name}'s choice among the {pool} best networks by the stage-wise score of {guide}; these are "
        "exact, and optimality refers to that score."
    )
