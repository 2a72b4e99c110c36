"""How often layers stand in networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nasface.spaces._base import Population, SearchSpace


def layer_counts(space: SearchSpace, population: Population) -> npt.NDArray[np.float64]:
    """How often each of the space's layers stands in each network, float64[n, n_layers]."""
    indices, n_layers = space.layer_indices(population).astype(np.int64), len(space.layers())
    flat = np.where(indices >= 0, indices, n_layers) + (n_layers + 1) * np.arange(len(population))[:, None]
    counted = np.bincount(flat.ravel(), minlength=(n_layers + 1) * len(population))
    return counted.reshape(len(population), n_layers + 1)[:, :n_layers].astype(np.float64)
