"""What a search counts, and how it went."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from nasface.spaces import Population
from nasface.strategies._base import HistoryRow, ParetoFront, Problem, SearchResult


class Tally:
    """Counts the comparisons of one search, keeps its history, and makes its result; begin it before the first one.

    Args:
        problem: That is searched.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem, self._history = problem, list[HistoryRow]()
        self._calls, self._pairs = problem.ranker.calls, problem.ranker.pairs

    def generation(self, best: npt.NDArray[np.int8], distinct: int) -> None:
        """One more generation: its winner, int8[n_genes], and how many distinct networks it chose from."""
        number, text = len(self._history), self._problem.space.to_text(best)
        self._history.append({"generation": number, "best": text, "distinct": distinct, **self._asked()})

    def result(
        self,
        found: Population,
        distinct: int,
        *,
        remarks: tuple[str, ...] = (),
        front: ParetoFront | None = None,
        counters: Mapping[str, int] | None = None,
    ) -> SearchResult:
        """The result of the search.

        Args:
            found: int8[k, n_genes], the finalists, best first.
            distinct: Networks that were seen in all; one that comes back after it was dropped may count again.
            remarks: See `SearchResult`; those on `Problem.warm_start` are added.
            front: See `SearchResult`.
            counters: More of them, and `generations` if they are not those of the history.
        """
        seen = min(distinct, self._problem.space.size())
        counted = {"generations": len(self._history), **self._asked(), "distinct": seen, **(counters or {})}
        remarks = (*remarks, *self._problem.warm_start.remarks)
        return SearchResult(found[0], found, tuple(self._history), counted, remarks, front)

    def _asked(self) -> dict[str, int]:
        """Comparator calls and pairs so far."""
        ranker = self._problem.ranker
        return {"calls": ranker.calls - self._calls, "pairs": ranker.pairs - self._pairs}
