"""Ridge regression: accuracy as a sum of one number per gene value, the simplest thing that learns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, NotFitted
from nasface.predictors._base import Groups, Scorer, Targets
from nasface.predictors._state import load_values, save_state
from nasface.registry import register
from nasface.spaces import Features


@dataclass
class RidgeConfig:
    """Parameters of the regression.

    Attributes:
        penalty: Weight of the squared coefficients, in units of one network.
    """

    name: str = "ridge"
    penalty: float = 1.0


@register("predictor", "ridge", config=RidgeConfig)
class Ridge(Scorer):
    """Linear regression on the one-hot code with an L2 penalty; the intercept has none."""

    encoding = "onehot"
    regressor = True
    additive = True

    config: RidgeConfig

    def __init__(self, config: RidgeConfig | None = None) -> None:
        self.config = config or RidgeConfig()
        self._weights: npt.NDArray[np.float64] | None = None
        self._offset = 0.0

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Solve the normal equations.

        Raises:
            InvalidInput: The penalty is not positive.
        """
        if not self.config.penalty > 0:
            raise InvalidInput(f"predictor.penalty is {self.config.penalty}; give a positive number.")
        rows = x.astype(np.float64)
        mean, centre = float(y.mean()), rows.mean(axis=0)
        rows = rows - centre
        self._weights = np.linalg.solve(
            rows.T @ rows + self.config.penalty * np.eye(rows.shape[1]), rows.T @ (y - mean)
        )
        self._offset = mean - float(centre @ self._weights)
        return self

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """Accuracy in the unit of the targets, float64[n]."""
        return np.asarray((x.astype(np.float64) * self._fitted).sum(axis=1) + self._offset)

    def save(self, path: Path) -> None:
        """Write JSON."""
        save_state(path, self.config.name, json.dumps({"weights": self._fitted.tolist(), "offset": self._offset}))

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        content = load_values(path, self.config.name)
        self._weights, self._offset = np.array(content["weights"]), content["offset"]
        return self

    @property
    def _fitted(self) -> npt.NDArray[np.float64]:
        if self._weights is None:
            raise NotFitted("ridge was asked before it was fitted; call fit() or load() first.")
        return self._weights
