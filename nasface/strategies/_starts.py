"""Exactly found networks to begin a search with."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from nasface.costs import StageTables
from nasface.predictors import Ranker, Stagewise, fit_ranker
from nasface.spaces import Population
from nasface.strategies._base import ROUNDING, Problem
from nasface.strategies.knapsack import BestFirst

_MOST: Final = 2000
"""Networks that are tried at most in the order of their scores."""


class Guide(NamedTuple):
    """Whose scores by stage a search begins with, and these scores."""

    by: Ranker
    scores: StageTables


def exact_starts(problem: Problem, n: int, rng: np.random.Generator) -> Population:
    """The n best feasible networks by a stage-wise score, best first; none for a space without stages.

    The score is that of the ranker's guide if it decomposes, else that of a `lightgbm_stagewise` on the same table.
    Bounds on costs that do not decompose are checked network by network; few or no networks may meet them.

    Returns:
        int8[m, n_genes], m <= n.
    """
    found: Population = np.empty((0, problem.space.n_genes), np.int8)
    guide = find_guide(problem.ranker, rng) if n else None
    if guide is None:
        return found
    networks = islice(BestFirst(guide.scores, stage_bounds(problem)), _MOST)
    while len(found) < n and (some := [choices for _, choices in islice(networks, n)]):
        rows = problem.networks(np.array(some, np.int16))
        found = np.concatenate([found, rows[problem.feasible(rows)]])
    return found[:n]


def find_guide(ranker: Ranker, rng: np.random.Generator) -> Guide | None:
    """The ranker's guide if its scores decompose, else a stage-wise predictor fitted on the same table.

    None for a space without stages.
    """
    own = ranker.guide.decompose()
    if own is not None:
        return Guide(ranker.guide, own)
    if ranker.space.stage_choices() is None:
        return None
    fitted = fit_ranker(ranker.space, Stagewise(), ranker.table, ranker.targets, rng)
    scores = fitted.decompose()
    return None if scores is None else Guide(fitted, scores)


def stage_bounds(problem: Problem) -> list[tuple[StageTables, float]]:
    """Bounds on costs that decompose, with room for rounding."""
    known = [(tables, constraint.bound) for tables, constraint in zip(problem.tables, problem.constraints, strict=True)]
    return [(tables, bound + ROUNDING * abs(bound)) for tables, bound in known if tables is not None]
