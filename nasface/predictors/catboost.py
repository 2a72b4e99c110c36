"""CatBoost: a comparator on pairs of networks, and a regressor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from nasface.predictors._base import Groups, Scorer, Targets
from nasface.predictors._catboost import CatBoostModel
from nasface.predictors._checks import check_trees
from nasface.predictors._pairs import PairClassifier, pair_rows
from nasface.registry import register
from nasface.spaces import Features


@dataclass
class CatBoostNACConfig:
    """Parameters of the comparator, see `LightGBMNACConfig`.

    Attributes:
        n_pairs: Random ordered pairs of the table's networks to learn from; both orders of each are used.
        trees: Number of trees.
        depth: Levels of a symmetric tree.
        learning_rate: Shrinkage of every tree.
    """

    name: str = "catboost_nac"
    n_pairs: int = 20000
    trees: int = 100
    depth: int = 6
    learning_rate: float = 0.1


@register("predictor", "catboost_nac", config=CatBoostNACConfig)
class CatBoostNAC(PairClassifier):
    """CatBoost comparator of two networks: the paper's NAC with another library."""

    libraries = ("catboost",)

    def __init__(self, config: CatBoostNACConfig | None = None) -> None:
        self.config = config or CatBoostNACConfig()
        self._model = CatBoostModel(self.config.name)

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from up to `n_pairs` distinct ordered pairs.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: CatBoost is not installed.
        """
        check_trees(self.config)
        rows, better = pair_rows(x, y, self.config.n_pairs, rng)
        self._model.train(rows, better, "Logloss", self.config, int(rng.integers(2**31)))
        return self

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        self._model.save(path)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        self._model.load(path)
        return self

    def _probability(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * self._model.raw(rows)))


@dataclass
class CatBoostRegressorConfig:
    """Parameters of the regressor.

    Attributes:
        trees: Number of trees.
        depth: Levels of a symmetric tree.
        learning_rate: Shrinkage of every tree.
    """

    name: str = "catboost_regressor"
    trees: int = 300
    depth: int = 2
    learning_rate: float = 0.1


@register("predictor", "catboost_regressor", config=CatBoostRegressorConfig)
class CatBoostRegressor(Scorer):
    """CatBoost regression of accuracy on the ordinal code, squared error."""

    libraries = ("catboost",)
    regressor = True

    def __init__(self, config: CatBoostRegressorConfig | None = None) -> None:
        self.config = config or CatBoostRegressorConfig()
        self._model = CatBoostModel(self.config.name)

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Fit on accuracies as they are; the model starts from their mean.

        Raises:
            InvalidInput: A parameter is out of range.
            MissingDependency: CatBoost is not installed.
        """
        check_trees(self.config)
        self._model.train(x, y, "RMSE", self.config, int(rng.integers(2**31)))
        return self

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """Accuracy in the unit of the targets, float64[n]."""
        return self._model.raw(x)

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        self._model.save(path)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        self._model.load(path)
        return self
