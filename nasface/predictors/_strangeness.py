"""How unlike the networks of a table others are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nasface.spaces import Population, SearchSpace


class Strangeness:
    """The deviation of a ridge regression on the one-hot code, noise and penalty being 1, as a function of networks.

    Args:
        space: Of the networks.
        table: int8[n, n_genes], of which something is known.
    """

    def __init__(self, space: SearchSpace, table: Population) -> None:
        self._space = space
        x = self._encode(table)
        self._centre = x.mean(axis=0)
        x -= self._centre
        self._inverse = np.linalg.inv(x.T @ x + np.eye(x.shape[1]))

    def __call__(self, networks: Population) -> npt.NDArray[np.float64]:
        """float64[m] for int8[m, n_genes], 1 or more."""
        x = self._encode(networks) - self._centre
        return np.asarray(np.sqrt(1.0 + ((x @ self._inverse) * x).sum(axis=1)))

    def _encode(self, networks: Population) -> npt.NDArray[np.float64]:
        return self._space.encode(networks, "onehot").astype(np.float64)
