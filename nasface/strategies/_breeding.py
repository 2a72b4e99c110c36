"""Children that meet the constraints: mutants of one parent and crossovers of two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from nasface.spaces import Population, SearchSpace
from nasface.strategies._base import Region

Rows = TypeVar("Rows", npt.NDArray[np.int8], npt.NDArray[np.int16])
"""Networks in one of two forms, one a row: genes, or indices of stage choices where the space can vary those."""

_TRIES: Final = (2, 8, 32, 32, 32)
"""A child that breaks a constraint is made anew from the same parents: 2 tries at once, then 8 more, in all 106."""


def feasible_children(
    region: Region, rng: np.random.Generator, parents: Population, n: int, n_mutants: int, probability: float
) -> Population:
    """Children of random parents, int8[n, n_genes]: mutants first, then crossovers of two; all feasible.

    A child that breaks a constraint is made anew from the same parents, a bounded number of times, in the end replaced
    by its (feasible) mother.

    Args:
        region: Space and constraints.
        rng: Draws.
        parents: int8[m, n_genes], feasible.
        n: Children.
        n_mutants: How many of them are mutants.
        probability: Chance of every unit of change of a mutant to be redrawn.
    """
    mothers, fathers = rng.integers(len(parents), size=n), rng.integers(len(parents), size=n - n_mutants)
    operators, rows = region.space.stage_operators(), region.space.stage_indices(parents)
    if operators is None or rows is None:
        breed = _Genes(region.space).breed
        return _settle(breed, region.feasible, rng, parents[mothers], parents[fathers], probability)
    children = _settle(operators.breed, region.feasible_stages, rng, rows[mothers], rows[fathers], probability)
    return region.networks(children)


class _Genes:
    """Breeds in the form of genes."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space

    def breed(
        self, rng: np.random.Generator, mothers: Population, fathers: Population, probability: float
    ) -> Population:
        """See `StageOperators.breed`."""
        n_mutants = len(mothers) - len(fathers)
        mutants = self._space.mutate(rng, mothers[:n_mutants], probability)
        return np.concatenate([mutants, self._space.crossover(rng, mothers[n_mutants:], fathers)])


def _settle(
    breed: Callable[[np.random.Generator, Rows, Rows, float], Rows],
    feasible: Callable[[Rows], npt.NDArray[np.bool_]],
    rng: np.random.Generator,
    mothers: Rows,
    fathers: Rows,
    probability: float,
) -> Rows:
    """`feasible_children` in either form."""
    children, missing = mothers.copy(), np.arange(len(mothers))
    n_mutants = len(mothers) - len(fathers)
    for tries in _TRIES:
        rows = missing.repeat(tries)
        crossed = rows[rows.searchsorted(n_mutants) :] - n_mutants
        tried = breed(rng, mothers.take(rows, axis=0), fathers.take(crossed, axis=0), probability)
        ok = feasible(tried)
        found = np.flatnonzero(ok)[::-1]
        children[rows[found]] = tried[found]  # of a row's feasible children the first one stays, being written last
        missing = missing[~ok.reshape(-1, tries).any(axis=1)]
        if not len(missing):
            break
    return children
