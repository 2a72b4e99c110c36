"""XGBoost: a comparator on pairs of networks, and a regressor."""

from __future__ import annotations

from dataclasses import dataclass

from nasface.predictors._boosted import BoostedNAC, BoostedRegressor
from nasface.predictors._xgboost import XGBoostModel
from nasface.registry import register


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
class XGBoostNAC(BoostedNAC[XGBoostNACConfig]):
    """XGBoost comparator of two networks: the paper's NAC with another library."""

    libraries = ("xgboost", "xgboost-cpu")
    trees, objective = XGBoostModel, "binary:logistic"

    config: XGBoostNACConfig

    def __init__(self, config: XGBoostNACConfig | None = None) -> None:
        super().__init__(config or XGBoostNACConfig())


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
class XGBoostRegressor(BoostedRegressor[XGBoostRegressorConfig]):
    """XGBoost regression of accuracy on the ordinal code, squared error."""

    libraries = ("xgboost", "xgboost-cpu")
    trees, objective = XGBoostModel, "reg:squarederror"

    config: XGBoostRegressorConfig

    def __init__(self, config: XGBoostRegressorConfig | None = None) -> None:
        super().__init__(config or XGBoostRegressorConfig())
