"""NetSpec: a network as a list of typed operations, without any framework.

A `NetSpec` is what every later step reads: look-up-table keys, layer models, parameters, MACs, bytes, memory, the torch
module and every exporter derive from it. It is a sequence of `Layer`s (the units a latency table has rows for), each a
sequence of operations on named values. Weights are a separate `dict[str, ndarray]`, see `Weights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.netspec.operations import (
    INPUT,
    Op,
    Shape,
    op_deployed,
    op_macs,
    op_params,
)
from nasface.runs import Json

TRAITS: Final = ("expand", "kernel", "stride", "idskip", "se", "hs")
"""Fields of a layer that are part of its key, in OFA's order."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A unit that a latency table has one row for: consecutive operations between one input and one output value.

    Attributes:
        kind: First word of the key, e.g. "expanded_conv".
        input: Name of the value it reads.
        input_shape: Its shape.
        ops: The operations; the last one's output is the layer's output.
        stage: Stage of the search space it belongs to, or None for a fixed part.
        expand: Channels of an inverted-residual block between expansion and projection; None of other kinds, as below.
        kernel: Size of its spatial convolution.
        stride: Of the same.
        idskip: Whether input and output are added.
        se: Whether it squeezes and excites.
        hs: Whether its activation is h_swish rather than ReLU.
        others: What else tells two layers of one kind and shape apart, in the key's order; for spaces of plug-ins.
    """

    kind: str
    input: str
    input_shape: Shape
    ops: tuple[Op, ...]
    stage: int | None = None
    expand: int | None = None
    kernel: int | None = None
    stride: int | None = None
    idskip: bool | None = None
    se: bool | None = None
    hs: bool | None = None
    others: tuple[tuple[str, int], ...] = ()

    @property
    def traits(self) -> dict[str, int]:
        """What it has of `others` and `TRAITS`, in the key's order."""
        named = {name: getattr(self, name) for name in TRAITS}
        return dict(self.others) | {name: int(value) for name, value in named.items() if value is not None}

    @property
    def output_shape(self) -> Shape:
        """Shape of the layer's output."""
        return self.ops[-1].shape

    @property
    def key(self) -> str:
        """The row's name in a latency table, in OFA's grammar: KIND-input:HxWxC-output:HxWxC-attr:value..."""
        return f"{self.kind}-input:{shape_text(self.input_shape)}-output:{shape_text(self.output_shape)}" + "".join(
            f"-{name}:{value}" for name, value in self.traits.items()
        )

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
        return sum(op_deployed(op) for op in self.ops)


@dataclass(frozen=True)
class NetSpec:
    """A network: input shape, layers in order of execution, outputs.

    Attributes:
        name: For people.
        input_shape: Shape of the input.
        layers: In order of execution.
        outputs: Names of the values that the network gives; by default the last operation's.
    """

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.outputs:
            object.__setattr__(self, "outputs", (self.ops[-1].name,))

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """All operations in order of execution."""
        return tuple(op for layer in self.layers for op in layer.ops)

    @cached_property
    def output_shapes(self) -> dict[str, Shape]:
        """Shape of every output by name, in order."""
        shapes = {op.name: op.shape for op in self.ops}
        return {name: shapes[name] for name in self.outputs}

    @property
    def output_shape(self) -> Shape:
        """Shape of the output of a network with one, e.g. (1, 1, 1536)."""
        (shape,) = self.output_shapes.values()
        return shape

    @property
    def output(self) -> str:
        """Name of the output value of a network with one."""
        (name,) = self.outputs
        return name

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


def weight_shapes(spec: NetSpec) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the deployable weights of a network, in order of execution."""
    return {f"{op.name}.{part}": shape for op in spec.ops for part, shape in op.weight_shapes().items()}


def random_weights(spec: NetSpec, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
    """Weights for timing and tests: He-initialised by fan-in, small biases, vectors (PReLU slopes) of 0.25."""
    shapes = weight_shapes(spec)
    return {name: _random(rng, name, shape).astype(np.float32) for name, shape in shapes.items()}


def _random(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    if name.endswith(".bias"):
        return rng.normal(0.0, 0.05, shape)
    return np.full(shape, 0.25) if len(shape) == 1 else rng.normal(0.0, np.sqrt(2.0 / np.prod(shape[1:])), shape)


def single_layer(layer: Layer) -> NetSpec:
    """The layer as a network of its own, for measuring it alone.

    Raises:
        RuntimeError: It reads two values of earlier layers, so that it is no unit of a latency table.
    """
    own = {op.name for op in layer.ops}
    read = {name for op in layer.ops for name in op.inputs} - own
    if len(read) != 1:
        raise RuntimeError(f"the layer {layer.key} reads {', '.join(sorted(read))}; a layer reads one earlier value")
    ops = tuple(
        replace(op, inputs=tuple(INPUT if name == layer.input else name for name in op.inputs)) for op in layer.ops
    )
    return NetSpec(layer.key, layer.input_shape, (replace(layer, input=INPUT, ops=ops),))


def to_dict(spec: NetSpec) -> Mapping[str, Json]:
    """The network as plain JSON values: name, input shape, outputs, and per layer its key and operations."""
    return {
        "name": spec.name,
        "input_shape": list(spec.input_shape),
        "outputs": list(spec.outputs),
        "layers": [
            {"key": layer.key, "params": layer.params, "macs": layer.macs, "ops": [_op_dict(op) for op in layer.ops]}
            for layer in spec.layers
        ],
    }


def _op_dict(op: Op) -> Mapping[str, Json]:
    fields = {name: getattr(op, name) for name in op.__dataclass_fields__}
    return {"op": type(op).__name__} | {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}
