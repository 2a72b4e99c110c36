"""`.tflite` files, run by LiteRT on this host's processor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nasface.errors import ExportError, InvalidInput, requires
from nasface.reading import read_bytes
from nasface.runtimes._base import (
    Descriptors,
    Images,
    Model,
    Output,
    descriptor_output,
    in_batches,
    quantised,
    real,
    square,
)
from nasface.terminal import without_notices


def open_tflite_model(path: Path, _resolution: int | None = None, threads: int = 1, output: str | None = None) -> Model:
    """Open a file, which says itself what it takes; `output` names the descriptor among several outputs.

    Raises:
        InvalidInput: The input is not one square RGB image.
        ExportError: The runtime refuses the file.
    """
    interpreter = open_tflite(path, threads)
    shape = [int(side) for side in interpreter.get_input_details()[0]["shape"]]
    if len(interpreter.get_input_details()) != 1 or len(shape) != 4 or shape[3] != 3:
        raise InvalidInput(
            f"{path} takes inputs of shape {shape}; nasface measures networks with one square RGB input."
        )
    place = _descriptor(interpreter, path, output)
    return Model(square(path, shape[1:3]), lambda images: _run(interpreter, path, images, place))


def run_tflite(path: Path, inputs: Images, threads: int = 1) -> Descriptors:
    """Descriptors that the file gives, one image at a time.

    Raises:
        InvalidInput: The images are not of the shape the file takes.
        ExportError: The runtime refuses the file.
    """
    interpreter = open_tflite(path, threads)
    return _run(interpreter, path, inputs, _descriptor(interpreter, path, None))


def _descriptor(interpreter: Any, path: Path, wanted: str | None) -> int:
    details = interpreter.get_output_details()
    outputs = [Output(str(detail["name"]), int(np.prod(detail["shape"][1:]))) for detail in details]
    return 0 if len(outputs) == 1 and wanted is None else descriptor_output(path, outputs, wanted)


def _run(interpreter: Any, path: Path, inputs: Images, place: int) -> Descriptors:
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[place]
    shape = tuple(source["shape"][1:].tolist())
    if inputs.ndim != 4 or inputs.shape[1:] != shape:
        raise InvalidInput(f"{path} takes images of shape {shape}, not {inputs.shape[1:]}; resize them.")

    def run(images: Images) -> Descriptors:
        interpreter.set_tensor(source["index"], quantised(images, source["dtype"], *source["quantization"]))
        interpreter.invoke()
        return real(interpreter.get_tensor(target["index"]), *target["quantization"])

    if not len(inputs):
        return np.empty((0, int(np.prod(target["shape"][1:]))), np.float32)
    return in_batches(inputs, max(int(source["shape"][0]), 1), run)


def open_tflite(path: Path, threads: int = 1) -> Any:
    """An `ai_edge_litert` interpreter with its tensors allocated.

    Raises:
        ExportError: The runtime refuses the file.
    """
    with requires("ai-edge-litert", "tflite", "running a .tflite file"):
        from ai_edge_litert.interpreter import Interpreter
    try:
        with without_notices():
            interpreter = Interpreter(model_path=str(path), num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"{path} cannot be run: {error}.") from error
    return interpreter


def with_shape(path: Path, shape: Sequence[int] | None = None) -> bytes:
    """The content of a file, changed to take inputs of one shape and no other.

    LiteRT's newer interface, and with it LiteRT.js, refuses files that leave a dimension open.

    Args:
        path: A file that can be resized.
        shape: Of its input; None for its own, with one image where any number is allowed.

    Raises:
        ExportError: The runtime refuses the file, or this shape of its input.
    """
    with requires("ai-edge-litert", "tflite", "changing a .tflite file"):
        from ai_edge_litert import schema_py_generated as schema
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    try:
        # without delegates, which hide the tensors inside what they take over
        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=plain)
        if shape is not None:
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], list(shape))
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        wanted = "" if shape is None else f" with an input of shape {list(shape)}"
        raise ExportError(f"{path} cannot be run{wanted}: {error}.") from error
    shapes = {detail["index"]: detail["shape"] for detail in interpreter.get_tensor_details()}
    content = bytearray(read_bytes(path))
    graph = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        if tensor.ShapeLength():
            tensor.ShapeAsNumpy()[:] = shapes[index]  # a view of `content`
        if tensor.ShapeSignatureLength():
            tensor.ShapeSignatureAsNumpy()[:] = shapes[index]
    return bytes(content)
