"""A heap by a comparator: the classical way to the best few of many, one comparison after the other."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from nasface.predictors import Contest, Ranker
from nasface.registry import register
from nasface.selectors._base import Selector
from nasface.selectors._scores import Indices, check_k, order_by_scores
from nasface.spaces import Population


@dataclass
class HeapConfig:
    """A heap has no parameters."""

    name: str = "heap"


@register("selector", "heap", config=HeapConfig)
class Heap(Selector):
    """Heap of all rows, from which the best is taken k times: about 2n + 2k log2 n comparisons, one per batch.

    The indices come best first. Draws nothing from the generator.
    """

    config: HeapConfig

    def __init__(self, config: HeapConfig | None = None) -> None:
        self.config = config or HeapConfig()

    def top_k(self, population: Population, k: int, ranker: Ranker, rng: np.random.Generator) -> Indices:
        """Indices of the k best rows, best first."""
        check_k(k, len(population))
        scores = ranker.scores(population)
        if scores is not None:
            return order_by_scores(scores, k)
        contest, asked = ranker.contest(population), dict[tuple[int, int], float]()
        heap = [_Entry(index, contest, asked) for index in range(len(population))]
        heapq.heapify(heap)
        return np.array([heapq.heappop(heap).index for _ in range(k)], np.intp)


@dataclass(frozen=True)
class _Entry:
    """A row in a heap; less means better. A pair is asked about once."""

    index: int
    contest: Contest
    asked: dict[tuple[int, int], float]

    def __lt__(self, other: _Entry) -> bool:
        first, second = sorted((self.index, other.index))
        if (first, second) not in self.asked:
            self.asked[first, second] = float(self.contest.compare(first, second)[0])
        ahead = self.asked[first, second] >= 0.5  # ties go to the lower index
        return ahead if self.index == first else not ahead
