"""Once-for-All's accuracy predictor: a small multi-layer perceptron on one-hot codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from nasface.predictors._base import Groups, Scorer, Targets
from nasface.predictors._mlp import (
    Parameters,
    Perceptron,
    batches,
    check_training,
    hidden_layers,
    initial,
    one_thread,
    torch_hidden_layers,
    torch_library,
    train,
)
from nasface.registry import register
from nasface.spaces import Features

if TYPE_CHECKING:
    from torch import Tensor

_NAMES = (*(f"layers.{layer}.0.{part}" for layer in range(3) for part in ("weight", "bias")), "layers.3.weight")
_LAYER = "layers.{}.0"


@dataclass
class MLPRegressorConfig:
    """Parameters of the regressor.

    Attributes:
        hidden: Width of the three hidden layers.
        steps: Steps of Adam.
        batch: Networks per step; a table of fewer than eight batches is walked through in eighths.
        learning_rate: Of Adam; falls to zero along a half cosine.
        weight_decay: Of Adam (L2).
    """

    name: str = "mlp_regressor"
    hidden: int = 400
    steps: int = 500
    batch: int = 500
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4


@register("predictor", "mlp_regressor", config=MLPRegressorConfig)
class MLPRegressor(Perceptron, Scorer):
    """Once-for-All's MLP: one-hot code, three hidden layers of 400, accuracy.

    Source: OFA's `AccuracyPredictor` (120-400-400-400-1, ReLU, last layer without bias plus `base_acc`, the mean
    accuracy) and its authors' training advice (Adam, 1e-3, weight decay 1e-4, batch 500 to 1000). The loss is the mean
    squared error. Beyond
    OFA: the network learns (accuracy - mean) / standard deviation, because a table's accuracies differ by a few
    thousandths. Its file has OFA's key names (`base_acc`, `layers.*`) and `scale`, the deviation.
    """

    config: MLPRegressorConfig
    encoding = "onehot"
    regressor = True
    libraries = ("torch",)
    parameters = frozenset((*_NAMES, "base_acc", "scale"))

    def __init__(self, config: MLPRegressorConfig | None = None) -> None:
        self.config = config or MLPRegressorConfig()

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Train on one thread, so that the result does not depend on the machine's number of cores.

        Raises:
            InvalidInput: A parameter is out of range, or there are fewer than two networks.
            MissingDependency: PyTorch is not installed.
        """
        check_training(self.config, len(y))
        torch = torch_library(self.config.name)
        scale = float(y.std()) or 1.0
        with one_thread(torch):
            weights = self._train(torch, x, ((y - y.mean()) / scale).astype(np.float32), rng)
        self._parameters = {**weights, "base_acc": _one(y.mean()), "scale": _one(scale)}
        return self

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """Predicted accuracy in the unit of the targets, float64[n] for float32[n, n_features]."""
        parameters = self._fitted
        h = hidden_layers(parameters, x, _LAYER)
        out = (h @ parameters["layers.3.weight"].T)[:, 0].astype(np.float64)
        return np.asarray(out * parameters["scale"][0] + parameters["base_acc"][0])

    def _train(
        self, torch: ModuleType, x: Features, y: npt.NDArray[np.float32], rng: np.random.Generator
    ) -> Parameters:
        config = self.config
        start = initial(_NAMES, [x.shape[1], *[config.hidden] * 3, 1], rng)
        weights = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}
        inputs, targets = torch.from_numpy(np.array(x)), torch.from_numpy(y)

        def loss(rows: npt.NDArray[np.intp]) -> Tensor:
            error = _forward(torch, weights, inputs[rows]) - targets[rows]
            squared: Tensor = (error * error).mean()
            return squared

        return train(torch, config, weights, batches(len(y), config.batch, config.steps, rng), loss)


def _one(value: float) -> npt.NDArray[np.float32]:
    return np.array([value], np.float32)


def _forward(torch: ModuleType, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    h = torch_hidden_layers(torch, weights, x, _LAYER)
    out: Tensor = torch.nn.functional.linear(h, weights["layers.3.weight"])[:, 0]
    return out
