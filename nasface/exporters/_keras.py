"""A NetSpec as a native Keras functional model with its weights set, and that model through TFLite's converter."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import singledispatchmethod
from typing import Any, Final

import numpy as np
import tensorflow as tf

from nasface.errors import ExportError
from nasface.exporters._base import INPUT_NAME, OUTPUT_NAME
from nasface.exporters._windows import Pads, needed_padding, same_padding
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

_layers: Final = tf.keras.layers
_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "h_swish": lambda x: x * tf.nn.relu6(x + 3.0) * (1 / 6),  # the pattern that the converter knows as HARD_SWISH
    "h_sigmoid": lambda x: tf.nn.relu6(x + 3.0) * (1 / 6),
    "swish": lambda x: x * tf.nn.sigmoid(x),
    "sigmoid": tf.nn.sigmoid,
}


def convert(spec: NetSpec, weights: Weights, *, half: bool) -> bytes:
    """The network as TFLite's converter writes it, with its own tensor names."""
    with tempfile.TemporaryDirectory() as folder:  # converter.from_keras_model does the same, and prints
        image = tf.TensorSpec((1, *spec.input_shape), tf.float32, name=INPUT_NAME)  # else the batch size is left open
        KerasBuilder(spec, weights).model().export(folder, verbose=False, input_signature=[image])
        return _convert(folder, half)


def _convert(saved_model: str, half: bool) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(saved_model)
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


