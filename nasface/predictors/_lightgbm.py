"""What the LightGBM predictors share: parameters that make fits repeatable, and a scorer around a booster."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.predictors._base import Scorer
from nasface.predictors._checks import LeafwiseOptions
from nasface.predictors._state import load_state, save_state
from nasface.spaces import Features


def library(purpose: str) -> ModuleType:
    """The module, or `MissingDependency`."""
    try:
        import lightgbm
    except ImportError as error:
        raise MissingDependency("lightgbm", "all", f"predictor {purpose}") from error
    return lightgbm


def parameters(config: LeafwiseOptions, seed: int) -> dict[str, object]:
    """Of training, from a config with `leaves`, `learning_rate` and `min_leaf`."""
    return {
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.min_leaf,
        "seed": seed,
        "deterministic": True,  # these three: the same trees on every machine, whatever its number of cores
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }


class Booster(Protocol):
    """What is asked of the library's boosters."""

    def predict(self, data: Features, *, raw_score: bool, num_threads: int) -> npt.ArrayLike: ...


class LightGBMScorer(Scorer):
    """Scores are the raw predictions of a booster."""

    libraries = ("lightgbm",)

    config: LeafwiseOptions

    def __init__(self, config: LeafwiseOptions) -> None:
        self.config = config
        self._text: str | None = None
        self._model: Booster | None = None

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """float64[n] for float32[n, n_features]."""
        if self._model is None:
            raise NotFitted(f"{self.config.name} was asked before it was fitted; call fit() or load() first.")
        if not len(x):
            return np.empty(0)
        return np.asarray(self._model.predict(x, raw_score=True, num_threads=1), np.float64)

    def save(self, path: Path) -> None:
        """Write one line of JSON, then the model in LightGBM's text format."""
        if self._text is None:
            raise NotFitted(f"{self.config.name} has nothing to save before it is fitted; call fit() first.")
        save_state(path, self.config.name, self._text)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        text = load_state(path, self.config.name)
        lightgbm = library(self.config.name)
        try:
            self._restore(text)
        except lightgbm.basic.LightGBMError as error:
            raise InvalidInput(f"{path} holds no model ({error}); fit the predictor again.") from error
        return self

    def _restore(self, text: str) -> None:
        self._model = library(self.config.name).Booster(model_str=text)
        self._text = text
