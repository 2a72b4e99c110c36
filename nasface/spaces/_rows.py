"""Equal rows, which are equal networks because populations are canonical."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.spaces._base import Population, Rows


class Numbered(NamedTuple):
    """Distinct rows, numbered by first occurrence.

    Attributes:
        first: intp[n_distinct], the first row of each number, ascending.
        numbers: intp[n], the number of every row.
    """

    first: npt.NDArray[np.intp]
    numbers: npt.NDArray[np.intp]


def number_rows(population: Population) -> Numbered:
    """Number the distinct rows by first occurrence."""
    keys = row_keys(population)
    if len(set(keys)) == len(keys):
        everyone = np.arange(len(keys))
        return Numbered(everyone, everyone)
    places = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))  # first places, being entered last
    known = dict.fromkeys(keys)  # in order of first occurrence
    numbers = dict(zip(known, range(len(known)), strict=True))
    first = np.array([places[key] for key in known], np.intp)
    return Numbered(first, np.array([numbers[key] for key in keys], np.intp))


def distinct_rows(population: Population) -> Population:
    """The distinct rows, in order of first occurrence."""
    keys = row_keys(population)
    if len(set(keys)) == len(keys):
        return population
    places = dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
    rows: Population = population[sorted(places.values())]
    return rows


def rows_without(population: Population, known: Population) -> Population:
    """The rows that are not among the known ones, in order."""
    taken = set(row_keys(known))
    rows: Population = population[np.array([key not in taken for key in row_keys(population)], bool)]
    return rows


def row_keys(population: Rows) -> Sequence[Hashable]:
    """One hashable key per row, equal for equal rows."""
    contiguous = np.ascontiguousarray(population)
    items = contiguous.view(np.dtype((np.void, contiguous.itemsize * contiguous.shape[1]))).reshape(-1)
    return items.tolist()
