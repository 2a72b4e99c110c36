"""CTNAS's comparator: one perceptron looks at either network, a linear layer at both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from nasface.predictors._base import Comparator, Digests, Groups, Targets
from nasface.predictors._checks import check_varied
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
from nasface.predictors._pairs import sigmoid
from nasface.registry import register
from nasface.spaces import Features

if TYPE_CHECKING:
    from torch import Tensor

_NAMES = tuple(f"layers.{layer}.{part}" for layer in range(4) for part in ("weight", "bias"))
_LAYER = "layers.{}"
_LEAST = 8  # networks of a batch: one alone has no pair


@dataclass
class MLPNACConfig:
    """Parameters of the comparator.

    Attributes:
        hidden: Width of the three layers that look at a network.
        steps: Steps of Adam.
        batch: Networks per step, of which all ordered pairs are learned; a small table is walked through in eighths.
        learning_rate: Of Adam; falls to zero along a half cosine.
        weight_decay: Of Adam (L2).
    """

    name: str = "mlp_nac"
    hidden: int = 512
    steps: int = 500
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 5e-4


@register("predictor", "mlp_nac", config=MLPNACConfig)
class MLPNAC(Perceptron, Comparator):
    """CTNAS's comparator: three shared layers look at each network, a linear layer and a sigmoid at both.

    Source: Chen et al. 2021, Contrastive Neural Architecture Search, the form for MobileNet blocks (one-hot code, ReLU,
    binary cross-entropy, Adam with betas 0.5 and 0.999, weight decay 5e-4). Beyond it: the answer is symmetrised,
    p = (f(a, b) + 1 - f(b, a)) / 2.

    The last layer is linear in both networks' features, so its answer is sigmoid(u(a) + v(b)): a digest is the pair
    (u, v), and comparing is an addition.
    """

    config: MLPNACConfig
    encoding = "onehot"
    libraries = ("torch",)
    parameters = frozenset(_NAMES)

    def __init__(self, config: MLPNACConfig | None = None) -> None:
        self.config = config or MLPNACConfig()

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from all ordered pairs of random batches of networks, on one thread.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: PyTorch is not installed.
        """
        check_training(self.config, len(y))
        check_varied(y, "a comparator")
        torch = torch_library(self.config.name)
        with one_thread(torch):
            self._parameters = self._train(torch, x, y, rng)
        return self

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """P(row of a better than row of b)."""
        return self.compare_digests(self.digest(a), self.digest(b))

    def digest(self, x: Features) -> Digests:
        """What a network adds as the first and as the second of a pair, float64[n, 2]."""
        parameters = self._fitted
        h = hidden_layers(parameters, x, _LAYER)
        halves = parameters["layers.3.weight"].reshape(2, -1).T
        bias = float(parameters["layers.3.bias"][0])
        return np.asarray((h @ halves).astype(np.float64) + np.array([bias, 0.0]))

    def compare_digests(self, a: Digests, b: Digests) -> npt.NDArray[np.float64]:
        """Symmetrised probability for rows of `digest`."""
        return 0.5 + 0.5 * (sigmoid(a[:, 0] + b[:, 1]) - sigmoid(b[:, 0] + a[:, 1]))

    def raw_compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """The network's own probability, before symmetrising."""
        return sigmoid(self.digest(a)[:, 0] + self.digest(b)[:, 1])

    def _train(self, torch: ModuleType, x: Features, y: Targets, rng: np.random.Generator) -> Parameters:
        config = self.config
        weights = {
            name: torch.tensor(value, requires_grad=True)
            for name, value in initial(_NAMES, [x.shape[1], *[config.hidden] * 3, 1], rng).items()
            if not name.startswith("layers.3.weight")
        }
        bound = (2 * config.hidden) ** -0.5
        last = rng.uniform(-bound, bound, (1, 2 * config.hidden)).astype(np.float32)
        weights["layers.3.weight"] = torch.tensor(last, requires_grad=True)
        inputs, measure = torch.from_numpy(np.array(x)), torch.nn.BCEWithLogitsLoss()

        def loss(rows: npt.NDArray[np.intp]) -> Tensor | None:
            first, second = np.nonzero(y[rows, None] != y[rows])
            if not len(first):
                return None
            better = torch.from_numpy((y[rows[first]] > y[rows[second]]).astype(np.float32))
            as_first, as_second = _forward(torch, weights, inputs[rows])
            error: Tensor = measure(as_first[first] + as_second[second], better)
            return error

        drawn = batches(len(y), config.batch, config.steps, rng, least=min(_LEAST, len(y)))
        return train(torch, config, weights, drawn, loss, betas=(0.5, 0.999))


def _forward(torch: ModuleType, weights: Mapping[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """Digests of networks in torch: float32[n, n_features] -> two float32[n], as the first and as the second."""
    h = torch_hidden_layers(torch, weights, x, _LAYER)
    first, second = (h @ weights["layers.3.weight"].reshape(2, -1).T).T
    return first + weights["layers.3.bias"], second
