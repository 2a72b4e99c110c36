"""A TFLite model as a flatbuffer: building one tensor by tensor, and the metadata inside.

Uses the schema's object API that ai-edge-litert ships; everything that knows the file format's layout is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as tfl

IDENTIFIER: Final = b"TFL3"
SIGNATURE: Final = "serving_default"
ALIGNMENT: Final = 16
"""Bytes; the schema asks for it so that runtimes can use a mapped file's weights in place."""

_TENSOR_TYPES: Final[dict[str, int]] = {
    "float32": tfl.TensorType.FLOAT32,
    "float16": tfl.TensorType.FLOAT16,
    "int32": tfl.TensorType.INT32,
}


class AlignedBuffer(tfl.BufferT):  # type: ignore[misc]
    """A buffer whose bytes are aligned as the schema asks; the generated Python code ignores that attribute."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802
        """Append the buffer and return its offset."""
        data = None if self.data is None else _aligned_bytes(builder, np.asarray(self.data, np.uint8))
        tfl.BufferStart(builder)
        if data is not None:
            tfl.BufferAddData(builder, data)
        return int(tfl.BufferEnd(builder))


def _aligned_bytes(builder: flatbuffers.Builder, data: npt.NDArray[np.uint8]) -> int:
    """What `Builder.CreateByteVector` does, with an alignment."""
    builder.StartVector(1, data.size, ALIGNMENT)
    builder.head -= data.size
    builder.Bytes[builder.head : builder.head + data.size] = memoryview(data)  # type: ignore[arg-type]
    return int(builder.EndVector())


class GraphBuilder:
    """Collects tensors and operators of one graph; tensors are named by their index."""

    def __init__(self) -> None:
        self._buffers: list[Any] = [AlignedBuffer()]  # buffer 0 is the empty one, by convention
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: dict[tuple[int, int], int] = {}
        self._constants: dict[tuple[str, bytes], int] = {}

    def tensor(self, name: str, shape: Sequence[int], dtype: str = "float32", buffer: int = 0) -> int:
        """Add a tensor that an operator, or the application, fills."""
        self._tensors.append(
            tfl.TensorT(np.array(shape, np.int32), _TENSOR_TYPES[dtype], buffer, name.encode(), hasRank=True)
        )
        return len(self._tensors) - 1

    def constant(self, name: str, value: npt.NDArray[Any]) -> int:
        """Add a constant tensor."""
        self._buffers.append(AlignedBuffer(np.ascontiguousarray(value).reshape(-1).view(np.uint8)))
        return self.tensor(name, value.shape, value.dtype.name, len(self._buffers) - 1)

    def shared_constant(self, name: str, value: npt.NDArray[Any]) -> int:
        """Add a small constant once; later calls with the same name and value return the first one."""
        key = (name, value.tobytes())
        if key not in self._constants:
            self._constants[key] = self.constant(name, value)
        return self._constants[key]

    def operator(self, code: int, inputs: Sequence[int], output: int, options: Any = None, *, version: int = 1) -> None:
        """Add an operator; `options` is the schema's options object for `code`."""
        operator = tfl.OperatorT(
            self._codes.setdefault((code, version), len(self._codes)),
            np.array(inputs, np.int32),
            np.array([output], np.int32),
        )
        if options is not None:
            operator.builtinOptionsType = getattr(tfl.BuiltinOptions, type(options).__name__.removesuffix("T"))
            operator.builtinOptions = options
        self._operators.append(operator)

    def model(self, description: str, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> Any:
        """The finished model as the schema's object, with one signature named `SIGNATURE`."""
        graph = tfl.SubGraphT(
            self._tensors, list(inputs.values()), list(outputs.values()), self._operators, name=b"main"
        )
        codes = [
            # old runtimes read the first, one-byte field, which tops out at 127
            tfl.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), version=version, builtinCode=code)
            for code, version in self._codes
        ]
        signature = tfl.SignatureDefT(_tensor_maps(inputs), _tensor_maps(outputs), SIGNATURE.encode())
        return tfl.ModelT(
            version=3,
            operatorCodes=codes,
            subgraphs=[graph],
            description=description,
            buffers=self._buffers,
            metadata=[],
            signatureDefs=[signature],
        )


def _tensor_maps(tensors: Mapping[str, int]) -> list[Any]:
    return [tfl.TensorMapT(name.encode(), index) for name, index in tensors.items()]


def add_metadata(model: Any, name: str, value: bytes) -> None:
    """Add or replace the metadata entry `name` of a model object."""
    for entry in model.metadata or []:
        if _text(entry.name) == name:
            model.buffers[entry.buffer] = AlignedBuffer(np.frombuffer(value, np.uint8))
            return
    model.buffers.append(AlignedBuffer(np.frombuffer(value, np.uint8)))
    model.metadata = [*(model.metadata or []), tfl.MetadataT(name, len(model.buffers) - 1)]


def rename_ends(model: Any, source: str, targets: Sequence[str]) -> None:
    """Rename the only input and the outputs of a converter's model object, also in its signature, and order them."""
    graph, (signature,) = model.subgraphs[0], model.signatureDefs
    outputs = sorted(signature.outputs, key=lambda entry: (len(entry.name), entry.name))  # output_0, ..., output_10
    graph.outputs = [entry.tensorIndex for entry in outputs]
    for entry, name in zip([*signature.inputs, *outputs], (source, *targets), strict=True):
        entry.name = graph.tensors[entry.tensorIndex].name = name.encode()
    signature.outputs = outputs


def get_metadata(data: bytes, name: str) -> bytes | None:
    """The metadata entry `name` of a packed model, without unpacking its weights.

    Raises:
        ValueError: The bytes do not begin as a TFLite model does; damaged ones raise whatever reading them causes.
    """
    if data[4:8] != IDENTIFIER:
        raise ValueError("not a TFLite model")
    model = tfl.Model.GetRootAs(data, 0)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if _text(entry.Name()) == name:
            return bytes(model.Buffers(entry.Buffer()).DataAsNumpy())
    return None


def unpack(data: bytes) -> Any:
    """A packed model as the schema's object."""
    return tfl.ModelT.InitFromPackedBuf(data, 0)


def pack(model: Any) -> memoryview:
    """A model object as the bytes of a file, not copied once more; equal objects give equal bytes."""
    model.buffers = [AlignedBuffer(buffer.data) for buffer in model.buffers]
    size = sum(0 if buffer.data is None else len(buffer.data) for buffer in model.buffers)
    builder = flatbuffers.Builder(size + (1 << 16))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return memoryview(builder.Bytes)[builder.Head() :].toreadonly()


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
