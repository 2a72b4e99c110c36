"""Plain regression with gradient-boosted trees: the accuracy of a network from its genes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from nasface.predictors._base import Groups, Targets
from nasface.predictors._checks import check_trees
from nasface.predictors._lightgbm import LightGBMScorer, library, parameters
from nasface.registry import register
from nasface.spaces import Features


@dataclass
class LightGBMRegressorConfig:
    """Parameters of the regressor.

    Attributes:
        trees: Number of trees.
        leaves: Leaves of a tree.
        learning_rate: Shrinkage of every tree.
        min_leaf: Networks that a leaf needs at least.
    """

    name: str = "lightgbm_regressor"
    trees: int = 300
    leaves: int = 4
    learning_rate: float = 0.1
    min_leaf: int = 5


@register("predictor", "lightgbm_regressor", config=LightGBMRegressorConfig)
class LightGBMRegressor(LightGBMScorer):
    """Boosted regression trees on the ordinal code, squared error; the authors of the paper tried it as well."""

    regressor = True

    config: LightGBMRegressorConfig

    def __init__(self, config: LightGBMRegressorConfig | None = None) -> None:
        super().__init__(config or LightGBMRegressorConfig())

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Fit on accuracies as they are; the first tree starts from their mean.

        Raises:
            InvalidInput: A parameter is out of range.
            MissingDependency: LightGBM is not installed.
        """
        check_trees(self.config)
        lightgbm = library(self.config.name)
        options = parameters(self.config, int(rng.integers(2**31))) | {"objective": "regression"}
        data = lightgbm.Dataset(x, y, params={"verbosity": -1})
        self._restore(lightgbm.train(options, data, num_boost_round=self.config.trees).model_to_string())
        return self
