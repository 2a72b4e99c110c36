"""An analytic model of layer times: a non-negative combination of counts, fitted to a latency table.

It gives times of layers that no table has, such as those of EfficientNet-B0. The features follow what CPU inference is
known to spend time on: dispatch, squeeze-and-excitation, pointwise, depthwise, dense arithmetic, activations, weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from nasface.netspec import Activation, Conv, Layer, op_macs, op_params

FEATURES: Final = ("convolutions", "squeezes", "pointwise_m", "depthwise_m", "dense_m", "activations_m", "weights_m")
"""Numbers of convolutions and of squeeze-and-excitations; multiply-accumulates, outputs and weights in millions."""


def features(layer: Layer) -> npt.NDArray[np.float64]:
    """float64[7], in the order of `FEATURES`."""
    counts = dict.fromkeys(FEATURES, 0.0)
    for op in layer.ops:
        if not isinstance(op, Conv):
            continue
        counts["weights_m"] += op_params(op) / 1e6
        if op.shape[:2] == (1, 1) and op.bias:
            counts["squeezes"] += 0.5  # one of the two convolutions inside
            continue
        arithmetic = "depthwise_m" if op.depthwise else "pointwise_m" if op.kernel == 1 else "dense_m"
        counts[arithmetic] += op_macs(op) / 1e6
        counts["convolutions"] += 1
        counts["activations_m"] += float(np.prod(op.shape)) / 1e6
    return np.array(list(counts.values()))


def swish_outputs(layer: Layer) -> float:
    """Millions of values that pass a swish or sigmoid, which mobile runtimes compute apart from the convolution."""
    ops = (op for op in layer.ops if isinstance(op, Activation) and op.function in ("swish", "sigmoid"))
    return sum(float(np.prod(op.shape)) for op in ops) / 1e6


@dataclass(frozen=True)
class LayerModel:
    """A fitted model.

    Attributes:
        coefficients: Milliseconds per unit of each of `FEATURES`, non-negative.
        error: Mean absolute relative error on the rows it was fitted to.
    """

    coefficients: npt.NDArray[np.float64]
    error: float

    @classmethod
    def fit(cls, layers: Sequence[Layer], ms: npt.NDArray[np.float64]) -> Self:
        """Minimise the squared relative error over layers with a positive time."""
        from scipy.optimize import nnls

        x = np.stack([features(layer) for layer in layers])[ms > 0] / ms[ms > 0, None]
        coefficients, _ = nnls(x, np.ones(len(x)))
        return cls(coefficients, float(np.abs(x @ coefficients - 1.0).mean()))

    def predict(self, layers: Sequence[Layer]) -> npt.NDArray[np.float64]:
        """Milliseconds of each layer."""
        return np.stack([features(layer) for layer in layers]) @ self.coefficients
