"""The paper's neural architecture comparator: gradient-boosted trees on pairs of networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from nasface.errors import NotFitted
from nasface.predictors._base import Comparator, Digests, Groups, Targets
from nasface.predictors._checks import check_trees
from nasface.predictors._forest import MAX_LEAVES, PairForest
from nasface.predictors._lightgbm import library, parameters
from nasface.predictors._pairs import pair_rows, sigmoid
from nasface.predictors._state import load_state, save_state
from nasface.registry import register
from nasface.spaces import Features


@dataclass
class LightGBMNACConfig:
    """Parameters of the comparator.

    Attributes:
        n_pairs: Random ordered pairs of the table's networks to learn from; both orders of each are used.
        trees: Number of trees.
        leaves: Leaves of a tree, 2 to 64.
        learning_rate: Shrinkage of every tree.
        min_leaf: Pairs that a leaf needs at least.
    """

    name: str = "lightgbm_nac"
    n_pairs: int = 20000
    trees: int = 100
    leaves: int = 31
    learning_rate: float = 0.1
    min_leaf: int = 20


@register("predictor", "lightgbm_nac", config=LightGBMNACConfig)
class LightGBMNAC(Comparator):
    """LightGBM comparator of two networks, the paper's own (NAC).

    Source: Savchenko et al. 2023, section III: 20,000 random pairs, features of both networks side by side, the label
    says whether the first is better; LightGBM's parameters are not given there, these are its defaults. Beyond the
    paper: every pair is learned in both orders and the answer is symmetrised, p = (f(a, b) + 1 - f(b, a)) / 2.
    """

    libraries = ("lightgbm",)

    config: LightGBMNACConfig

    def __init__(self, config: LightGBMNACConfig | None = None) -> None:
        self.config = config or LightGBMNACConfig()
        self._text: str | None = None
        self._trees: PairForest | None = None

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from up to `n_pairs` distinct ordered pairs; pairs of equal accuracy say nothing and are left out.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: LightGBM is not installed.
        """
        check_trees(self.config, MAX_LEAVES)
        lightgbm = library(self.config.name)
        data = lightgbm.Dataset(*pair_rows(x, y, self.config.n_pairs, rng), params={"verbosity": -1})
        options = parameters(self.config, int(rng.integers(2**31))) | {"objective": "binary"}
        self._restore(lightgbm.train(options, data, num_boost_round=self.config.trees).model_to_string())
        return self

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """P(row of a better than row of b)."""
        return self.compare_digests(self.digest(a), self.digest(b))

    def digest(self, x: Features) -> Digests:
        """Open leaves of every tree, uint[n, 2, n_trees]; see `PairForest.masks`."""
        return self._forest.masks(x)

    def compare_digests(self, a: Digests, b: Digests) -> npt.NDArray[np.float64]:
        """Symmetrised probability for rows of `digest`."""
        p = sigmoid(self._forest.raw_both(a, b))
        return 0.5 + 0.5 * (p[:, 0] - p[:, 1])

    def raw_compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """The trees' own probability, before symmetrising."""
        return sigmoid(self._forest.raw(self.digest(a), self.digest(b)))

    def save(self, path: Path) -> None:
        """Write one line of JSON, then the model in LightGBM's text format."""
        self._forest  # noqa: B018 - raises NotFitted
        save_state(path, self.config.name, str(self._text))

    def load(self, path: Path) -> Self:
        """Read what `save` wrote; LightGBM itself is not needed for that, nor for comparing."""
        self._restore(load_state(path, self.config.name))
        return self

    @property
    def _forest(self) -> PairForest:
        if self._trees is None:
            raise NotFitted("lightgbm_nac was asked before it was fitted; call fit() or load() first.")
        return self._trees

    def _restore(self, text: str) -> None:
        self._text, self._trees = text, PairForest(text)
