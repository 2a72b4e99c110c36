"""A float32 graph rewritten to compute in 8-bit integers: static ranges of values, weights with a scale per channel.

The application still gives and gets float32. Every operator that has a rule here computes in integers; another one, or
one that the caller wants in float32, stands between DEQUANTIZE and QUANTIZE.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from ai_edge_litert import schema_py_generated as tfl

from nasface.errors import UnknownName
from nasface.exporters._graph import Array, Graph, Operator, Quantization, Tensor
from nasface.exporters._integers import (
    HIGHEST,
    Range,
    integer_bias,
    integer_values,
    integer_weights,
    value_quantization,
    weight_scales,
)

_OP: Final = tfl.BuiltinOperator

CHANNEL_AXIS: Final[dict[int, int]] = {_OP.CONV_2D: 0, _OP.DEPTHWISE_CONV_2D: 3, _OP.FULLY_CONNECTED: 0}
"""Axis of the output channels in the weights of operators, by operator."""

INTEGER_VERSIONS: Final[dict[int, int]] = {
    _OP.CONV_2D: 3,
    _OP.DEPTHWISE_CONV_2D: 3,
    _OP.FULLY_CONNECTED: 4,
    _OP.ADD: 2,
    _OP.MUL: 2,
    _OP.MEAN: 2,
    _OP.PAD: 2,
    _OP.PADV2: 2,
    _OP.MAX_POOL_2D: 2,
    _OP.AVERAGE_POOL_2D: 2,
    _OP.RESHAPE: 1,
    _OP.TRANSPOSE: 2,
    _OP.CONCATENATION: 2,
    _OP.RESIZE_NEAREST_NEIGHBOR: 2,
    _OP.DEPTH_TO_SPACE: 2,
    _OP.RELU: 2,
    _OP.RELU6: 2,
    _OP.LOGISTIC: 2,
    _OP.PRELU: 1,
}
"""Operators that have a rule, with the first version that computes in integers."""

NO_INTEGER_KERNEL: Final = (_OP.HARD_SWISH, _OP.PRELU, _OP.AVERAGE_POOL_2D)
"""Operators that XNNPACK computes in float32 only: in integers they would divide a network into many parts."""

_SAME_SCALE: Final = (
    _OP.PAD,
    _OP.PADV2,
    _OP.MAX_POOL_2D,
    _OP.AVERAGE_POOL_2D,
    _OP.RESHAPE,
    _OP.TRANSPOSE,
    _OP.CONCATENATION,
    _OP.RESIZE_NEAREST_NEIGHBOR,
    _OP.DEPTH_TO_SPACE,
)
"""Operators that only move or choose integers: what goes in and comes out has one scale."""

_LOGISTIC_RANGE: Final = (0.0, 255 / 256)
"""The scale that TFLite asks of a LOGISTIC's output is 1 / 256."""

_FROM_INT8: Final = 2
"""Version of DEQUANTIZE."""


def quantise(graph: Graph, ranges: Mapping[int, Range], floating: Collection[int] = ()) -> Graph:
    """The graph in integers.

    Args:
        graph: In float32.
        ranges: Of the input and of every computed tensor, see `_ranges.measure_ranges`.
        floating: Operators that stay float32, beside those without a rule.
    """
    return _Quantiser(graph, ranges, floating).run()


def left_in_float(graph: Graph) -> list[str]:
    """TFLite's names of the operators of a quantised graph that compute in float32, sorted."""
    names = {code: name for name, code in vars(_OP).items() if not name.startswith("_")}
    ends = (_OP.QUANTIZE, _OP.DEQUANTIZE)
    found = {op.code for op in graph.operators if graph.tensors[op.output].dtype == "float32"} - {*ends}
    return sorted(names[code] for code in found)


def operator_codes(names: Iterable[str]) -> list[int]:
    """Operators by TFLite's names; raises `UnknownName` for one without a rule here."""
    known = {name: code for name, code in vars(_OP).items() if code in INTEGER_VERSIONS and not name.startswith("_")}
    for name in names:
        if name not in known:
            raise UnknownName("exporter.float_operators", name, known)
    return [known[name] for name in names]


