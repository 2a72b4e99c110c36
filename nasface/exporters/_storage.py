"""How weights are stored while arithmetic stays float32: as float16, or as int8 with a scale per channel.

Both are constants followed by DEQUANTIZE, as TFLite's own converter writes them; XNNPACK expands them once, when the
file is opened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from ai_edge_litert import schema_py_generated as tfl

from nasface.exporters._graph import Array, Graph, Quantization, Tensor
from nasface.exporters._integers import half_precision, integer_weights, weight_scales
from nasface.exporters._quantize import CHANNEL_AXIS

_OP: Final = tfl.BuiltinOperator
_WEIGHTED: Final = (_OP.CONV_2D, _OP.DEPTHWISE_CONV_2D, _OP.FULLY_CONNECTED, _OP.PRELU)

# Versions of DEQUANTIZE from which it does what is used here.
_FROM_FLOAT16: Final = 3
_PER_CHANNEL: Final = 5


def store_float16(graph: Graph) -> Graph:
    """The graph with all weights as float16.

    Raises:
        ExportError: A weight is beyond float16's range.
    """
    stored = {
        index: _half(graph.tensors[index].name, value)
        for operator in graph.operators
        if operator.code in _WEIGHTED
        for index in operator.inputs[1:]
        if (value := _own(graph, index)) is not None
    }
    return _expanded(graph, stored, _FROM_FLOAT16)


def store_int8(graph: Graph) -> Graph:
    """The graph with the kernels of convolutions and linear layers as int8."""
    stored = {}
    for operator in graph.operators:
        if operator.code not in CHANNEL_AXIS or (value := _own(graph, operator.inputs[1])) is None:
            continue
        axis = CHANNEL_AXIS[operator.code]
        scales = weight_scales(value, axis)
        quantization = Quantization(scales, np.zeros(len(scales), np.int64), axis)
        name = f"{graph.tensors[operator.inputs[1]].name}.int8"
        integers = integer_weights(value, scales, axis)
        stored[operator.inputs[1]] = Tensor(name, value.shape, "int8", integers, quantization)
    return _expanded(graph, stored, _PER_CHANNEL)


def _own(graph: Graph, index: int) -> Array | None:
    """The value of a weight; None for what is no constant, or a shared one."""
    tensor = graph.tensors[index]
    return None if tensor.shared else tensor.value


def _half(name: str, value: Array) -> Tensor:
    return Tensor(f"{name}.float16", value.shape, "float16", half_precision(name, value))


def _expanded(graph: Graph, stored: dict[int, Tensor], version: int) -> Graph:
    """The graph with constants replaced by stored ones that are expanded when the file is opened."""
    expanded = replace(graph, tensors=list(graph.tensors), operators=[])
    for index, tensor in stored.items():
        source = expanded.add(tensor)
        expanded.tensors[index] = replace(graph.tensors[index], value=None)
        expanded.operator(_OP.DEQUANTIZE, [source], index, tfl.DequantizeOptionsT(), version=version)
    expanded.operators.extend(graph.operators)
    return expanded
