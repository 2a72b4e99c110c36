"""Runs a NetSpec in torch: the walk over the operations; who owns the weights is the caller's business."""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.netspec import (
    INPUT,
    Activation,
    Add,
    AvgPool,
    Concat,
    Conv,
    Flatten,
    GlobalAvgPool,
    MaxPool,
    Multiply,
    NetSpec,
    Op,
    PluginOp,
    Upsample,
)
from nasface.netspec.plugin_op import computed

BN_EPS = 1e-5
BN_MOMENTUM = 0.1

Weighted = Callable[[Op, Tensor], Tensor]
"""Computes an operation that has weights (a `Conv` with its norm, a `Linear`, a PReLU) from its input."""

LiveValues = dict[str, Tensor]
"""Output of every operation that is still needed, by name."""


class Interpreter:
    """Executes one network; every value is dropped after its last use.

    Args:
        spec: The network.
    """

    def __init__(self, spec: NetSpec) -> None:
        self._ops, self._outputs = spec.ops, spec.outputs
        last: dict[str, int] = {}
        for position, op in enumerate(spec.ops):
            last.update(dict.fromkeys(op.inputs, position))
        last.update(dict.fromkeys(spec.outputs, len(spec.ops)))  # never done
        self._done = [
            tuple(dict.fromkeys(name for name in op.inputs if last[name] == position))
            for position, op in enumerate(spec.ops)
        ]

    def __call__(self, x: Tensor, weighted: Weighted, watched: dict[str, Tensor] | None = None) -> Tensor:
        """Descriptors [n, channels] of images [n, 3, height, width]; without gradients, activations work in place.

        Args:
            x: The images.
            weighted: Computes what has weights.
            watched: Filled with the values of its keys, names of operations.
        """
        values = {INPUT: x}
        self.advance(values, weighted, 0, len(self._ops), watched=watched)
        return self.output(values)

    def maps(self, x: Tensor, weighted: Weighted) -> LiveValues:
        """Every output [n, channels, height, width] by name, in order."""
        values = {INPUT: x}
        self.advance(values, weighted, 0, len(self._ops))
        return {name: values[name] for name in self._outputs}

    def advance(
        self,
        values: LiveValues,
        weighted: Weighted,
        start: int,
        stop: int,
        kept: Collection[str] = (INPUT,),
        watched: dict[str, Tensor] | None = None,
    ) -> None:
        """Execute operations `start` to `stop` (exclusive) in place of `values`.

        Args:
            values: The values alive before operation `start`; afterwards those alive before `stop`.
            weighted: Computes the operations that have weights.
            start: Index of the first operation.
            stop: Index behind the last one.
            kept: LiveValues whose tensors others use, too: they are not overwritten.
            watched: See `__call__`.
        """
        for op, done in zip(self._ops[start:stop], self._done[start:stop], strict=True):
            inputs = [values[name] for name in op.inputs]
            for name in done:
                del values[name]
            spare = op.inputs[0] in done and op.inputs[0] not in kept and not torch.is_grad_enabled()
            values[op.name] = _compute(op, inputs, weighted, spare)
            if watched is not None and op.name in watched:
                watched[op.name] = values[op.name] if torch.is_grad_enabled() else values[op.name].clone()

    def output(self, values: LiveValues) -> Tensor:
        """Descriptors [n, channels] of a network with one output, when all operations have been executed."""
        (name,) = self._outputs
        return values[name].flatten(1)


def is_weighted(op: Op) -> bool:
    """Whether the operation has weights of its own."""
    return bool(op.weight_shapes())


def convolve(op: Conv, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The convolution without its norm."""
    return F.conv2d(x, weight, bias, op.stride, op.padding, 1, op.groups)


def _compute(op: Op, inputs: list[Tensor], weighted: Weighted, spare: bool) -> Tensor:
    """One operation; `spare` allows to overwrite the first input."""
    if is_weighted(op):
        return weighted(op, inputs[0])
    if isinstance(op, Activation):
        return _activate(op.function, inputs[0], spare)
    if isinstance(op, GlobalAvgPool):
        return inputs[0].mean((2, 3), keepdim=True)
    if isinstance(op, MaxPool):
        return F.max_pool2d(inputs[0], op.kernel, op.stride, op.padding)
    if isinstance(op, AvgPool):
        return F.avg_pool2d(inputs[0], op.kernel, op.stride, op.padding)
    if isinstance(op, Upsample):
        return F.interpolate(inputs[0], scale_factor=op.factor)
    if isinstance(op, Concat):
        return torch.cat(inputs, 1)
    if isinstance(op, Flatten):  # a copy where others read the input, which a later operation might else overwrite
        return (inputs[0] if spare else inputs[0].clone()).flatten(1)[:, :, None, None]
    if isinstance(op, Add):
        return inputs[0].add_(inputs[1]) if spare else inputs[0] + inputs[1]
    if isinstance(op, Multiply):
        return inputs[0].mul_(inputs[1]) if spare else inputs[0] * inputs[1]
    if isinstance(op, PluginOp):
        return computed(op, inputs, {})
    raise TypeError(f"no torch form of {type(op).__name__}")


_FUNCTIONS: dict[str, Callable[[Tensor, bool], Tensor]] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "h_swish": F.hardswish,
    "h_sigmoid": F.hardsigmoid,
    "swish": F.silu,
    "sigmoid": lambda x, inplace: x.sigmoid_() if inplace else x.sigmoid(),
}


def _activate(function: str, x: Tensor, inplace: bool) -> Tensor:
    return _FUNCTIONS[function](x, inplace)
