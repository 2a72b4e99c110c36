"""What the XGBoost predictors share: the library, parameters that make fits repeatable, and the model as JSON text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.predictors._boosted import BoostedTrees, Labels
from nasface.predictors._checks import LeafwiseOptions
from nasface.predictors._state import load_state, save_state
from nasface.spaces import Features


class Booster(Protocol):
    """What is asked of the library's boosters."""

    def set_param(self, params: Mapping[str, object]) -> None: ...

    def inplace_predict(self, data: npt.NDArray[np.float32]) -> npt.ArrayLike: ...

    def save_raw(self, raw_format: str) -> bytearray: ...


class XGBoostModel(BoostedTrees[LeafwiseOptions]):
    """A booster with a name for messages; fitted by `train` or `load`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._booster: Booster | None = None

    def train(self, x: Features, y: Labels, objective: str, config: LeafwiseOptions, seed: int) -> None:
        """Fit `config.trees` trees, grown leaf by leaf."""
        options = {
            "objective": objective,
            "tree_method": "hist",
            "grow_policy": "lossguide",
            "max_depth": 0,
            "max_leaves": config.leaves,
            "learning_rate": config.learning_rate,
            "min_child_weight": config.min_leaf,
            "seed": seed,
            "nthread": 1,
        }
        xgboost = self._library()
        self._booster = xgboost.train(options, xgboost.DMatrix(x, y, nthread=1), num_boost_round=config.trees)
        self._booster.set_param({"nthread": 1})

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """The objective's own output, float64[n]."""
        if self._booster is None:
            raise NotFitted(f"{self._name} was asked before it was fitted; call fit() or load() first.")
        if not len(x):
            return np.empty(0)
        return np.asarray(self._booster.inplace_predict(np.ascontiguousarray(x, np.float32)), np.float64)

    def save(self, path: Path) -> None:
        """Write the model in XGBoost's JSON format."""
        if self._booster is None:
            raise NotFitted(f"{self._name} has nothing to save before it is fitted; call fit() first.")
        save_state(path, self._name, self._booster.save_raw("json").decode())

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        text = load_state(path, self._name)
        booster = self._library().Booster({"nthread": 1})
        try:
            booster.load_model(bytearray(text.encode()))
        except self._library().core.XGBoostError as error:
            raise InvalidInput(f"{path} holds no model ({error}); fit the predictor again.") from error
        self._booster = booster

    def _library(self) -> ModuleType:
        try:
            import xgboost
        except ImportError as error:
            raise MissingDependency("xgboost", "boosters", f"predictor {self._name}") from error
        return xgboost
