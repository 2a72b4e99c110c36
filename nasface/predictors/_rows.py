"""Equal rows, which are equal networks because populations are canonical."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nasface.spaces import Population


def number_rows(population: Population) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Number the distinct rows by first occurrence.

    Returns:
        intp[n_distinct], the first row of each number, ascending; intp[n], the number of every row.
    """
    _, first, inverse = np.unique(_as_items(population), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.reshape(-1)]


def distinct(population: Population) -> Population:
    """The distinct rows, in order of first occurrence."""
    rows: Population = population[number_rows(population)[0]]
    return rows


def _as_items(population: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows as opaque items, which numpy compares ten times faster than rows."""
    contiguous = np.ascontiguousarray(population)
    return contiguous.view(np.dtype((np.void, contiguous.itemsize * contiguous.shape[1]))).reshape(-1)
