"""Predictors: learned opinions about which of two networks is more accurate.

Protocol. A predictor is constructed as `cls(config)`; the constructor only stores it, as `self.config`. `fit(x, y,
groups, rng)` learns from feature rows and accuracies, returns self, leaves its arguments unchanged, and is
deterministic given the generator's state. Before `fit` or `load`, everything else raises `NotFitted`. Predictors see
arrays, never genotypes: `nasface.predictors.Ranker` binds them to a space and a table. `encoding` names the
`SearchSpace.encode` kind the predictor wants.

A `Comparator` answers P(a is more accurate than b) row by row: 0.5 for equal rows and compare(a, b) + compare(b, a) = 1
(it symmetrises itself), batches give what single rows give. A `Scorer` gives one number per network, higher is better,
and is a comparator for free; one that knows how sure it is says so by `deviation`. Fitted state is saved in the
library's own text format, never pickled.

A search asks about the same networks again and again, so a comparator whose work splits into a part per network and a
part per pair may override `digest` and `compare_digests`; `Ranker` asks through these two. Whatever they are, they must
agree with `compare`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from nasface.registry import ComponentConfig
from nasface.spaces import Features

Targets = npt.NDArray[np.float64]
"""float64[n], accuracies as fractions, higher is better."""

Groups = list[list[int]]
"""Feature indices by stage, see `SearchSpace.groups`."""


Digests = npt.NDArray[Any]
"""What a predictor needs to know of each network, one entry a row; the type of the entries is the predictor's own."""


class Comparator(ABC):
    """Says which of two networks is more accurate."""

    encoding: ClassVar[str] = "ordinal"

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions whose versions the fitted state depends on; part of the key of the cache."""

    regressor: ClassVar[bool] = False
    """Whether it gives accuracies in the target's own scale as scores, so that RMSE and bias mean something."""

    config: ComponentConfig
    """Of this predictor, e.g. `RidgeConfig`."""

    @abstractmethod
    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from float32[n, n_features] and float64[n]."""

    @abstractmethod
    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """P(row of a better than row of b), float64[n] in [0, 1], for two float32[n, n_features]."""

    def digest(self, x: Features) -> Digests:
        """What `compare_digests` needs to know of each network, one entry per row of float32[n, n_features]."""
        return x

    def compare_digests(self, a: Digests, b: Digests) -> npt.NDArray[np.float64]:
        """`compare` for networks given by their digests; one of the two may be a single row, for all of the other."""
        return self.compare(*np.broadcast_arrays(a, b))

    def raw_compare(self, a: Features, b: Features) -> npt.NDArray[np.float64] | None:
        """`compare` before it symmetrises, float64[n]; None of predictors that cannot contradict themselves."""
        return None

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the fitted state to one file, atomically."""

    @abstractmethod
    def load(self, path: Path) -> Self:
        """Read what `save` wrote; afterwards the predictor answers exactly as the one that was saved.

        Raises:
            InvalidInput: The file is not a saved predictor of this kind, or damaged.
        """


class Scorer(Comparator):
    """Gives every network one number, higher is better."""

    additive: ClassVar[bool] = False
    """Whether scores are sums of one function per group of features, so that they decompose over the space's stages."""

    @abstractmethod
    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """float64[n] for float32[n, n_features]."""

    def deviation(self, x: Features) -> npt.NDArray[np.float64] | None:
        """Standard deviation of what the networks would measure, in the unit of `score`, float64[n].

        None of predictors that do not know how sure they are.
        """
        return None

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """1, 0.5 or 0 by comparing scores."""
        difference = self.score(a) - self.score(b)
        return np.asarray(0.5 + 0.5 * np.sign(difference))
