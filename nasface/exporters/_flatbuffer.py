"""A TFLite model as a flatbuffer: a graph written as one, and the metadata inside.

Uses the schema's object API that ai-edge-litert ships; everything that knows the file format's layout is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as tfl

from nasface.exporters._graph import Graph, Operator, Tensor

IDENTIFIER: Final = b"TFL3"
SIGNATURE: Final = "serving_default"
ALIGNMENT: Final = 16
"""Bytes; the schema asks for it so that runtimes can use a mapped file's weights in place."""

_TENSOR_TYPES: Final[dict[str, int]] = {
    "float32": tfl.TensorType.FLOAT32,
    "float16": tfl.TensorType.FLOAT16,
    "int32": tfl.TensorType.INT32,
    "int8": tfl.TensorType.INT8,
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


def build_model(graph: Graph, description: str) -> Any:
    """The graph as the schema's model object, with one signature named `SIGNATURE`."""
    buffers: list[Any] = [AlignedBuffer()]  # buffer 0 is the empty one, by convention
    tensors = []
    for name, tensor in zip(graph.names(), graph.tensors, strict=True):
        if tensor.value is not None:
            buffers.append(AlignedBuffer(np.ascontiguousarray(tensor.value).reshape(-1).view(np.uint8)))
        tensors.append(_tensor(name, tensor, 0 if tensor.value is None else len(buffers) - 1))
    for index in [*graph.inputs.values(), *graph.outputs.values()]:
        tensors[index].shapeSignature = np.array([-1, *tensors[index].shape[1:]], np.int32)  # any number of images
    codes = list(dict.fromkeys((operator.code, operator.version) for operator in graph.operators))
    operators = [_operator(operator, codes.index((operator.code, operator.version))) for operator in graph.operators]
    ends = list(graph.inputs.values()), list(graph.outputs.values())
    signature = tfl.SignatureDefT(_tensor_maps(graph.inputs), _tensor_maps(graph.outputs), SIGNATURE.encode())
    return tfl.ModelT(
        version=3,
        # old runtimes read the first, one-byte field, which tops out at 127
        operatorCodes=[tfl.OperatorCodeT(min(code, 127), version=version, builtinCode=code) for code, version in codes],
        subgraphs=[tfl.SubGraphT(tensors, *ends, operators, name=b"main")],
        description=description,
        buffers=buffers,
        metadata=[],
        signatureDefs=[signature],
    )


def _tensor(name: str, tensor: Tensor, buffer: int) -> Any:
    made = tfl.TensorT(np.array(tensor.shape, np.int32), _TENSOR_TYPES[tensor.dtype], buffer, name.encode())
    made.hasRank = True
    if (quantization := tensor.quantization) is not None:
        made.quantization = tfl.QuantizationParametersT(
            scale=quantization.scales, zeroPoint=quantization.zero_points, quantizedDimension=quantization.axis
        )
    return made


def _operator(operator: Operator, code: int) -> Any:
    made = tfl.OperatorT(code, np.array(operator.inputs, np.int32), np.array([operator.output], np.int32))
    if operator.options is not None:
        made.builtinOptionsType = getattr(tfl.BuiltinOptions, type(operator.options).__name__.removesuffix("T"))
        made.builtinOptions = operator.options
    return made


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


def name_apart(model: Any) -> None:
    """Give every tensor of a converter's model object a name of its own; ends keep theirs."""
    graph = model.subgraphs[0]
    tensors = [Tensor(_text(tensor.name or b""), ()) for tensor in graph.tensors]
    ends = {tensors[index].name: index for index in [*graph.inputs, *graph.outputs]}
    for tensor, name in zip(graph.tensors, Graph(tensors, outputs=ends).names(), strict=True):
        tensor.name = name.encode()


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
