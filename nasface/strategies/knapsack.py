"""Multiple-choice knapsacks: one choice per stage, values and costs add up, exact answers by merging Pareto fronts."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from nasface.costs import StageTables

Values = npt.NDArray[np.float64]
Choices = npt.NDArray[np.int16]


@dataclass(frozen=True)
class KnapsackFront:
    """Points of which none is at once cheaper and better than another, by rising cost and value.

    Attributes:
        costs: float64[m], strictly rising.
        values: float64[m], strictly rising.
        choices: int16[m, n_stages], how each point is reached.
    """

    costs: Values
    values: Values
    choices: Choices

    def best_within(self, budgets: Values) -> Values:
        """Highest value at a cost of at most each budget, float64 of the same shape; minus infinity where none is."""
        at = np.searchsorted(self.costs, budgets, side="right")
        return np.asarray(np.append(-np.inf, self.values)[at])


def front_of(costs: Values, values: Values, choices: Choices) -> KnapsackFront:
    """The front of given points; of equal points the first one stays."""
    order = np.lexsort((-values, costs))
    highest = np.maximum.accumulate(values[order])
    better = np.append(True, highest[1:] > highest[:-1])
    kept = order[better]
    return KnapsackFront(costs[kept], values[kept], choices[kept])


def merge_fronts(values: StageTables, costs: StageTables) -> KnapsackFront:
    """The whole front over the space: the best value for every budget at once.

    Args:
        values: Sums, higher is better.
        costs: Sums, lower is better.
    """
    front = KnapsackFront(np.array([costs.constant]), np.array([values.constant]), np.empty((1, 0), np.int16))
    for gain, price in zip(values.tables, costs.tables, strict=True):
        front = _extend(front, front_of(price, gain, np.arange(len(gain), dtype=np.int16)[:, None]))
    return front


def _extend(front: KnapsackFront, stage: KnapsackFront) -> KnapsackFront:
    """Every point of one front with every point of the other, reduced to the front."""
    costs = (front.costs[:, None] + stage.costs).ravel()
    values = (front.values[:, None] + stage.values).ravel()
    first, second = np.divmod(np.arange(len(costs)), len(stage.costs))
    kept = front_of(costs, values, np.arange(len(costs), dtype=np.int64)[:, None].astype(np.int64))
    rows = kept.choices[:, 0]
    return KnapsackFront(kept.costs, kept.values, np.hstack([front.choices[first[rows]], stage.choices[second[rows]]]))


class BestFirst:
    """Networks in the order of falling value, all constraints met: an A* search over the stages.

    The bound on what is still to come is, for every constraint alone, the front of the remaining stages at the budget
    that is left; with one sum it is exact, so the search never goes astray. Maxima only forbid choices.

    Args:
        values: Sums, higher is better.
        constraints: (costs, bound) each; sums or maxima.
    """

    def __init__(self, values: StageTables, constraints: Sequence[tuple[StageTables, float]]) -> None:
        allowed = [np.ones(len(table), bool) for table in values.tables]
        for tables, bound in constraints:
            if tables.combine == "max":
                for stage, table in enumerate(tables.tables):
                    allowed[stage] &= np.maximum(table, tables.constant) <= bound
        sums = [(tables, bound) for tables, bound in constraints if tables.combine == "sum"]
        self.rows = [np.flatnonzero(ok).astype(np.int16) for ok in allowed]
        self.values = [table[rows] for table, rows in zip(values.tables, self.rows, strict=True)]
        self.costs = [
            np.array([tables.tables[stage][rows] for tables, _ in sums]).reshape(len(sums), len(rows))
            for stage, rows in enumerate(self.rows)
        ]
        self.left = np.array([bound - tables.constant for tables, bound in sums])
        self.constant = values.constant
        self.rest = self._rest()
        self.expanded = 0

    def __iter__(self) -> Iterator[tuple[float, Choices]]:
        """(value, choices) of every feasible network, the best first; equal values in the order of their choices."""
        if any(not len(rows) for rows in self.rows):
            return
        ties = count()
        heap: list[tuple[float, int, _Children, int]] = []

        def push(block: _Children, at: int) -> None:
            if at < len(block.order):
                heapq.heappush(heap, (-float(block.bounds[at]), next(ties), block, at))

        push(self._expand((), self.constant, self.left), 0)
        while heap:
            _, _, block, at = heapq.heappop(heap)
            push(block, at + 1)
            child = int(block.order[at])
            prefix = (*block.prefix, int(self.rows[len(block.prefix)][child]))
            value = float(block.values[at])
            if len(prefix) == len(self.rows):
                yield value, np.array(prefix, np.int16)
            else:
                push(self._expand(prefix, value, block.left[:, at]), 0)

    def _expand(self, prefix: tuple[int, ...], value: float, left: Values) -> _Children:
        """All choices of the next stage, the most promising first, hopeless ones left out."""
        self.expanded += 1
        stage = len(prefix)
        values, budgets = value + self.values[stage], left[:, None] - self.costs[stage]
        ahead = [front.best_within(budget) for front, budget in zip(self.rest[stage + 1], budgets, strict=True)]
        bounds = values + (np.min(ahead, axis=0) if ahead else self._best_rest(stage + 1))
        order = np.argsort(-bounds, kind="stable")
        order = order[np.isfinite(bounds[order])]
        return _Children(prefix, order, bounds[order], values[order], budgets[:, order])

    def _best_rest(self, stage: int) -> float:
        return float(sum(table.max() for table in self.values[stage:]))

    def _rest(self) -> list[list[KnapsackFront]]:
        """Per stage and constraint, the front of that stage and all after it."""
        nothing = KnapsackFront(np.zeros(1), np.zeros(1), np.empty((1, 0), np.int16))
        rest = [[nothing] * len(self.left)]
        if any(not len(rows) for rows in self.rows):
            return rest
        for stage in reversed(range(len(self.rows))):
            index = np.arange(len(self.rows[stage]), dtype=np.int16)[:, None]
            fronts = [front_of(price, self.values[stage], index) for price in self.costs[stage]]
            rest.insert(0, [_extend(front, after) for front, after in zip(fronts, rest[0], strict=True)])
        return rest


@dataclass(frozen=True)
class _Children:
    """The children of one node, sorted by their bounds."""

    prefix: tuple[int, ...]
    order: npt.NDArray[np.intp]
    bounds: Values
    values: Values
    left: Values
