"""NetSpec: a network as a list of typed operations, without any framework.

A `NetSpec` is what every later step reads: look-up-table keys, layer models, parameters, MACs, bytes, memory, the torch
module and every exporter derive from it. It is a sequence of `Layer`s (the units a latency table has rows for), each a
sequence of operations on named values. Shapes are (height, width, channels) of one image; there is no batch dimension.
Weights are a separate `dict[str, ndarray]` in torch's layout (convolutions are OIHW, linear layers (out, in)), see
`Weights`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Shape = tuple[int, int, int]
"""(height, width, channels) of one image."""

Weights = Mapping[str, npt.NDArray[np.float32]]
"""Deployable weights: for every `Conv` and `Linear` named N, `N.weight` and (if it has a bias or a norm) `N.bias`, with
batch normalisation folded in; for every PReLU named N, `N.weight` of shape (channels,)."""

INPUT = "input"
"""Name of the value that holds the network's input."""

ACTIVATIONS = ("relu", "relu6", "h_swish", "h_sigmoid", "swish", "sigmoid", "prelu")


@dataclass(frozen=True, slots=True)
class Op:
    """One operation; its output value carries the operation's name.

    Attributes:
        name: Unique within the network; with weights it is the module path, e.g. "blocks.3.conv.point_linear.conv".
        inputs: Names of the values it reads.
        shape: Shape of its output.
    """

    name: str
    inputs: tuple[str, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """2-D convolution with symmetric zero padding of `padding` pixels on all four sides (torch's convention).

    `norm` names the batch normalisation that follows and is folded into the deployed weights; it counts 2 parameters
    per channel, as in OFA's and thop's counters. A convolution with a norm has no bias of its own.
    """

    in_channels: int
    kernel: int
    stride: int
    padding: int
    groups: int
    bias: bool
    norm: str | None

    @property
    def depthwise(self) -> bool:
        """Whether every input channel has its own filter."""
        return self.groups == self.in_channels and self.groups > 1

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(out, in / groups, kernel, kernel)."""
        return self.shape[2], self.in_channels // self.groups, self.kernel, self.kernel


@dataclass(frozen=True, slots=True)
class Linear(Op):
    """Fully connected layer on a (1, 1, channels) value."""

    in_features: int
    bias: bool


@dataclass(frozen=True, slots=True)
class Activation(Op):
    """Element-wise non-linearity of `ACTIVATIONS`; h_sigmoid(x) = relu6(x + 3) / 6, h_swish(x) = x * h_sigmoid(x)."""

    function: str


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(Op):
    """Mean over height and width; the output is (1, 1, channels)."""


@dataclass(frozen=True, slots=True)
class Add(Op):
    """Element-wise sum of two values of one shape."""


@dataclass(frozen=True, slots=True)
class Multiply(Op):
    """First input times the second, which is (1, 1, channels) and broadcast (squeeze-and-excitation)."""


@dataclass(frozen=True, slots=True)
class MaxPool(Op):
    """Maximum over a window, padded like a convolution."""

    kernel: int
    stride: int
    padding: int


@dataclass(frozen=True, slots=True)
class Layer:
    """A unit that a latency table has one row for: consecutive operations between one input and one output value.

    Attributes:
        kind: First word of the key, e.g. "expanded_conv".
        attrs: What else tells two layers of one kind and shape apart, in the key's order.
        input: Name of the value it reads.
        input_shape: Its shape.
        ops: The operations; the last one's output is the layer's output.
        stage: Stage of the search space it belongs to, or None for a fixed part.
    """

    kind: str
    attrs: tuple[tuple[str, int], ...]
    input: str
    input_shape: Shape
    ops: tuple[Op, ...]
    stage: int | None = None

    @property
    def output_shape(self) -> Shape:
        """Shape of the layer's output."""
        return self.ops[-1].shape

    @property
    def key(self) -> str:
        """The row's name in a latency table, in OFA's grammar: KIND-input:HxWxC-output:HxWxC-attr:value..."""
        attrs = "".join(f"-{name}:{value}" for name, value in self.attrs)
        return f"{self.kind}-input:{shape_text(self.input_shape)}-output:{shape_text(self.output_shape)}{attrs}"

    @property
    def params(self) -> int:
        """Learned values: weights, biases, and two per channel of every batch normalisation."""
        return sum(op_params(op) for op in self.ops)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations for one image: convolutions and linear layers only, as in OFA's counter."""
        return sum(op_macs(op) for op in self.ops)

    @property
    def deployed_weights(self) -> int:
        """Values stored in an exported file: batch normalisation is folded into one bias per channel."""
        return sum(_deployed(op) for op in self.ops)


@dataclass(frozen=True)
class NetSpec:
    """A network: input shape and layers in order of execution. The last operation's output is the network's output."""

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """All operations in order of execution."""
        return tuple(op for layer in self.layers for op in layer.ops)

    @property
    def output_shape(self) -> Shape:
        """Shape of the network's output, e.g. (1, 1, 1536)."""
        return self.layers[-1].output_shape

    @property
    def output(self) -> str:
        """Name of the output value."""
        return self.ops[-1].name

    @property
    def params(self) -> int:
        """Learned values of the whole network, see `Layer.params`."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations for one image, see `Layer.macs`."""
        return sum(layer.macs for layer in self.layers)

    @property
    def deployed_weights(self) -> int:
        """Values stored in an exported file, see `Layer.deployed_weights`."""
        return sum(layer.deployed_weights for layer in self.layers)


def shape_text(shape: Shape) -> str:
    """'HxWxC'."""
    return "x".join(str(size) for size in shape)


def op_params(op: Op) -> int:
    """Learned values of one operation; a batch normalisation counts two per channel."""
    if isinstance(op, Conv):
        return int(np.prod(op.weight_shape)) + op.shape[2] * (2 if op.norm else int(op.bias))
    if isinstance(op, Linear):
        return op.shape[2] * (op.in_features + int(op.bias))
    if isinstance(op, Activation) and op.function == "prelu":
        return op.shape[2]
    return 0


def op_macs(op: Op) -> int:
    """Multiply-accumulate operations of one operation for one image."""
    if isinstance(op, Conv):
        return int(np.prod(op.weight_shape)) * op.shape[0] * op.shape[1]
    if isinstance(op, Linear):
        return op.shape[2] * op.in_features
    return 0


def _deployed(op: Op) -> int:
    return op_params(op) - (op.shape[2] if isinstance(op, Conv) and op.norm else 0)


def random_weights(spec: NetSpec, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Weights for timing and tests: He-initialised by fan-in, small biases, PReLU slopes of 0.25."""
    weights: dict[str, npt.NDArray[np.float32]] = {}
    for op in spec.ops:
        if isinstance(op, Conv | Linear):
            shape = op.weight_shape if isinstance(op, Conv) else (op.shape[2], op.in_features)
            scale = np.sqrt(2.0 / np.prod(shape[1:]))
            weights[f"{op.name}.weight"] = rng.normal(0.0, scale, shape).astype(np.float32)
            if has_bias(op):
                weights[f"{op.name}.bias"] = rng.normal(0.0, 0.05, shape[0]).astype(np.float32)
        elif isinstance(op, Activation) and op.function == "prelu":
            weights[f"{op.name}.weight"] = np.full(op.shape[2], 0.25, np.float32)
    return weights


def has_bias(op: Conv | Linear) -> bool:
    """Whether the deployed form of the operation has a bias."""
    return op.bias or (isinstance(op, Conv) and op.norm is not None)


@dataclass
class NetBuilder:
    """Builds a `NetSpec` operation by operation; every method returns the name of the value it made.

    Example::

        net = NetBuilder("tiny", (32, 32, 3))
        with net.layer("Conv"):
            x = net.conv(INPUT, "stem.conv", channels=8, kernel=3, stride=2, norm="stem.bn")
            x = net.activation(x, "relu")
        spec = net.build()
    """

    name: str
    input_shape: Shape
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _layers: list[Layer] = field(default_factory=list)
    _ops: list[Op] | None = None

    def __post_init__(self) -> None:
        self._shapes[INPUT] = self.input_shape

    @contextmanager
    def layer(self, kind: str, stage: int | None = None, **attrs: int) -> Iterator[None]:
        """Operations added inside the block form one layer, whose input is the first operation's first input."""
        self._ops = []
        yield
        ops, self._ops = tuple(self._ops), None
        first = ops[0].inputs[0]
        self._layers.append(Layer(kind, tuple(attrs.items()), first, self._shapes[first], ops, stage))

    def conv(
        self,
        x: str,
        name: str,
        *,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
        bias: bool = False,
        norm: str | None = None,
    ) -> str:
        """A convolution; `padding` defaults to kernel // 2."""
        height, width, in_channels = self._shapes[x]
        pad = kernel // 2 if padding is None else padding
        shape = (_strided(height, kernel, stride, pad), _strided(width, kernel, stride, pad), channels)
        return self._add(Conv(name, (x,), shape, in_channels, kernel, stride, pad, groups, bias, norm))

    def linear(self, x: str, name: str, *, features: int, bias: bool = True) -> str:
        """A fully connected layer on a (1, 1, channels) value."""
        return self._add(Linear(name, (x,), (1, 1, features), self._shapes[x][2], bias))

    def activation(self, x: str, function: str, name: str | None = None) -> str:
        """A non-linearity, named after its input unless `name` is given."""
        return self._add(Activation(name or f"{x}.{function}", (x,), self._shapes[x], function))

    def global_avg_pool(self, x: str, name: str) -> str:
        """Mean over height and width."""
        return self._add(GlobalAvgPool(name, (x,), (1, 1, self._shapes[x][2])))

    def max_pool(self, x: str, name: str, *, kernel: int, stride: int, padding: int) -> str:
        """Maximum over windows."""
        height, width, channels = self._shapes[x]
        shape = (_strided(height, kernel, stride, padding), _strided(width, kernel, stride, padding), channels)
        return self._add(MaxPool(name, (x,), shape, kernel, stride, padding))

    def add(self, a: str, b: str, name: str) -> str:
        """Element-wise sum."""
        return self._add(Add(name, (a, b), self._shapes[a]))

    def multiply(self, a: str, b: str, name: str) -> str:
        """Element-wise product, `b` broadcast over height and width."""
        return self._add(Multiply(name, (a, b), self._shapes[a]))

    def build(self) -> NetSpec:
        """The finished network."""
        return NetSpec(self.name, self.input_shape, tuple(self._layers))

    def _add(self, op: Op) -> str:
        if self._ops is None:
            raise RuntimeError("operations are added inside `with builder.layer(...)`")
        if op.name in self._shapes:
            raise RuntimeError(f"two operations are named {op.name}")
        self._shapes[op.name] = op.shape
        self._ops.append(op)
        return op.name


def _strided(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) // stride + 1


def single_layer(layer: Layer) -> NetSpec:
    """The layer as a network of its own, for measuring it alone."""
    ops = tuple(
        replace(op, inputs=tuple(INPUT if name == layer.input else name for name in op.inputs)) for op in layer.ops
    )
    return NetSpec(layer.key, layer.input_shape, (replace(layer, input=INPUT, ops=ops),))


def to_dict(spec: NetSpec) -> dict[str, Any]:
    """The network as plain JSON values: name, input shape, and per layer its key and operations."""
    return {
        "name": spec.name,
        "input_shape": list(spec.input_shape),
        "layers": [
            {"key": layer.key, "params": layer.params, "macs": layer.macs, "ops": [_op_dict(op) for op in layer.ops]}
            for layer in spec.layers
        ],
    }


def _op_dict(op: Op) -> dict[str, Any]:
    fields = {name: getattr(op, name) for name in op.__dataclass_fields__}
    return {"op": type(op).__name__} | {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}
