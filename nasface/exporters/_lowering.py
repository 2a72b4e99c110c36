"""NetSpec to TFLite operators, one rule per operation, chosen so that XNNPACK takes the whole graph.

* A rectifier is fused into the operation before it when nothing else reads that operation's output.
* h_swish is HARD_SWISH. h_sigmoid is relu6(x + 3) / 6: after a convolution the 3 goes into its bias and the rectifier
  is fused, so only one multiplication of a small vector by 1/6 remains.
* torch pads symmetrically, TFLite's SAME puts the odd pixel last. Where both agree, SAME is written; otherwise an
  explicit PAD of only the rows and columns that are read (XNNPACK folds it into the convolution).
* 7x7 depthwise convolutions become sums of smaller ones, see `_windows`.
* Nearest-neighbour enlargement is DEPTH_TO_SPACE of copies: XNNPACK knows no RESIZE_NEAREST_NEIGHBOR, whose constant
  size would also fix the size of the input.
* Reshapes leave the number of images open.

Everything is float32 here; `_precision` stores weights otherwise, `_quantize` computes in integers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import singledispatchmethod
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as tfl

from nasface.errors import ExportError
from nasface.exporters._base import INPUT_NAME, OUTPUT_NAME
from nasface.exporters._graph import Graph
from nasface.exporters._integers import HARD_SWISH_FLOOR
from nasface.exporters._windows import Pads, Taps, depthwise_parts, needed_padding, same_padding
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
from nasface.trust import blaming, broken

Float32 = npt.NDArray[np.float32]

_OP: Final = tfl.BuiltinOperator
_RELU6: Final[int] = tfl.ActivationFunctionType.RELU6
_FUSED: Final[dict[str, int]] = {"relu": tfl.ActivationFunctionType.RELU, "relu6": _RELU6}
_UNARY: Final[dict[str, int]] = {
    "relu": _OP.RELU,
    "relu6": _OP.RELU6,
    "sigmoid": _OP.LOGISTIC,
}
_NON_NEGATIVE: Final = ("relu", "relu6", "sigmoid", "h_sigmoid")
_LOWEST: Final = np.array([np.finfo(np.float32).min], np.float32)

# Versions of operators from which they can do what is used here; everything else is version 1.
_GROUPED: Final = 6
_DILATED: Final = 2
_KEEPS_DIMENSIONS: Final = 5


class Lowering:
    """Writes one network into a `Graph`.

    Args:
        spec: The network.
        weights: Its weights, complete and of the right shapes.
        split: Take 7x7 depthwise convolutions apart.
        hard_swish: Use the operator HARD_SWISH; else additions and multiplications.
    """

    def __init__(self, spec: NetSpec, weights: Weights, *, split: bool, hard_swish: bool = True) -> None:
        self._spec, self._weights, self._split, self._hard_swish = spec, weights, split, hard_swish
        self._graph = Graph()
        self._producers = {op.name: op for op in spec.ops}
        self._users: dict[str, list[Op]] = defaultdict(list)
        for op in spec.ops:
            for name in op.inputs:
                self._users[name].append(op)
        self._shapes = {INPUT: spec.input_shape} | {op.name: op.shape for op in spec.ops}
        self._values = {INPUT: self._graph.tensor(INPUT_NAME, (1, *spec.input_shape))}

    def graph(self) -> Graph:
        """The network: float32 [1, height, width, 3] to its outputs, see `_outputs`."""
        for op in self._spec.ops:
            if op.name not in self._values:  # else it was fused into its producer
                self._lower(op)
        self._graph.inputs = {INPUT_NAME: self._values[INPUT]}
        self._graph.outputs = self._outputs()
        return self._graph

    def _outputs(self) -> dict[str, int]:
        """One output is a descriptor, float32 [1, n]; several are maps [1, height, width, channels] of their names."""
        if len(self._spec.outputs) > 1:
            return {name: self._values[name] for name in self._spec.outputs}
        return {OUTPUT_NAME: self._flat(self._values[self._spec.output], (math.prod(self._spec.output_shape),))}

    def _flat(self, x: int, sizes: tuple[int, ...], name: str = OUTPUT_NAME) -> int:
        """All numbers of every image in another shape; the number of images stays open."""
        shape = np.array([-1, *sizes], np.int32)
        output = self._graph.tensor(name, (1, *sizes))
        inputs = [x, self._graph.shared_constant(f"{name}.shape", shape)]
        self._graph.operator(_OP.RESHAPE, inputs, output, tfl.ReshapeOptionsT(shape))
        return output

    @singledispatchmethod
    def _lower(self, op: Op) -> None:
        raise ExportError(f"{op.name}: a .tflite file cannot hold the operation {type(op).__name__}.")

    @_lower.register
    def _plugin(self, op: PluginOp) -> None:
        inputs = [self._values[name] for name in op.inputs]
        with blaming(registered(type(op)), "tflite"):
            made = op.tflite(self._graph, inputs, own_weights(op, self._weights))
        known = isinstance(made, int) and 0 <= made < len(self._graph.tensors)
        check_rule(op, "tflite", known, made, "the number of a tensor of the graph")
        shape = self._graph.tensors[made].shape
        if shape != (1, *op.shape):
            raise broken(registered(type(op)), "tflite", f"{op.name} is {list(shape)}, not {[1, *op.shape]}")
        self._values[op.name] = made

    @_lower.register
    def _conv(self, op: Conv) -> None:
        if op.depthwise:
            self._depthwise(op)
            return
        x, padding = self._padded(op, 0.0)
        options = tfl.Conv2DOptionsT(padding, op.stride, op.stride)
        kernel = self._array(f"{op.name}.weight").transpose(0, 2, 3, 1)  # to [out, height, width, in / groups]
        self._weighted(op, _OP.CONV_2D, x, kernel, options, _GROUPED if op.groups > 1 else 1)

    def _depthwise(self, op: Conv) -> None:
        kernel = self._array(f"{op.name}.weight").transpose(1, 2, 3, 0)  # to [1, height, width, out]
        parts = depthwise_parts(op.kernel, op.padding) if self._split else ()
        if parts:
            self._sum_of_parts(op, kernel, parts)
            return
        x, padding = self._padded(op, 0.0)
        options = tfl.DepthwiseConv2DOptionsT(padding, op.stride, op.stride, op.shape[2] // op.in_channels)
        self._weighted(op, _OP.DEPTHWISE_CONV_2D, x, kernel, options)

    def _sum_of_parts(self, op: Conv, kernel: Float32, parts: tuple[Taps, ...]) -> None:
        """A depthwise convolution as a sum of dilated ones; the first part has the bias."""
        multiplier = op.shape[2] // op.in_channels
        total = -1
        for number, (rows, columns) in enumerate(parts):
            x, padding = self._padded(op, 0.0, (rows, columns))
            weight = self._graph.constant(f"{op.name}.weight.part{number}", kernel[:, rows][:, :, columns])
            bias = self._zeros(op.shape[2]) if number else self._graph.constant(f"{op.name}.bias", self._bias(op))
            options = tfl.DepthwiseConv2DOptionsT(
                padding, op.stride, op.stride, multiplier, dilationHFactor=rows.step, dilationWFactor=columns.step
            )
            part = self._graph.tensor(f"{op.name}.part{number}", (1, *op.shape))
            self._graph.operator(_OP.DEPTHWISE_CONV_2D, [x, weight, bias], part, options, version=_DILATED)
            total = self._add_part(op, total, part, last=number == len(parts) - 1) if number else part

    def _add_part(self, op: Conv, total: int, part: int, *, last: bool) -> int:
        options = tfl.AddOptionsT()
        y = self._fused_output(op, options) if last else self._graph.tensor(f"{op.name}.parts", (1, *op.shape))
        self._graph.operator(_OP.ADD, [total, part], y, options)
        return y

    @_lower.register
    def _linear(self, op: Linear) -> None:
        options = tfl.FullyConnectedOptionsT(keepNumDims=True)
        kernel = self._array(f"{op.name}.weight")
        self._weighted(op, _OP.FULLY_CONNECTED, self._values[op.inputs[0]], kernel, options, _KEEPS_DIMENSIONS)

    def _weighted(self, op: Conv | Linear, code: int, x: int, kernel: Float32, options: Any, version: int = 1) -> None:
        """A convolution or linear layer, with the activation after it where that can be fused."""
        hard_sigmoid = self._follower(op, "h_sigmoid")
        if hard_sigmoid:
            options.fusedActivationFunction = _RELU6
            bias = self._graph.constant(f"{op.name}.bias", self._bias(op) + np.float32(3))
            y = self._graph.tensor(f"{op.name}.shifted", (1, *op.shape))
        else:
            stored = f"{op.name}.bias" in self._weights
            bias = self._graph.constant(f"{op.name}.bias", self._bias(op)) if stored else self._zeros(op.shape[2])
            y = self._fused_output(op, options)
        inputs = [x, self._graph.constant(f"{op.name}.weight", kernel), bias]
        self._graph.operator(code, inputs, y, options, version=version)
        if hard_sigmoid:
            self._sixth(y, self._output(hard_sigmoid))

    @_lower.register
    def _activation(self, op: Activation) -> None:
        x = self._values[op.inputs[0]]
        if op.function == "h_sigmoid":
            self._sixth(self._shifted(op, x), self._output(op))
        elif op.function == "h_swish":
            self._h_swish(op, x)
        elif op.function == "swish":
            gate = self._graph.tensor(f"{op.name}.gate", (1, *op.shape))
            self._graph.operator(_OP.LOGISTIC, [x], gate)
            self._graph.operator(_OP.MUL, [x, gate], self._output(op), tfl.MulOptionsT())
        elif op.function == "prelu":
            slope = self._graph.constant(f"{op.name}.weight", self._array(f"{op.name}.weight").reshape(1, 1, -1))
            self._graph.operator(_OP.PRELU, [x, slope], self._output(op))
        else:
            self._graph.operator(_UNARY[op.function], [x], self._output(op))

    def _h_swish(self, op: Activation, x: int) -> None:
        if self._sole_reader(op.inputs[0]) is op:
            self._graph.floors[x] = HARD_SWISH_FLOOR
        if self._hard_swish:
            self._graph.operator(_OP.HARD_SWISH, [x], self._output(op), tfl.HardSwishOptionsT())
            return
        gate = self._graph.tensor(f"{op.name}.gate", (1, *op.shape))
        self._sixth(self._shifted(op, x), gate)
        self._graph.operator(_OP.MUL, [x, gate], self._output(op), tfl.MulOptionsT())

    def _shifted(self, op: Activation, x: int) -> int:
        """relu6(x + 3), the first step of h_sigmoid."""
        three = self._graph.shared_constant("three", np.array(3, np.float32))
        shifted = self._graph.tensor(f"{op.name}.shifted", (1, *op.shape))
        self._graph.operator(_OP.ADD, [x, three], shifted, tfl.AddOptionsT(_RELU6))
        return shifted

    def _sixth(self, x: int, y: int) -> None:
        """The last step of h_sigmoid."""
        sixth = self._graph.shared_constant("sixth", np.array(1 / 6, np.float32))
        self._graph.operator(_OP.MUL, [x, sixth], y, tfl.MulOptionsT())

    @_lower.register
    def _global_avg_pool(self, op: GlobalAvgPool) -> None:
        axes = self._graph.shared_constant("spatial_axes", np.array([1, 2], np.int32))
        inputs = [self._values[op.inputs[0]], axes]
        self._graph.operator(_OP.MEAN, inputs, self._output(op), tfl.ReducerOptionsT(keepDims=True))

    @_lower.register
    def _max_pool(self, op: MaxPool) -> None:
        producer = self._producers.get(op.inputs[0])
        non_negative = isinstance(producer, Activation) and producer.function in _NON_NEGATIVE
        x, padding = self._padded(op, 0.0 if non_negative else None)
        options = tfl.Pool2DOptionsT(padding, op.stride, op.stride, op.kernel, op.kernel)
        self._graph.operator(_OP.MAX_POOL_2D, [x], self._fused_output(op, options), options)

    @_lower.register
    def _avg_pool(self, op: AvgPool) -> None:
        shape, taps = self._shapes[op.inputs[0]], (range(op.kernel), range(op.kernel))
        pads = needed_padding(shape, op.shape, taps, op.stride, op.padding)
        x = self._pad(op, pads, 0.0)  # SAME would not count the border's zeros
        options = tfl.Pool2DOptionsT(tfl.Padding.VALID, op.stride, op.stride, op.kernel, op.kernel)
        self._graph.operator(_OP.AVERAGE_POOL_2D, [x], self._fused_output(op, options), options)

    @_lower.register
    def _upsample(self, op: Upsample) -> None:
        height, width, channels = self._shapes[op.inputs[0]]
        copies = self._graph.tensor("", (1, height, width, channels * op.factor**2))
        inputs = [self._values[op.inputs[0]]] * op.factor**2
        self._graph.operator(_OP.CONCATENATION, inputs, copies, tfl.ConcatenationOptionsT(axis=3))
        self._graph.operator(_OP.DEPTH_TO_SPACE, [copies], self._output(op), tfl.DepthToSpaceOptionsT(op.factor))

    @_lower.register
    def _concat(self, op: Concat) -> None:
        inputs = [self._values[name] for name in op.inputs]
        self._graph.operator(_OP.CONCATENATION, inputs, self._output(op), tfl.ConcatenationOptionsT(axis=3))

    @_lower.register
    def _flatten(self, op: Flatten) -> None:
        height, width, channels = self._shapes[op.inputs[0]]
        order = self._graph.shared_constant("channels_first", np.array([0, 3, 1, 2], np.int32))
        transposed = self._graph.tensor(f"{op.name}.channels_first", (1, channels, height, width))
        self._graph.operator(_OP.TRANSPOSE, [self._values[op.inputs[0]], order], transposed, tfl.TransposeOptionsT())
        self._values[op.name] = self._flat(transposed, op.shape, op.name)

    @_lower.register
    def _add(self, op: Add) -> None:
        self._binary(op, _OP.ADD, tfl.AddOptionsT())

    @_lower.register
    def _multiply(self, op: Multiply) -> None:
        self._binary(op, _OP.MUL, tfl.MulOptionsT())

    def _binary(self, op: Op, code: int, options: Any) -> None:
        inputs = [self._values[name] for name in op.inputs]
        self._graph.operator(code, inputs, self._fused_output(op, options), options)

    def _output(self, op: Op) -> int:
        self._values[op.name] = self._graph.tensor(op.name, (1, *op.shape))
        return self._values[op.name]

    def _fused_output(self, op: Op, options: Any) -> int:
        """The output of `op`, or of the rectifier after it, which `options` then names."""
        activation = self._follower(op, *_FUSED)
        if activation is None:
            return self._output(op)
        options.fusedActivationFunction = _FUSED[activation.function]
        return self._output(activation)

    def _follower(self, op: Op, *functions: str) -> Activation | None:
        """The activation after `op` if it is one of `functions` and the only one to read the value."""
        user = self._sole_reader(op.name)
        return user if isinstance(user, Activation) and user.function in functions else None

    def _sole_reader(self, name: str) -> Op | None:
        """The only operation that reads a value; None if there are more, or the application reads it."""
        users = self._users[name]
        return users[0] if len(users) == 1 and name not in self._spec.outputs else None

    def _array(self, name: str) -> Float32:
        return np.asarray(self._weights[name], np.float32)

    def _bias(self, op: Conv | Linear) -> Float32:
        name = f"{op.name}.bias"
        return self._array(name) if name in self._weights else np.zeros(op.shape[2], np.float32)

    def _zeros(self, channels: int) -> int:
        """The bias of an operation without one; XNNPACK leaves a depthwise convolution out otherwise."""
        return self._graph.shared_constant("no_bias", np.zeros(channels, np.float32))

    def _padded(self, op: Conv | MaxPool, fill: float | None, taps: Taps | None = None) -> tuple[int, int]:
        """The input of (a part of) a windowed operation, padded where need be, and the padding scheme to name.

        `fill` is the value beyond the border; None stands for the lowest number there is.
        """
        x = self._values[op.inputs[0]]
        taps = taps or (range(op.kernel), range(op.kernel))
        pads = needed_padding(self._shapes[op.inputs[0]], op.shape, taps, op.stride, op.padding)
        if not any(map(any, pads)):
            return x, tfl.Padding.VALID
        if pads == same_padding(self._shapes[op.inputs[0]], taps, op.stride):
            return x, tfl.Padding.SAME
        return self._pad(op, pads, fill), tfl.Padding.VALID

    def _pad(self, op: Op, pads: Pads, fill: float | None) -> int:
        if not any(map(any, pads)):
            return self._values[op.inputs[0]]
        height, width, channels = self._shapes[op.inputs[0]]
        (top, bottom), (left, right) = pads
        y = self._graph.tensor(f"{op.name}.padded", (1, height + top + bottom, width + left + right, channels))
        amounts = self._graph.shared_constant("pads", np.array([(0, 0), *pads, (0, 0)], np.int32))
        inputs = [self._values[op.inputs[0]], amounts]
        if fill is None:
            lowest = self._graph.shared_constant("lowest", _LOWEST)
            self._graph.operator(_OP.PADV2, [*inputs, lowest], y, tfl.PadV2OptionsT())
        else:
            self._graph.operator(_OP.PAD, inputs, y, tfl.PadOptionsT())
        return y
