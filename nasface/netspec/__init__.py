"""A network as a list of typed operations: the operations, the network, its builder; operations of plug-ins."""

import re

from nasface.netspec.builder import NetBuilder
from nasface.netspec.network import (
    Layer,
    NetSpec,
    random_weights,
    shape_text,
    single_layer,
    to_dict,
    weight_shapes,
)
from nasface.netspec.operations import (
    ACTIVATIONS,
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
    Op,
    Shape,
    Upsample,
    Weights,
    has_bias,
    op_deployed,
    op_macs,
    op_params,
)
from nasface.netspec.plugin_op import MILBuilder, OnnxGraph, PluginOp, TFLiteGraph
from nasface.registry import register

__all__ = [
    "ACTIVATIONS",
    "INPUT",
    "Activation",
    "Add",
    "AvgPool",
    "Concat",
    "Conv",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "Linear",
    "MILBuilder",
    "MaxPool",
    "Multiply",
    "NetBuilder",
    "NetSpec",
    "OnnxGraph",
    "Op",
    "PluginOp",
    "Shape",
    "TFLiteGraph",
    "Upsample",
    "Weights",
    "has_bias",
    "op_deployed",
    "op_macs",
    "op_params",
    "random_weights",
    "shape_text",
    "single_layer",
    "to_dict",
    "weight_shapes",
]

for _operation in (
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
    Upsample,
):
    register("operation", re.sub("(?<=[a-z])(?=[A-Z])", "_", _operation.__name__).lower())(_operation)
