"""An operation that the core does not know, with its rules for torch and for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from nasface import register
from nasface.netspec import MILBuilder, OnnxGraph, PluginOp, TFLiteGraph

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, npt.NDArray[np.float32]]


@register("operation", "leaky_relu")
@dataclass(frozen=True, slots=True)
class LeakyRelu(PluginOp):
    """A rectifier that lets some of what is negative through (Maas et al., 2013)."""

    slope: float

    def torch(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor]) -> Tensor:
        """By torch."""
        from torch.nn import functional

        return functional.leaky_relu(inputs[0], self.slope)

    def tflite(self, graph: TFLiteGraph, inputs: Sequence[int], weights: Weights) -> int:
        """TFLite's own operator."""
        from ai_edge_litert import schema_py_generated as tfl

        options, made = tfl.LeakyReluOptionsT(), graph.tensor(self.name, (1, *self.shape))
        options.alpha = self.slope
        graph.operator(tfl.BuiltinOperator.LEAKY_RELU, inputs, made, options)
        return made

    def onnx(self, graph: OnnxGraph, inputs: Sequence[str], weights: Weights) -> str:
        """ONNX's own operator."""
        return graph.node("LeakyRelu", self.name, list(inputs), alpha=self.slope)

    def coreml(self, builder: MILBuilder, inputs: Sequence[object], weights: Weights) -> object:
        """Core ML's own operator."""
        return builder.leaky_relu(x=inputs[0], alpha=self.slope, name=self.name)
