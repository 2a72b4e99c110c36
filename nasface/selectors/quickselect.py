"""Hoare's selection by a comparator, as in the paper, with all comparisons of a round in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nasface.predictors import Ranker
from nasface.registry import register
from nasface.selectors._base import Selector
from nasface.selectors._scores import Indices, best_scores, check_k, most_wins
from nasface.spaces import Population

_FEW: Final = 16
"""Rows that meet each other in one batch: about as many pairs as the rounds this saves."""


@dataclass
class QuickSelectConfig:
    """QuickSelect has no parameters."""

    name: str = "quickselect"


@register("selector", "quickselect", config=QuickSelectConfig)
class QuickSelect(Selector):
    """Hoare's selection: about 3n comparisons, in about log n batches.

    The indices come in ascending order, not by quality: only the set is worked out. Every round compares all rows left
    with one random pivot and settles at least the pivot, so it ends after n rounds even where the comparator is not
    transitive (then the set depends on the pivots). The last few rows all meet each other, in one batch, and those of
    most wins are taken. Source: Hoare 1961, "Find"; Savchenko et al. 2023, Algorithm 1.
    """

    config: QuickSelectConfig

    def __init__(self, config: QuickSelectConfig | None = None) -> None:
        self.config = config or QuickSelectConfig()

    def top_k(self, population: Population, k: int, ranker: Ranker, rng: np.random.Generator) -> Indices:
        """Indices of the k best rows, ascending."""
        check_k(k, len(population))
        scores = ranker.scores(population)
        if scores is not None:
            return best_scores(scores, k)
        contest = ranker.contest(population)
        chosen: list[Indices] = []
        left, need = np.arange(len(population)), k
        while 0 < need < len(left):  # `left` loses the pivot in every round
            if len(left) <= _FEW:
                chosen.append(left[most_wins(contest, left, need)])
                need = 0
                break
            pivot = left[rng.integers(need)]
            others = left[left != pivot]
            wins = contest.compare(others, pivot)
            ahead = np.where(others < pivot, wins >= 0.5, wins > 0.5)
            better = others[ahead]
            if len(better) >= need:
                left = better
            else:
                chosen += [better, pivot[None]]
                left, need = others[~ahead], need - len(better) - 1
        if need:
            chosen.append(left)
        return np.sort(np.concatenate(chosen))
