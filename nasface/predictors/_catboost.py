"""What the CatBoost predictors share: the library, parameters that make fits repeatable, and the model as JSON text."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.predictors._boosted import BoostedTrees, Labels
from nasface.predictors._checks import LevelwiseOptions
from nasface.predictors._state import load_state, save_state
from nasface.spaces import Features


class Model(Protocol):
    """What is asked of the library's models."""

    def predict(self, data: Features, *, prediction_type: str, thread_count: int) -> npt.ArrayLike: ...


class CatBoostModel(BoostedTrees[LevelwiseOptions]):
    """A model with a name for messages; fitted by `train` or `load`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._model: Model | None = None
        self._text: str | None = None

    def train(self, x: Features, y: Labels, objective: str, config: LevelwiseOptions, seed: int) -> None:
        """Fit `config.trees` symmetric trees."""
        library = self._library()
        model = library.CatBoost(
            {
                "loss_function": objective,
                "iterations": config.trees,
                "depth": config.depth,
                "learning_rate": config.learning_rate,
                "random_seed": seed,
                "thread_count": 1,
                "allow_writing_files": False,
                "logging_level": "Silent",
            }
        )
        try:
            model.fit(library.Pool(x, y))
        except library.CatBoostError as error:
            raise InvalidInput(f"Predictor {self._name} cannot learn from this table: {error}.") from error
        with tempfile.TemporaryDirectory() as folder:  # the library writes files only
            file = Path(folder) / "model.json"
            model.save_model(str(file), format="json")
            self._restore(file.read_text(encoding="utf-8"))  # text may round: the fitted model is the one that is saved

    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Raw values, float64[n]: logits or regressed numbers."""
        if self._model is None:
            raise NotFitted(f"{self._name} was asked before it was fitted; call fit() or load() first.")
        if not len(x):
            return np.empty(0)
        return np.asarray(self._model.predict(x, prediction_type="RawFormulaVal", thread_count=1), np.float64)

    def save(self, path: Path) -> None:
        """Write the model in CatBoost's JSON format."""
        if self._text is None:
            raise NotFitted(f"{self._name} has nothing to save before it is fitted; call fit() first.")
        save_state(path, self._name, self._text)

    def load(self, path: Path) -> None:
        """Read what `save` wrote."""
        text = load_state(path, self._name)
        try:
            self._restore(text)
        except self._library().CatBoostError as error:
            raise InvalidInput(f"{path} holds no model ({error}); fit the predictor again.") from error

    def _restore(self, text: str) -> None:
        model = self._library().CatBoost()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            file.write_text(text, encoding="utf-8")
            model.load_model(str(file), format="json")
        self._model, self._text = model, text

    def _library(self) -> ModuleType:
        try:
            import catboost
        except ImportError as error:
            raise MissingDependency("catboost", "boosters", f"predictor {self._name}") from error
        library: ModuleType = catboost
        return library
