"""The networks of least and of highest cost: exact where the cost decomposes, else what a short search finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost
from nasface.spaces import Population, distinct_rows, join_stages

_STARTS: Final = 64
_ROUNDS: Final = 60
_STALE: Final = 8
_ELITE: Final = 4
_CHILDREN: Final = 16
"""For every network of the elite, by mutation, and as many by crossover."""


@dataclass(frozen=True)
class Extremes:
    """The two ends of a space by one cost.

    Attributes:
        smallest: int8[n_genes], the network of least cost.
        largest: Likewise, of highest cost.
        exact: Whether that is certain; else they are the best that a short search found.
    """

    smallest: npt.NDArray[np.int8]
    largest: npt.NDArray[np.int8]
    exact: bool


def extremes(cost: Cost, known: Population | None = None) -> Extremes:
    """The networks of least and of highest cost in the cost's space.

    The search draws from a generator of its own: equal arguments give equal networks.

    Args:
        cost: Which.
        known: int8[n, n_genes], networks that a search may begin with, beside random ones.
    """
    tables, choices = cost.decompose(), cost.space.stage_choices()
    if tables is not None and choices is not None:
        least, most = tables.minimum().choices, tables.maximum().choices
        return Extremes(join_stages(choices, least), join_stages(choices, most), exact=True)
    rng = np.random.default_rng(0)
    start = cost.space.sample(rng, _STARTS)
    start = distinct_rows(start if known is None else np.concatenate([start, known]))
    return Extremes(_climb(cost, rng, start, 1.0), _climb(cost, rng, start, -1.0), exact=False)


def _climb(cost: Cost, rng: np.random.Generator, start: Population, sign: float) -> npt.NDArray[np.int8]:
    """The network of least `sign` times cost that mutation and crossover of the best few come to."""
    space, rows, values, stale = cost.space, start, sign * cost.predict(start), 0
    for _ in range(_ROUNDS):
        best = np.argsort(values, kind="stable")[:_ELITE]
        rows, values, least = rows[best], values[best], values[best[0]]
        mothers, fathers = (rows[rng.integers(len(rows), size=_CHILDREN * _ELITE)] for _ in range(2))
        mutants = space.mutate(rng, mothers, max(0.05, 2 / space.n_genes))
        children = np.concatenate([mutants, space.crossover(rng, mothers, fathers)])
        rows, values = np.concatenate([rows, children]), np.concatenate([values, sign * cost.predict(children)])
        stale = 0 if values.min() < least else stale + 1
        if stale == _STALE:
            break
    found: npt.NDArray[np.int8] = rows[values.argmin()]
    return found
