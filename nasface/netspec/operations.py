"""The operations that networks are made of, what each counts, and the weights it has.

Shapes are (height, width, channels) of one image; there is no batch dimension. Weights are in torch's layout
(convolutions are OIHW, linear layers (out, in)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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

    def weight_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Its deployed values, batch normalisation folded in, by the last part of their names, e.g. "weight"."""
        return {}

    def macs(self) -> int:
        """Multiply-accumulate operations for one image."""
        return 0


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

    def weight_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Kernel, and bias where it has one or a norm."""
        return {"weight": self.weight_shape} | _bias(self)

    def macs(self) -> int:
        """A product for each number of the kernel at each place."""
        return int(np.prod(self.weight_shape)) * self.shape[0] * self.shape[1]


@dataclass(frozen=True, slots=True)
class Linear(Op):
    """Fully connected layer on a (1, 1, channels) value."""

    in_features: int
    bias: bool

    def weight_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Matrix (out, in), and bias where it has one."""
        return {"weight": (self.shape[2], self.in_features)} | _bias(self)

    def macs(self) -> int:
        """A product for each number of the matrix."""
        return self.shape[2] * self.in_features


@dataclass(frozen=True, slots=True)
class Activation(Op):
    """Element-wise non-linearity of `ACTIVATIONS`; h_sigmoid(x) = relu6(x + 3) / 6, h_swish(x) = x * h_sigmoid(x)."""

    function: str

    def weight_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The slopes of a PReLU."""
        return {"weight": (self.shape[2],)} if self.function == "prelu" else {}


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
class AvgPool(Op):
    """Mean over a window, padded like a convolution; the zeros of the border count (torch's `count_include_pad`)."""

    kernel: int
    stride: int
    padding: int


@dataclass(frozen=True, slots=True)
class Upsample(Op):
    """Nearest-neighbour enlargement: every pixel becomes `factor` x `factor` equal ones."""

    factor: int


@dataclass(frozen=True, slots=True)
class Concat(Op):
    """Values of one height and width, joined along the channels in the order of the inputs."""


@dataclass(frozen=True, slots=True)
class Flatten(Op):
    """All numbers of a value as channels of a (1, 1, n) value, in torch's order: channel, row, column."""


def op_params(op: Op) -> int:
    """Learned values of one operation; a batch normalisation counts two per channel."""
    return op_deployed(op) + (op.shape[2] if isinstance(op, Conv) and op.norm else 0)


def op_macs(op: Op) -> int:
    """Multiply-accumulate operations of one operation for one image."""
    return op.macs()


def op_deployed(op: Op) -> int:
    """Values of one operation that an exported file stores: a norm is folded into one bias per channel."""
    return sum(int(np.prod(shape)) for shape in op.weight_shapes().values())


def has_bias(op: Conv | Linear) -> bool:
    """Whether the deployed form of the operation has a bias."""
    return op.bias or (isinstance(op, Conv) and op.norm is not None)


def _bias(op: Conv | Linear) -> dict[str, tuple[int, ...]]:
    return {"bias": (op.shape[2],)} if has_bias(op) else {}