class _Quantiser:
    """One rewriting; tensors of the old graph are named by their index there."""

    def __init__(self, graph: Graph, ranges: Mapping[int, Range], floating: Collection[int]) -> None:
        self._graph, self._new = graph, Graph()
        self._floating = {op.code for op in graph.operators} - set(INTEGER_VERSIONS) | set(floating)
        self._ranges = _joined_ranges(graph, ranges, self._floating)
        self._integers: dict[int, int] = {}  # tensors of the new graph by tensors of the old one
        self._floats: dict[int, int] = {}

    def run(self) -> Graph:
        for name, index in self._graph.inputs.items():
            self._floats[index] = self._new.inputs[name] = self._new.add(self._graph.tensors[index])
        for operator in self._graph.operators:
            if self._computes_in_float(operator):
                self._copy(operator)
            else:
                self._quantise(operator)
        self._new.outputs = {name: self._float(index) for name, index in self._graph.outputs.items()}
        return self._new

    def _computes_in_float(self, operator: Operator) -> bool:
        misfit = operator.code == _OP.LOGISTIC and self._ranges[operator.output] != _LOGISTIC_RANGE
        return operator.code in self._floating or misfit

    def _copy(self, operator: Operator) -> None:
        inputs = [self._float(index) for index in operator.inputs]
        output = self._floats[operator.output] = self._new.add(self._graph.tensors[operator.output])
        self._new.operator(operator.code, inputs, output, operator.options, version=operator.version)

    def _quantise(self, operator: Operator) -> None:
        if operator.code in CHANNEL_AXIS:
            inputs = self._weighted_inputs(operator)
        else:
            inputs = [self._integer(index, operator) for index in operator.inputs]
        output = self._integers[operator.output] = self._integer_tensor(operator.output)
        version = max(operator.version, INTEGER_VERSIONS[operator.code])
        self._new.operator(operator.code, inputs, output, operator.options, version=version)

    def _weighted_inputs(self, operator: Operator) -> list[int]:
        """Values, int8 weights with a scale per channel, int32 bias in units of the product of both scales."""
        source, weight, bias = operator.inputs
        axis, input_scale = CHANNEL_AXIS[operator.code], float(self._quantization(source).scales[0])
        weights, biases = self._constant(weight), self._constant(bias)
        scales = weight_scales(weights, axis, biases, input_scale)
        zeros = np.zeros(len(scales), np.int64)
        of_weights = Quantization(scales, zeros, axis)
        integers, products = integer_bias(biases, scales, input_scale)
        of_bias = Quantization(products, zeros)
        return [
            self._integer(source, operator),
            self._add(weight, integer_weights(weights, scales, axis), of_weights),
            self._add(bias, integers, of_bias),
        ]

    def _integer(self, index: int, reader: Operator) -> int:
        """A tensor as integers; quantised on the way if it was computed in float32."""
        if index in self._integers:
            return self._integers[index]
        if (value := self._graph.tensors[index].value) is not None:
            return self._integer_constant(index, value, reader)
        made = self._integers[index] = self._integer_tensor(index, ".int8")
        self._new.operator(_OP.QUANTIZE, [self._floats[index]], made, tfl.QuantizeOptionsT())
        return made

    def _integer_constant(self, index: int, value: Array, reader: Operator) -> int:
        """A constant that is no weight: sizes as they are, a border in its neighbours' scale, numbers in their own."""
        if value.dtype != np.float32:
            return self._new.shared_constant(self._graph.tensors[index].name, value)
        if reader.code == _OP.PADV2:
            quantization = self._quantization(reader.output)
        else:
            scale = np.float32(max(float(np.abs(value).max()), float(np.finfo(np.float32).tiny)) / HIGHEST)
            quantization = Quantization(np.array([scale]), np.zeros(1, np.int64))
        return self._add(index, integer_values(value, quantization), quantization)

    def _float(self, index: int) -> int:
        """A tensor as float32; dequantised on the way if it was computed in integers."""
        if index in self._floats:
            return self._floats[index]
        tensor = self._graph.tensors[index]
        if tensor.value is not None:
            self._floats[index] = self._new.add(tensor)
            return self._floats[index]
        made = self._floats[index] = self._new.add(replace(tensor, name=f"{tensor.name}.float32"))
        self._new.operator(_OP.DEQUANTIZE, [self._integers[index]], made, tfl.DequantizeOptionsT(), version=_FROM_INT8)
        return made

    def _integer_tensor(self, index: int, suffix: str = "") -> int:
        tensor, quantization = self._graph.tensors[index], self._quantization(index)
        return self._new.add(Tensor(tensor.name + suffix, tensor.shape, "int8", quantization=quantization))

    def _quantization(self, index: int) -> Quantization:
        return value_quantization(*self._ranges[index])

    def _constant(self, index: int) -> Array:
        value = self._graph.tensors[index].value
        if value is None:
            raise TypeError(f"{self._graph.tensors[index].name} is no constant")
        return value

    def _add(self, index: int, value: Array, quantization: Quantization) -> int:
        return self._new.add(
            Tensor(self._graph.tensors[index].name, value.shape, value.dtype.name, value, quantization)
        )


def _joined_ranges(graph: Graph, ranges: Mapping[int, Range], floating: Collection[int]) -> dict[int, Range]:
    """The ranges, from the floors on, joined where integers are only moved from one tensor to another."""
    group = {index: index for index in ranges}
    for operator in graph.operators:
        if operator.code in _SAME_SCALE and operator.code not in floating:
            for index in operator.inputs:
                if index in group:
                    group = _merged(group, group[index], group[operator.output])
    floored = {index: (max(low, graph.floors.get(index, low)), high) for index, (low, high) in ranges.items()}
    floored |= {op.output: _LOGISTIC_RANGE for op in graph.operators if op.code == _OP.LOGISTIC}
    moved = {op.output for op in graph.operators if op.code in _SAME_SCALE and op.code not in floating}
    members: dict[int, list[Range]] = {}
    for index, head in group.items():
        if index not in moved:  # holds what its sources hold, beside a border of the lowest number there is
            members.setdefault(head, []).append(floored[index])
    joined = {head: (min(low for low, _ in all_), max(high for _, high in all_)) for head, all_ in members.items()}
    return {index: joined[head] for index, head in group.items()}


def _merged(group: dict[int, int], a: int, b: int) -> dict[int, int]:
    return {index: a if head == b else head for index, head in group.items()}
