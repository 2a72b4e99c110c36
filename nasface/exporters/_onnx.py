"""NetSpec to an ONNX graph: one rule per operation, in float32 or between QuantizeLinear and DequantizeLinear.

Images are NCHW here, as ONNX has them, and the number of images is open. In integers, a value that an operator reads is
quantised where it is made: runtimes fuse an operator between DequantizeLinear and QuantizeLinear into an integer one.
h_swish stays float32, as in a `.tflite` file for processors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import singledispatchmethod
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from nasface.errors import ExportError
from nasface.exporters._base import INPUT_NAME, output_names
from nasface.exporters._graph import Array, Quantization
from nasface.exporters._integers import (
    HARD_SWISH_FLOOR,
    LOWEST,
    Range,
    half_precision,
    integer_bias,
    integer_weights,
    value_quantization,
    weight_scales,
)
from nasface.netspec import (
    INPUT,
    Activation,
    Add,
    AvgPool,
    Concat,
    Conv,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Multiply,
    NetSpec,
    Op,
    PluginOp,
    Upsample,
    Weights,
)
from nasface.netspec.plugin_op import check_rule, own_weights, registered
from nasface.trust import blaming

OPSET: Final = 17
IR_VERSION: Final = 8
"""Of the file format, the one that came with this operator set: older runtimes read it."""

BATCH: Final = "images"
_FUSED: Final = ("relu", "relu6")
_FLOATING: Final = ("h_swish", "h_sigmoid", "swish", "prelu")
"""Activations that are computed in float32."""


class OnnxLowering:
    """Writes one network.

    Args:
        spec: The network.
        weights: Its weights, complete and of the right shapes.
        half: Store weights as float16.
        ranges: Of every value, see `value_ranges`: compute in integers.
    """

    def __init__(
        self, spec: NetSpec, weights: Weights, *, half: bool = False, ranges: Mapping[str, Range] | None = None
    ) -> None:
        self._spec, self._weights, self._half, self._ranges = spec, weights, half, ranges
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._makers = {op.name: op for op in spec.ops}
        self._shapes = {INPUT: spec.input_shape} | {op.name: op.shape for op in spec.ops}
        self._readers: dict[str, list[Op]] = defaultdict(list)
        for op in spec.ops:
            for name in op.inputs:
                self._readers[name].append(op)
        self._values = {INPUT: self._quantised(INPUT, INPUT_NAME)}

    def model(self, outputs: Mapping[str, str] | None = None) -> Any:
        """The network as ONNX's model object.

        Args:
            outputs: Values to give, by the names the file knows them under; by default the network's own.
        """
        for op in self._spec.ops:
            y = self._lower(op)
            self._values[op.name] = self._quantised(op.name, y)
        ends = [self._end(name, value) for value, name in self._outputs(outputs).items()]
        height, width, channels = self._spec.input_shape
        source = helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [BATCH, channels, height, width])
        graph = helper.make_graph(self._nodes, self._spec.name, [source], ends, list(self._constants.values()))
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="nasface")

    def _outputs(self, outputs: Mapping[str, str] | None) -> dict[str, str]:
        """Names of outputs by value."""
        if outputs is not None:
            return {value: name for name, value in outputs.items()}
        return dict(zip(self._spec.outputs, output_names(self._spec), strict=True))

    def _end(self, name: str, value: str) -> Any:
        height, width, channels = self._shapes[value]
        flat = len(self._spec.outputs) == 1 and value == self._spec.output
        kind = "Flatten" if flat else "Identity"
        self._nodes.append(helper.make_node(kind, [self._values[value]], [name], f"end.{name}"))
        shape: list[str | int | None] = [BATCH, channels * height * width] if flat else [BATCH, channels, height, width]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    @singledispatchmethod
    def _lower(self, op: Op) -> str:
        raise ExportError(f"{op.name}: an .onnx file cannot hold the operation {type(op).__name__}.")

    @_lower.register
    def _plugin(self, op: PluginOp) -> str:
        with blaming(registered(type(op)), "onnx"):
            made = op.onnx(self, self._inputs(op), own_weights(op, self._weights))
        known = any(made in node.output for node in self._nodes) or made in self._constants
        check_rule(op, "onnx", known, made, "the name of a value of the graph")
        return made

    @_lower.register
    def _conv(self, op: Conv) -> str:
        return self._node(
            "Conv",
            op,
            self._weighted(op),
            kernel_shape=[op.kernel] * 2,
            strides=[op.stride] * 2,
            pads=[op.padding] * 4,
            group=op.groups,
        )

    @_lower.register
    def _linear(self, op: Linear) -> str:
        """A 1x1 convolution, whose weights have the same order."""
        return self._node("Conv", op, self._weighted(op), kernel_shape=[1, 1])

    @_lower.register
    def _activation(self, op: Activation) -> str:
        inputs = [self._values[op.inputs[0]]]
        match op.function:
            case "relu6":
                bounds = [self.constant(f"bound.{bound}", np.array(bound, np.float32)) for bound in (0, 6)]
                return self._node("Clip", op, [*inputs, *bounds])
            case "h_sigmoid":
                return self._node("HardSigmoid", op, inputs, alpha=1 / 6, beta=0.5)
            case "swish":
                gate = self.node("Sigmoid", f"{op.name}.gate", inputs)
                return self._node("Mul", op, [*inputs, gate])
            case "prelu":
                slope = self._weights[f"{op.name}.weight"].reshape(-1, 1, 1)
                return self._node("PRelu", op, [*inputs, self._stored(f"{op.name}.weight", slope)])
            case function:
                return self._node({"relu": "Relu", "h_swish": "HardSwish", "sigmoid": "Sigmoid"}[function], op, inputs)

    @_lower.register
    def _global_avg_pool(self, op: GlobalAvgPool) -> str:
        return self._node("GlobalAveragePool", op, self._inputs(op))

    @_lower.register
    def _max_pool(self, op: MaxPool) -> str:
        return self._node("MaxPool", op, self._inputs(op), **_window(op))

    @_lower.register
    def _avg_pool(self, op: AvgPool) -> str:
        return self._node("AveragePool", op, self._inputs(op), **_window(op), count_include_pad=1)

    @_lower.register
    def _upsample(self, op: Upsample) -> str:
        scales = self.constant(f"{op.name}.scales", np.array([1, 1, op.factor, op.factor], np.float32))
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self._node("Resize", op, [*self._inputs(op), "", scales], **options)

    @_lower.register
    def _concat(self, op: Concat) -> str:
        return self._node("Concat", op, self._inputs(op), axis=1)

    @_lower.register
    def _flatten(self, op: Flatten) -> str:
        shape = self.constant(f"{op.name}.shape", np.array([0, op.shape[2], 1, 1], np.int64))
        return self._node("Reshape", op, [*self._inputs(op), shape])

    @_lower.register
    def _add(self, op: Add) -> str:
        return self._node("Add", op, self._inputs(op))

    @_lower.register
    def _multiply(self, op: Multiply) -> str:
        return self._node("Mul", op, self._inputs(op))

    def _inputs(self, op: Op) -> list[str]:
        return [self._values[name] for name in op.inputs]

    def _node(self, kind: str, op: Op, inputs: list[str], **attributes: Any) -> str:
        """Add a node whose output bears the operation's name, or one like it where an output of the file has that."""
        name = f"{op.name}.value" if op.name in output_names(self._spec) else op.name
        return self.node(kind, name, inputs, **attributes)

    def node(self, kind: str, name: str, inputs: list[str], **attributes: Any) -> str:
        """A node whose output bears its name."""
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def _weighted(self, op: Conv | Linear) -> list[str]:
        kernel, bias = self._weights[f"{op.name}.weight"], self._weights.get(f"{op.name}.bias")
        kernel = kernel.reshape(kernel.shape if kernel.ndim == 4 else (*kernel.shape, 1, 1))
        names = [self._values[op.inputs[0]]]
        if self._ranges is not None:
            return names + self._integers(op, kernel, bias)
        names.append(self._stored(f"{op.name}.weight", kernel))
        return names if bias is None else [*names, self._stored(f"{op.name}.bias", bias)]

    def _integers(self, op: Conv | Linear, kernel: Array, bias: Array | None) -> list[str]:
        """Kernel in int8 with a scale per channel, bias in int32, both before DequantizeLinear."""
        input_scale = float(self._quantization(op.inputs[0]).scales[0])
        scales = weight_scales(kernel, 0, bias, input_scale)
        names = [self._dequantised(f"{op.name}.weight", integer_weights(kernel, scales, 0), scales)]
        if bias is None:
            return names
        integers, products = integer_bias(bias, scales, input_scale)
        return [*names, self._dequantised(f"{op.name}.bias", integers, products)]

    def _dequantised(self, name: str, integers: Array, scales: Array) -> str:
        zeros = self.constant(f"{name}.zero_point", np.zeros(len(scales), integers.dtype))
        inputs = [self.constant(f"{name}.quantised", integers), self.constant(f"{name}.scale", scales), zeros]
        return self.node("DequantizeLinear", name, inputs, axis=0)

    def _quantised(self, value: str, name: str) -> str:
        """The value, in integers and back where it is computed in integers."""
        if self._ranges is None or not self._computes_in_integers(value):
            return name
        quantization = self._quantization(value)
        scale = self.constant(f"{value}.scale", quantization.scales.reshape(()))
        zero = (quantization.zero_points - LOWEST).astype(np.uint8).reshape(())  # ONNX Runtime is fast with unsigned
        inputs = [name, scale, self.constant(f"{value}.zero_point", zero)]  # values and signed weights, on x86 and ARM
        integers = self.node("QuantizeLinear", f"{value}.uint8", inputs)
        return self.node("DequantizeLinear", f"{value}.dequantised", [integers, *inputs[1:]])

    def _computes_in_integers(self, value: str) -> bool:
        """Whether an integer operator makes or reads it; a rectifier belongs to the operator before it."""
        readers = self._readers[value]
        if len(readers) == 1 and isinstance(readers[0], Activation) and readers[0].function in _FUSED:
            return False
        made = self._makers.get(value)
        return any(_has_integer_form(op) for op in readers) or (made is not None and _has_integer_form(made))

    def _quantization(self, value: str) -> Quantization:
        low, high = (self._ranges or {})[value]
        readers = self._readers[value]
        swished = len(readers) == 1 and isinstance(readers[0], Activation) and readers[0].function == "h_swish"
        return value_quantization(max(low, HARD_SWISH_FLOOR) if swished else low, high)

    def _stored(self, name: str, value: Array) -> str:
        """A weight, as float16 before a Cast if it is to be stored so."""
        if not self._half:
            return self.constant(name, value)
        half = self.constant(f"{name}.float16", half_precision(name, value))
        return self.node("Cast", name, [half], to=TensorProto.FLOAT)

    def constant(self, name: str, value: Array) -> str:
        """A constant."""
        self._constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name


def _has_integer_form(op: Op) -> bool:
    return not isinstance(op, PluginOp) and not (isinstance(op, Activation) and op.function in _FLOATING)


def _window(op: MaxPool | AvgPool) -> dict[str, list[int]]:
    return {"kernel_shape": [op.kernel] * 2, "strides": [op.stride] * 2, "pads": [op.padding] * 4}
