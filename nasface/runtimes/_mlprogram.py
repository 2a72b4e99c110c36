"""Computes an ML program of Core ML in torch, from its own messages and weights: a check, where Core ML is not.

Every operation is computed in float32 and its value kept in the type that the program states, as a float16 program's
are. Shapes are held against those that the program states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from google.protobuf.message import Message

MOST_NUMBERS: Final = 2**28
"""Of one value."""

Arguments = Mapping[str, Tensor]
"""By the names of MIL; the second of several of one name is called NAME1, and so on. A text is its bytes."""


class Program:
    """The function `main` of a program.

    Args:
        model: Core ML's `Model`.
        blobs: The bytes of its weight file.

    Attributes:
        outputs: Their names.
        constants: Weights and settings by name; texts as their bytes.
        operations: Kinds of the others, in order.

    Raises:
        ValueError, LookupError, RuntimeError: It holds what it must not, or operations that are not known here.
    """

    def __init__(self, model: Message, blobs: bytes) -> None:
        function = model.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        self.outputs = tuple(str(name) for name in block.outputs)
        self._input, self._steps = function.inputs[0].name, [op for op in block.operations if op.type != "const"]
        self.operations = tuple(str(op.type) for op in self._steps)
        if unknown := sorted(set(self.operations) - set(_RULES)):
            raise ValueError(f"it holds operations that are not computed here: {', '.join(unknown)}")
        constants = (op for op in block.operations if op.type == "const")
        self.constants = {str(op.outputs[0].name): _constant(op.attributes["val"], blobs) for op in constants}

    def __call__(self, image: Tensor) -> dict[str, Tensor]:
        """Outputs by name, of float32[1, channels, height, width]."""
        values: dict[str, Tensor] = {**self.constants, self._input: image}
        for step in self._steps:
            (output,) = step.outputs
            shape, dtype = _shape(output.type), torch.from_numpy(np.empty(0, _numpy_type(output.type))).dtype
            if np.prod(shape, dtype=float) > MOST_NUMBERS:
                raise ValueError(f"{output.name} is of shape {shape}")
            made = _RULES[step.type](_arguments(step, values))
            if tuple(made.shape) != shape:
                raise ValueError(f"{output.name} is {tuple(made.shape)}, and stated to be {shape}")
            values[output.name] = made.to(dtype)
        return {name: values[name].float() for name in self.outputs}


def _arguments(step: Message, values: Mapping[str, Tensor]) -> Arguments:
    given: dict[str, Tensor] = {}
    for name, argument in step.inputs.items():
        for number, binding in enumerate(argument.arguments):
            value = values[binding.name]
            given[f"{name}{number or ''}"] = value.float() if value.is_floating_point() else value
    return given


def _constant(value: Message, blobs: bytes) -> Tensor:
    dtype, shape = _numpy_type(value.type), _shape(value.type)
    if value.WhichOneof("value") == "blobFileValue":
        return torch.from_numpy(_blob(blobs, value.blobFileValue.offset, dtype).reshape(shape))
    stored = value.immediateValue.tensor
    values = getattr(stored, stored.WhichOneof("value")).values
    if stored.HasField("strings"):
        return torch.tensor(list(values[0].encode()), dtype=torch.uint8)
    numbers = np.frombuffer(values, dtype) if isinstance(values, bytes) else np.array(values, dtype)
    return torch.from_numpy(numbers.reshape(shape).copy())


def _blob(blobs: bytes, offset: int, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """Core ML's weight file: at the offset stand a mark, a type, the size in bytes and where the numbers are."""
    mark, _ = np.frombuffer(blobs, "<u4", 2, offset)
    size, start = (int(number) for number in np.frombuffer(blobs, "<u8", 2, offset + 8))
    if mark != 0xDEADBEEF:
        raise ValueError("its weights are not where it says")
    return np.frombuffer(blobs, dtype, size // np.dtype(dtype).itemsize, start).copy()


def _shape(kind: Message) -> tuple[int, ...]:
    return tuple(int(dimension.constant.size) for dimension in kind.tensorType.dimensions)


_TYPES: Final[Mapping[int, str]] = {1: "bool", 2: "uint8", 10: "<f2", 11: "<f4", 23: "<i4"}
"""By the numbers of MIL.proto; 2 is text."""


def _numpy_type(kind: Message) -> str:
    return _TYPES[kind.tensorType.dataType]


def _convolved(given: Arguments) -> Tensor:
    x, groups = _padded(given, 0.0), int(given.get("groups", 1))
    dilations = given["dilations"].tolist() if "dilations" in given else 1
    return F.conv2d(x, given["weight"], given.get("bias"), given["strides"].tolist(), 0, dilations, groups)


def _max_pooled(given: Arguments) -> Tensor:
    return F.max_pool2d(_padded(given, -torch.inf), given["kernel_sizes"].tolist(), given["strides"].tolist())


def _avg_pooled(given: Arguments) -> Tensor:
    if given["exclude_padding_from_average"]:
        raise ValueError("a mean without its padding is not computed here")
    return F.avg_pool2d(_padded(given, 0.0), given["kernel_sizes"].tolist(), given["strides"].tolist())


def _padded(given: Arguments, value: float) -> Tensor:
    kind = bytes(given["pad_type"].tolist())
    if kind not in (b"custom", b"valid") or given.get("ceil_mode"):
        raise ValueError("windows beyond the border are not computed here")
    top, bottom, left, right = given["pad"].tolist() if kind == b"custom" else [0] * 4
    return F.pad(given["x"], (left, right, top, bottom), value=value)


def _enlarged(given: Arguments) -> Tensor:
    return F.interpolate(given["x"], scale_factor=tuple(float(given[f"scale_factor_{s}"]) for s in ("height", "width")))


def _joined(given: Arguments) -> Tensor:
    return torch.cat([value for name, value in given.items() if name.startswith("values")], int(given["axis"]))


_RULES: Final[Mapping[str, Callable[[Arguments], Tensor]]] = {
    "add": lambda given: given["x"] + given["y"],
    "avg_pool": _avg_pooled,
    "cast": lambda given: given["x"],  # the stated type does it
    "concat": _joined,
    "conv": _convolved,
    "identity": lambda given: given["x"],
    "leaky_relu": lambda given: F.leaky_relu(given["x"], float(given["alpha"])),
    "linear": lambda given: F.linear(given["x"], given["weight"], given.get("bias")),
    "max_pool": _max_pooled,
    "mul": lambda given: given["x"] * given["y"],
    "prelu": lambda given: F.prelu(given["x"], given["alpha"]),
    "reduce_mean": lambda given: given["x"].mean(given["axes"].tolist(), keepdim=bool(given["keep_dims"])),
    "relu": lambda given: F.relu(given["x"]),
    "relu6": lambda given: F.relu6(given["x"]),
    "reshape": lambda given: given["x"].reshape(given["shape"].tolist()),
    "sigmoid": lambda given: given["x"].sigmoid(),
    "sigmoid_hard": lambda given: (given["x"] * given["alpha"] + given["beta"]).clamp(0, 1),
    "silu": lambda given: F.silu(given["x"]),
    "softmax": lambda given: given["x"].softmax(int(given["axis"])),
    "sub": lambda given: given["x"] - given["y"],
    "tanh": lambda given: given["x"].tanh(),
    "transpose": lambda given: given["x"].permute(given["perm"].tolist()),
    "upsample_nearest_neighbor": _enlarged,
}
"""By the names of MIL."""
