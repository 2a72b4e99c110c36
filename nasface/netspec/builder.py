"""Building a `NetSpec` operation by operation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from nasface.netspec.network import Layer, NetSpec
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
)
from nasface.netspec.plugin_op import PluginOp, registered


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
    def layer(
        self,
        kind: str,
        stage: int | None = None,
        *,
        expand: int | None = None,
        kernel: int | None = None,
        stride: int | None = None,
        idskip: bool | None = None,
        se: bool | None = None,
        hs: bool | None = None,
        **others: int,
    ) -> Iterator[None]:
        """Operations added inside the block form one layer, whose input is the first operation's first input.

        What tells two layers of one kind and shape apart is part of the key: see `Layer`, `others` come first.
        """
        self._ops = []
        yield
        ops, self._ops = tuple(self._ops), None
        if not ops:
            raise RuntimeError(f"the layer {kind} of {self.name} has no operations")
        first = ops[0].inputs[0]
        self._layers.append(
            Layer(
                kind,
                first,
                self._shapes[first],
                ops,
                stage,
                expand,
                kernel,
                stride,
                idskip,
                se,
                hs,
                tuple(others.items()),
            )
        )

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
        if groups < 1 or in_channels % groups or channels % groups or channels < 1:
            raise RuntimeError(f"{name} has {groups} groups, which do not divide {in_channels} and {channels} channels")
        pad = kernel // 2 if padding is None else padding
        self._check_window(x, name, kernel, stride, pad)
        shape = (_strided(height, kernel, stride, pad), _strided(width, kernel, stride, pad), channels)
        return self._add(Conv(name, (x,), shape, in_channels, kernel, stride, pad, groups, bias, norm))

    def linear(self, x: str, name: str, *, features: int, bias: bool = True) -> str:
        """A fully connected layer on a (1, 1, channels) value."""
        if self._shapes[x][:2] != (1, 1):
            raise RuntimeError(f"{name} takes (1, 1, channels), not {self._shapes[x]}; pool or flatten {x} first")
        return self._add(Linear(name, (x,), (1, 1, features), self._shapes[x][2], bias))

    def activation(self, x: str, function: str, name: str | None = None) -> str:
        """A non-linearity, named after its input unless `name` is given."""
        if function not in ACTIVATIONS:
            raise RuntimeError(f"{function} is no activation after {x}; there are {', '.join(ACTIVATIONS)}")
        return self._add(Activation(name or f"{x}.{function}", (x,), self._shapes[x], function))

    def global_avg_pool(self, x: str, name: str) -> str:
        """Mean over height and width."""
        return self._add(GlobalAvgPool(name, (x,), (1, 1, self._shapes[x][2])))

    def max_pool(self, x: str, name: str, *, kernel: int, stride: int, padding: int) -> str:
        """Maximum over windows."""
        self._check_window(x, name, kernel, stride, padding)
        return self._add(MaxPool(name, (x,), self._pooled(x, kernel, stride, padding), kernel, stride, padding))

    def avg_pool(self, x: str, name: str, *, kernel: int, stride: int, padding: int = 0) -> str:
        """Mean over windows, zeros of the border included."""
        self._check_window(x, name, kernel, stride, padding)
        return self._add(AvgPool(name, (x,), self._pooled(x, kernel, stride, padding), kernel, stride, padding))

    def upsample(self, x: str, name: str, *, factor: int) -> str:
        """Nearest-neighbour enlargement."""
        height, width, channels = self._shapes[x]
        return self._add(Upsample(name, (x,), (height * factor, width * factor, channels), factor))

    def concat(self, values: Sequence[str], name: str) -> str:
        """Values of one height and width, joined along the channels."""
        shapes = [self._shapes[x] for x in values]
        if len({shape[:2] for shape in shapes}) != 1:
            raise RuntimeError(f"{name} joins values of one height and width, not of shapes {shapes}")
        return self._add(Concat(name, tuple(values), (*shapes[0][:2], sum(shape[2] for shape in shapes))))

    def flatten(self, x: str, name: str) -> str:
        """All numbers as channels, in torch's order."""
        return self._add(Flatten(name, (x,), (1, 1, int(np.prod(self._shapes[x])))))

    def add(self, a: str, b: str, name: str) -> str:
        """Element-wise sum of two values of one shape."""
        if self._shapes[a] != self._shapes[b]:
            raise RuntimeError(f"{name} adds values of one shape, not {self._shapes[a]} and {self._shapes[b]}")
        return self._add(Add(name, (a, b), self._shapes[a]))

    def multiply(self, a: str, b: str, name: str) -> str:
        """Element-wise product, `b` broadcast over height and width."""
        if self._shapes[b] not in (self._shapes[a], (1, 1, self._shapes[a][2])):
            raise RuntimeError(f"{name} multiplies {self._shapes[a]} by that shape or one number a channel, not {b}")
        return self._add(Multiply(name, (a, b), self._shapes[a]))

    def operation(self, op: PluginOp) -> str:
        """An operation of a plug-in.

        Raises:
            InvalidInput: Its class is not registered.
        """
        registered(type(op))
        if unknown := [name for name in op.inputs if name not in self._shapes]:
            raise RuntimeError(f"{op.name} reads {', '.join(unknown)}, which {self.name} does not have")
        if op.weight_shapes() and len(op.inputs) != 1:
            raise RuntimeError(f"{op.name} has weights and reads {len(op.inputs)} values; it may read one")
        return self._add(op)

    def shape(self, x: str) -> Shape:
        """(height, width, channels) of a value."""
        return self._shapes[x]

    def build(self, *outputs: str) -> NetSpec:
        """The finished network, which gives `outputs`, or the last operation's value if none are named."""
        if unknown := [name for name in outputs if name not in self._shapes]:
            raise RuntimeError(f"{self.name} has no values {', '.join(unknown)} to give")
        return NetSpec(self.name, self.input_shape, tuple(self._layers), outputs)

    def _check_window(self, x: str, name: str, kernel: int, stride: int, padding: int) -> None:
        height, width, _ = self._shapes[x]
        if kernel < 1 or stride < 1 or padding < 0 or kernel > min(height, width) + 2 * padding:
            raise RuntimeError(
                f"{name} has a window of {kernel} pixels, stride {stride} and padding {padding} on {height} x {width}"
            )

    def _pooled(self, x: str, kernel: int, stride: int, padding: int) -> Shape:
        height, width, channels = self._shapes[x]
        return _strided(height, kernel, stride, padding), _strided(width, kernel, stride, padding), channels

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
