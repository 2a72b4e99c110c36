"""CatBoost: a comparator on pairs of networks, and a regressor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.predictors._boosted import BoostedNAC, BoostedRegressor
from nasface.predictors._catboost import CatBoostModel
from nasface.predictors._pairs import sigmoid
from nasface.registry import register


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
class CatBoostNAC(BoostedNAC[CatBoostNACConfig]):
    """CatBoost comparator of two networks: the paper's NAC with another library."""

    libraries = ("catboost",)
    trees, objective = CatBoostModel, "Logloss"

    config: CatBoostNACConfig

    def __init__(self, config: CatBoostNACConfig | None = None) -> None:
        super().__init__(config or CatBoostNACConfig())

    def _probability(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        return sigmoid(self._model.predict(rows))


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
class CatBoostRegressor(BoostedRegressor[CatBoostRegressorConfig]):
    """CatBoost regression of accuracy on the ordinal code, squared error."""

    libraries = ("catboost",)
    trees, objective = CatBoostModel, "RMSE"

    config: CatBoostRegressorConfig

    def __init__(self, config: CatBoostRegressorConfig | None = None) -> None:
        super().__init__(config or CatBoostRegressorConfig())
