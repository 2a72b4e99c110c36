"""The short list that every search hands back."""

from __future__ import annotations

from typing import Final

import numpy as np

from nasface.predictors import Ranker
from nasface.selectors import Selector
from nasface.selectors.full_sort import sort_best_first
from nasface.spaces import Population, distinct_rows

N_FINALISTS: Final = 16


def finalists(population: Population, ranker: Ranker, selector: Selector, rng: np.random.Generator) -> Population:
    """The best 16 distinct rows (fewer if there are fewer), best first: selected, then sorted among themselves.

    A selector that explores might leave the best out; then all rows are sorted.
    """
    rows = distinct_rows(population)
    if selector.explores:
        sorted_rows: Population = rows[sort_best_first(rows, ranker)][:N_FINALISTS]
        return sorted_rows
    chosen = rows[selector.top_k(rows, min(N_FINALISTS, len(rows)), ranker, rng)]
    ordered: Population = chosen[sort_best_first(chosen, ranker)]
    return ordered
