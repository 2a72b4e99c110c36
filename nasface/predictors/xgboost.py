"""XGBoost: a comparator on pairs of networks, and a regressor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from nasface.predictors._base import Groups, Scorer, Targets
from nasface.predictors._checks import check_trees
from nasface.predictors._pairs import PairClassifier, pair_rows
from nasface.predictors._xgboost import XGBoostModel
from nasface.registry import register
from nasface.spaces import Features


@dataclass
class XGBoostNACConfig:
    """Parameters of the comparator, see `LightGBMNACConfig`.

    Attributes:
        n_pairs: Random ordered pairs of the table's networks to learn from; both orders of each are used.
        trees: Number of trees.
        leaves: Leaves of a tree.
        learning_rate: Shrinkage of every tree.
        min_leaf: Sum of the pairs' second derivatives that a leaf needs at least (XGBoost's min_child_weight).
    """

    name: str = "xgboost_nac"
    n_pairs: int = 20000
    trees: int = 100
    leaves: int = 31
    learning_rate: float = 0.1
    min_leaf: int = 5


@register("predictor", "xgboost_nac", config=XGBoostNACConfig)
class XGBoostNAC(PairClassifier):
    """XGBoost comparator of two networks: the paper's NAC with another library."""

    libraries = ("xgboost", "xgboost-cpu")

    def __init__(self, config: XGBoostNACConfig | None = None) -> None:
        self.config = config or XGBoostNACConfig()
        self._model = XGBoostModel(self.config.name)

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from up to `n_pairs` distinct ordered pairs.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: XGBoost is not installed.
        """
        check_trees(self.config)
        rows, better = pair_rows(x, y, self.config.n_pairs, rng)
        self._model.train(rows, better, "binary:logistic", self.config, int(rng.integers(2**31)))
        return self

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        self._model.save(path)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        self._model.load(path)
        return self

    def _probability(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        return self._model.predict(rows)


@dataclass
class XGBoostRegressorConfig:
    """Parameters of the regressor.

    Attributes:
        trees: Number of trees.
        leaves: Leaves of a tree.
        learning_rate: Shrinkage of every tree.
        min_leaf: Networks that a leaf needs at least.
    """

    name: str = "xgboost_regressor"
    trees: int = 300
    leaves: int = 4
    learning_rate: float = 0.1
    min_leaf: int = 5


@register("predictor", "xgboost_regressor", config=XGBoostRegressorConfig)
class XGBoostRegressor(Scorer):
    """XGBoost regression of accuracy on the ordinal code, squared error."""

    libraries = ("xgboost", "xgboost-cpu")
    regressor = True

    def __init__(self, config: XGBoostRegressorConfig | None = None) -> None:
        self.config = config or XGBoostRegressorConfig()
        self._model = XGBoostModel(self.config.name)

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Fit on accuracies as they are; the model starts from their mean.

        Raises:
            InvalidInput: A parameter is out of range.
            MissingDependency: XGBoost is not installed.
        """
        check_trees(self.config)
        self._model.train(x, y, "reg:squarederror", self.config, int(rng.integers(2**31)))
        return self

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """Accuracy in the unit of the targets, float64[n]."""
        return self._model.predict(x)

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        self._model.save(path)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        self._model.load(path)
        return self