class KerasBuilder:
    """Builds the functional model of one network, batch size 1."""

    def __init__(self, spec: NetSpec, weights: Weights) -> None:
        self._spec, self._weights = spec, weights
        self._shapes = {INPUT: spec.input_shape} | {op.name: op.shape for op in spec.ops}
        self._values: dict[str, Any] = {}

    def model(self) -> Any:
        """float32 [1, height, width, 3] to the descriptor, float32 [1, n], or several maps; with the weights set."""
        image = _layers.Input(batch_shape=(1, *self._spec.input_shape), name=INPUT_NAME)
        self._values[INPUT] = image
        for op in self._spec.ops:
            self._values[op.name] = self._lower(op)
        return tf.keras.Model(image, self._outputs(), name="network")

    def _outputs(self) -> Any:
        if len(self._spec.outputs) > 1:
            return [self._values[name] for name in self._spec.outputs]
        output = _layers.Reshape((int(np.prod(self._spec.output_shape)),), name=OUTPUT_NAME)
        return output(self._values[self._spec.output])

    @singledispatchmethod
    def _lower(self, op: Op) -> Any:
        raise ExportError(f"{op.name}: a .tflite file cannot hold the operation {type(op).__name__}.")

    @_lower.register
    def _plugin(self, op: PluginOp) -> Any:
        inputs = [self._values[name] for name in op.inputs]
        with blaming(registered(type(op)), "keras"):
            made = op.keras(inputs, own_weights(op, self._weights))
        check_rule(op, "keras", hasattr(made, "shape"), made, "a tensor")
        return made

    @_lower.register
    def _conv(self, op: Conv) -> Any:
        x, padding = self._padded(op, 0.0)
        kernel = self._weights[f"{op.name}.weight"]
        options = {"strides": op.stride, "padding": padding, "use_bias": self._biased(op), "name": _name(op)}
        if op.depthwise:
            multiplier = op.shape[2] // op.in_channels
            layer = _layers.DepthwiseConv2D(op.kernel, depth_multiplier=multiplier, **options)
            by_channel = kernel.reshape(op.in_channels, multiplier, op.kernel, op.kernel)
            return self._apply(op, layer, x, by_channel.transpose(2, 3, 0, 1))
        layer = _layers.Conv2D(op.shape[2], op.kernel, groups=op.groups, **options)
        return self._apply(op, layer, x, kernel.transpose(2, 3, 1, 0))

    @_lower.register
    def _linear(self, op: Linear) -> Any:
        layer = _layers.Dense(op.shape[2], use_bias=self._biased(op), name=_name(op))
        x = _layers.Reshape((op.in_features,), name=_name(op, "flat"))(self._values[op.inputs[0]])
        y = self._apply(op, layer, x, self._weights[f"{op.name}.weight"].T)
        return _layers.Reshape(op.shape, name=_name(op, "shape"))(y)

    @_lower.register
    def _activation(self, op: Activation) -> Any:
        x = self._values[op.inputs[0]]
        if op.function == "prelu":
            layer = _layers.PReLU(shared_axes=[1, 2], name=_name(op))
            y = layer(x)
            layer.set_weights([self._weights[f"{op.name}.weight"].reshape(1, 1, -1)])
            return y
        return _layers.Lambda(_FUNCTIONS[op.function], name=_name(op))(x)

    @_lower.register
    def _global_avg_pool(self, op: GlobalAvgPool) -> Any:
        return _layers.GlobalAveragePooling2D(keepdims=True, name=_name(op))(self._values[op.inputs[0]])

    @_lower.register
    def _max_pool(self, op: MaxPool) -> Any:
        x, padding = self._padded(op, float(np.finfo(np.float32).min))
        return _layers.MaxPooling2D(op.kernel, op.stride, padding, name=_name(op))(x)

    @_lower.register
    def _avg_pool(self, op: AvgPool) -> Any:
        shape, taps = self._shapes[op.inputs[0]], (range(op.kernel), range(op.kernel))
        x = self._pad(op, needed_padding(shape, op.shape, taps, op.stride, op.padding), 0.0)  # "same" counts no zeros
        return _layers.AveragePooling2D(op.kernel, op.stride, "valid", name=_name(op))(x)

    @_lower.register
    def _upsample(self, op: Upsample) -> Any:
        return _layers.UpSampling2D(op.factor, interpolation="nearest", name=_name(op))(self._values[op.inputs[0]])

    @_lower.register
    def _concat(self, op: Concat) -> Any:
        return _layers.Concatenate(name=_name(op))([self._values[name] for name in op.inputs])

    @_lower.register
    def _flatten(self, op: Flatten) -> Any:
        x = _layers.Permute((3, 1, 2), name=_name(op, "channels_first"))(self._values[op.inputs[0]])
        return _layers.Reshape(op.shape, name=_name(op))(x)

    @_lower.register
    def _add(self, op: Add) -> Any:
        return _layers.Add(name=_name(op))([self._values[name] for name in op.inputs])

    @_lower.register
    def _multiply(self, op: Multiply) -> Any:
        return _layers.Multiply(name=_name(op))([self._values[name] for name in op.inputs])

    def _biased(self, op: Op) -> bool:
        return f"{op.name}.bias" in self._weights

    def _apply(self, op: Op, layer: Any, x: Any, kernel: Any) -> Any:
        """The layer's output, after its weights are set."""
        y = layer(x)
        layer.set_weights([kernel, self._weights[f"{op.name}.bias"]] if self._biased(op) else [kernel])
        return y

    def _padded(self, op: Conv | MaxPool, fill: float) -> tuple[Any, str]:
        """The input, explicitly padded where torch's padding is not Keras's "same"; and Keras's word for the rest."""
        x, taps = self._values[op.inputs[0]], (range(op.kernel), range(op.kernel))
        shape = self._shapes[op.inputs[0]]
        pads = needed_padding(shape, op.shape, taps, op.stride, op.padding)
        if not any(map(any, pads)):
            return x, "valid"
        if pads == same_padding(shape, taps, op.stride):
            return x, "same"
        return self._pad(op, pads, fill), "valid"

    def _pad(self, op: Op, pads: Pads, fill: float) -> Any:
        amounts = [(0, 0), *pads, (0, 0)]
        pad = _layers.Lambda(lambda value: tf.pad(value, amounts, constant_values=fill), name=_name(op, "pad"))
        return pad(self._values[op.inputs[0]]) if any(map(any, pads)) else self._values[op.inputs[0]]


def _name(op: Op, suffix: str = "") -> str:
    """A layer's name, never that of the input or the output.

    Keras would count layers over the whole process, and names end up in the file.
    """
    return ".".join(filter(None, ("net", op.name, suffix)))
