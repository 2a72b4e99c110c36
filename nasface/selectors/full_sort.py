"""Merge sort by a comparator, the thorough peer of quickselect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasface.predictors import Contest, Ranker
from nasface.registry import register
from nasface.selectors._base import Selector
from nasface.selectors._scores import Indices, check_k, order_by_scores
from nasface.spaces import Population


@dataclass
class FullSortConfig:
    """A full sort has no parameters."""

    name: str = "full_sort"


@register("selector", "full_sort", config=FullSortConfig)
class FullSort(Selector):
    """Stable merge sort: about n log2 n comparisons; the indices come best first.

    Draws nothing from the generator. All merges of a level advance together, so a level of run length w needs at most
    2w - 1 batches.
    """

    config: FullSortConfig

    def __init__(self, config: FullSortConfig | None = None) -> None:
        self.config = config or FullSortConfig()

    def top_k(self, population: Population, k: int, ranker: Ranker, rng: np.random.Generator) -> Indices:
        """Indices of the k best rows, best first."""
        check_k(k, len(population))
        return sort_best_first(population, ranker)[:k]


def sort_best_first(population: Population, ranker: Ranker) -> Indices:
    """All indices of a population, best first, ties to the lower index, intp[n]."""
    scores = ranker.scores(population)
    if scores is not None:
        return order_by_scores(scores, len(scores))
    contest = ranker.contest(population)
    runs = [[index] for index in range(len(population))]
    while len(runs) > 1:  # halves the number of runs
        odd = [runs[-1]] if len(runs) % 2 else []
        runs = _merge(list(zip(runs[::2], runs[1::2], strict=False)), contest) + odd
    return np.array(runs[0] if runs else [], np.intp)


def _merge(pairs: list[tuple[list[int], list[int]]], contest: Contest) -> list[list[int]]:
    """Merge every pair of sorted runs, one comparison of each per batch."""
    merged: list[list[int]] = [[] for _ in pairs]
    heads = [[0, 0] for _ in pairs]
    active = list(range(len(pairs)))
    while active:  # every round moves one row of every active pair
        left = [pairs[i][0][heads[i][0]] for i in active]
        right = [pairs[i][1][heads[i][1]] for i in active]
        for i, p in zip(active, contest.compare(left, right), strict=True):
            side = 0 if p >= 0.5 else 1  # ties keep the order, as the left run holds the lower indices
            merged[i].append(pairs[i][side][heads[i][side]])
            heads[i][side] += 1
        active = [i for i in active if heads[i][0] < len(pairs[i][0]) and heads[i][1] < len(pairs[i][1])]
    return [m + a[i:] + b[j:] for m, (a, b), (i, j) in zip(merged, pairs, heads, strict=True)]
