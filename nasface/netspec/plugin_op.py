"""Operations of plug-ins: one class holds all that the core asks of an operation.

Protocol. A frozen dataclass that inherits `PluginOp` is put into the registry, `@register("operation", NAME)`, and into
networks by `NetBuilder.operation`. Counts and weights are methods with defaults: none. Its rules say how it is computed
(`torch`) and how it is written (`tflite`, `keras`, `onnx`, `coreml`); an exporter refuses a network whose operation has
no rule for it. Values are float32 of one shape each: [n, channels, height, width] in torch, onnx and coreml,
[n, height, width, channels] in tflite and keras. Weights, where there are some, come by the names of `weight_shapes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from nasface.errors import ExportError, InvalidInput
from nasface.netspec.operations import Op, Weights
from nasface.registry import REGISTRY, Component
from nasface.trust import blaming, broken

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[np.float32]


class TFLiteGraph(Protocol):
    """What a rule for `.tflite` writes into; tensors are numbers, operators those of TFLite's schema."""

    def tensor(self, name: str, shape: Sequence[int], dtype: str = "float32") -> int:
        """A value that an operator fills, with a batch size of one."""

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> int:
        """A weight."""

    def shared_constant(self, name: str, value: npt.NDArray[np.generic]) -> int:
        """A small constant that is no weight, e.g. a shape."""

    def operator(
        self, code: int, inputs: Sequence[int], output: int, options: object = None, *, version: int = 1
    ) -> None:
        """An operator of `BuiltinOperator` with its options object, `tfl.ReshapeOptionsT(...)` for instance."""


class OnnxGraph(Protocol):
    """What a rule for `.onnx` writes into; values are names."""

    def node(self, kind: str, name: str, inputs: list[str], **attributes: object) -> str:
        """A node of operator set 17, whose output bears its name."""

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        """A constant."""


class MILBuilder(Protocol):
    """What a rule for `.mlpackage` writes with: coremltools' builder, a function for every operation of Core ML."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        """E.g. `mul(x=..., y=..., name=...)`, which gives a variable."""


@dataclass(frozen=True, slots=True)
class PluginOp(Op):
    """An operation that the core does not know; see the protocol above."""

    def weight_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Its learned values, e.g. {"weight": (8, 3)}: in a network's weights they stand as "NAME.weight"."""
        return {}

    def macs(self) -> int:
        """Multiply-accumulate operations for one image."""
        return 0

    def torch(self, inputs: Sequence[Tensor], weights: Mapping[str, Tensor]) -> Tensor:
        """Compute it, [n, *shape] in torch's layout; the inputs are left as they are."""
        raise self._without("torch", "torch cannot compute")

    def tflite(self, graph: TFLiteGraph, inputs: Sequence[int], weights: Mapping[str, Array]) -> int:
        """Write it; the number of the tensor that holds its output."""
        raise self._without("tflite", "exporter=tflite cannot write")

    def keras(self, inputs: Sequence[object], weights: Mapping[str, Array]) -> object:
        """Build it of Keras layers; its output."""
        raise self._without("keras", "exporter=tflite_keras cannot write")

    def onnx(self, graph: OnnxGraph, inputs: Sequence[str], weights: Mapping[str, Array]) -> str:
        """Write it; the name of its output."""
        raise self._without("onnx", "exporter=onnx cannot write")

    def coreml(self, builder: MILBuilder, inputs: Sequence[object], weights: Mapping[str, Array]) -> object:
        """Write it, `builder.mul(x=..., y=..., name=self.name)` for instance; the variable that is its output."""
        raise self._without("coreml", "exporter=coreml cannot write")

    def _without(self, rule: str, cannot: str) -> ExportError:
        kind = type(self).__name__
        return ExportError(f"{self.name}: {cannot} {kind}, which has no rule {rule}; give it that method.")


_KNOWN: dict[type[Op], Component] = {}
"""Looked up once: networks ask at every image."""


def registered(kind: type[Op]) -> Component:
    """The component that an operation is.

    Raises:
        InvalidInput: It is not registered.
    """
    if kind not in _KNOWN:
        found = [component for component in REGISTRY if component.kind == "operation" and component.factory is kind]
        if not found:
            raise InvalidInput(
                f'The operation {kind.__name__} is not registered; put @register("operation", NAME) on its class.'
            )
        _KNOWN[kind] = found[0]
    return _KNOWN[kind]


def computed(op: PluginOp, inputs: Sequence[Tensor], weights: Mapping[str, Tensor]) -> Tensor:
    """Its value by its rule `torch`; what goes wrong inside names the plug-in.

    Raises:
        ComponentError: The rule fails, or gives another shape than the operation says.
    """
    component = registered(type(op))
    with blaming(component, "torch"):
        found = op.torch(inputs, weights)
    check_rule(op, "torch", hasattr(found, "requires_grad"), found, "a tensor")
    height, width, channels = op.shape
    if found.shape[1:] != (channels, height, width):
        raise broken(component, "torch", f"{op.name} is {list(found.shape[1:])}, not {[channels, height, width]}")
    return found


def check_rule(op: PluginOp, rule: str, fits: bool, found: object, wanted: str) -> None:
    """Refuse what a rule gave, unless it `fits`.

    Raises:
        ComponentError: With what it gave and what was wanted.
    """
    if not fits:
        given = f"'{found:.40}'" if isinstance(found, str) else f"a {type(found).__name__}"
        raise broken(registered(type(op)), rule, f"it gave {given} for {op.name}; {wanted} is asked for")


def own_weights(op: PluginOp, weights: Weights) -> dict[str, Array]:
    """Its weights by their own names, of those of a network."""
    return {part: np.asarray(weights[f"{op.name}.{part}"], np.float32) for part in op.weight_shapes()}
