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
    """The best 16 distinct rows (fewer if there are fewer), best first: selected, then sorted among themselves."""
    rows = distinct_rows(population)
    chosen = rows[selector.top_k(rows, min(N_FINALISTS, len(rows)), ranker, rng)]
    ordered: Population = chosen[sort_best_first(chosen, ranker)]
    return ordered
