"""A graph of TFLite operators on named tensors before it is a file: the lowering writes it, precisions rewrite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Quantization:
    """What the integers of a tensor stand for: value = scale * (integer - zero point).

    Attributes:
        scales: float32[1], or float32[channels] of weights.
        zero_points: int64, likewise.
        axis: Of the channels, where there are several scales.
    """

    scales: npt.NDArray[np.float32]
    zero_points: npt.NDArray[np.int64]
    axis: int = 0


@dataclass(frozen=True)
class Tensor:
    """A value of the graph.

    Attributes:
        name: What it would like to be called; a file tells equal ones apart.
        shape: With the batch size of one.
        dtype: numpy's name.
        value: Of a constant.
        quantization: Of integers that stand for other numbers.
        shared: Whether it is a small constant that operators share, no weight.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    value: Array | None = None
    quantization: Quantization | None = None
    shared: bool = False


@dataclass(frozen=True)
class Operator:
    """One operator with one output; tensors are named by their index.

    Attributes:
        code: The schema's builtin operator.
        inputs: Tensors.
        output: Tensor.
        options: The schema's options object for `code`, or None.
        version: Of the operator: the first that does what is used.
    """

    code: int
    inputs: tuple[int, ...]
    output: int
    options: Any = None
    version: int = 1


@dataclass
class Graph:
    """Tensors and operators in order of execution.

    Attributes:
        tensors: By index.
        operators: In order.
        inputs: Tensors that the application fills, by the names it knows them under.
        outputs: Tensors that it reads, likewise.
        floors: Values below which a tensor's readers do not tell numbers apart, by tensor.
    """

    tensors: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    inputs: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)
    floors: dict[int, float] = field(default_factory=dict)
    _shared: dict[tuple[str, str, bytes], int] = field(default_factory=dict)

    def add(self, tensor: Tensor) -> int:
        """Add a tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def tensor(self, name: str, shape: Sequence[int], dtype: str = "float32") -> int:
        """Add a tensor that an operator, or the application, fills."""
        return self.add(Tensor(name, tuple(int(size) for size in shape), dtype))

    def constant(self, name: str, value: Array) -> int:
        """Add a constant tensor: weights."""
        return self.add(Tensor(name, value.shape, value.dtype.name, value))

    def shared_constant(self, name: str, value: Array) -> int:
        """Add a small constant once; later calls with the same name and value return the first one."""
        key = (name, value.dtype.name, value.tobytes())
        if key not in self._shared:
            self._shared[key] = self.add(Tensor(name, value.shape, value.dtype.name, value, shared=True))
        return self._shared[key]

    def operator(self, code: int, inputs: Sequence[int], output: int, options: Any = None, *, version: int = 1) -> None:
        """Add an operator."""
        self.operators.append(Operator(code, tuple(inputs), output, options, version))

    def readers(self) -> dict[int, list[Operator]]:
        """Operators that read a tensor, by tensor."""
        found: dict[int, list[Operator]] = {}
        for operator in self.operators:
            for index in operator.inputs:
                found.setdefault(index, []).append(operator)
        return found

    def names(self) -> list[str]:
        """A name of its own for every tensor: ends keep those the application knows, others get a number if need be.

        Readers other than TFLite tell tensors apart by name alone.
        """
        ends: Mapping[int, str] = {index: name for end in (self.inputs, self.outputs) for name, index in end.items()}
        taken, names = set(ends.values()), []
        for index, tensor in enumerate(self.tensors):
            name = ends.get(index) or _free(tensor.name, taken)
            taken.add(name)
            names.append(name)
        return names


def _free(name: str, taken: set[str]) -> str:
    """The name, or with the first number that makes it a new one."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free
