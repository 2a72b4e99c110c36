"""Pareto fronts of accuracy against costs: which networks none is better than in everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost, StageTables
from nasface.spaces import Population
from nasface.strategies._base import ROUNDING, Problem, Values
from nasface.strategies.knapsack import merge_fronts


class Front(NamedTuple):
    """The networks of a front.

    Attributes:
        population: int8[n, n_genes].
        scores: float64[n].
    """

    population: Population
    scores: Values


def exact_front(problem: Problem, costs: Sequence[Cost], scores: StageTables) -> Front | None:
    """The whole front of a stage-wise score, or None where it is not known how to find it.

    It is found for one cost that is a sum over stages and at most one that is a maximum; bounds may be on these alone.
    For every value that the maximum can take, the front of the sum without the choices above it is merged.
    """
    tables = {cost.name: cost.decompose() for cost in costs}
    sums = [t for t in tables.values() if t is not None and t.combine == "sum"]
    tops = [t for t in tables.values() if t is not None and t.combine == "max"]
    bounded = {constraint.cost.name for constraint in problem.constraints}
    if len(sums) != 1 or len(tops) > 1 or len(sums) + len(tops) != len(costs) or not bounded <= set(tables):
        return None
    levels: list[float] = [np.inf]
    if tops:
        (top,) = tops
        least = max(top.constant, *(float(table.min()) for table in top.tables))
        values = np.unique(np.concatenate([np.maximum(table, least) for table in top.tables]))
        levels = values.tolist()
    choices = np.concatenate([_front(scores, sums[0], tops, level) for level in levels])
    indices = np.unique(choices, axis=0)
    kept = problem.feasible_stages(indices)
    population, gains = problem.networks(indices[kept]), scores.predict(indices[kept])
    order = undominated(gains, np.stack([cost.predict(population) for cost in costs], axis=1))
    return Front(population[order], gains[order])


def undominated(gains: Values, costs: Values) -> npt.NDArray[np.intp]:
    """Rows that no other row equals or beats in everything, by rising first cost; of equal rows the first one.

    Args:
        gains: float64[n], higher is better.
        costs: float64[n, m], lower is better.
    """
    order = np.lexsort((-gains, *costs.T[::-1]))
    kept: list[np.intp] = []
    for row in order:
        better = (gains[kept] >= gains[row]) & (costs[kept] <= costs[row]).all(axis=1)
        if not better.any():
            kept.append(row)
    return np.array(kept, np.intp)


def _front(scores: StageTables, costs: StageTables, tops: Sequence[StageTables], level: float) -> npt.NDArray[np.int16]:
    """Choices of the front among the networks whose maximum is at most `level`, int16[n, n_stages]."""
    allowed = [np.ones(len(table), bool) for table in costs.tables]
    for top in tops:
        allowed = [own <= level * (1 + ROUNDING) for own in top.tables]
    rows = [np.flatnonzero(ok).astype(np.int16) for ok in allowed]
    gain, price = (
        StageTables(given.constant, tuple(table[own] for table, own in zip(given.tables, rows, strict=True)))
        for given in (scores, costs)
    )
    found = merge_fronts(gain, price).choices
    return np.stack([own[column] for own, column in zip(rows, found.T, strict=True)], axis=1)
