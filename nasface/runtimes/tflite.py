"""`.tflite` files, run by LiteRT on this host's processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nasface.errors import ExportError, InvalidInput, requires
from nasface.runtimes._base import Descriptors, Images, Model, square


def open_tflite_model(path: Path, _resolution: int | None = None, threads: int = 1) -> Model:
    """Open a file, which says itself what it takes.

    Raises:
        InvalidInput: The input is not one square RGB image.
        ExportError: The runtime refuses the file.
    """
    interpreter = open_tflite(path, threads)
    shape = [int(side) for side in interpreter.get_input_details()[0]["shape"]]
    return Model(square(path, shape[1:3]), lambda images: _run(interpreter, path, images))


def run_tflite(path: Path, inputs: Images, threads: int = 1) -> Descriptors:
    """Descriptors that the file gives, one image at a time.

    Raises:
        InvalidInput: The images are not of the shape the file takes.
        ExportError: The runtime refuses the file.
    """
    return _run(open_tflite(path, threads), path, inputs)


def _run(interpreter: Any, path: Path, inputs: Images) -> Descriptors:
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape = tuple(source["shape"][1:].tolist())
    if inputs.ndim != 4 or inputs.shape[1:] != shape:
        raise InvalidInput(f"{path} takes images of shape {shape}, not {inputs.shape[1:]}; resize them.")
    outputs = np.empty((len(inputs), int(target["shape"][-1])), np.float32)
    for row, image in enumerate(inputs):
        interpreter.set_tensor(source["index"], image[None].astype(np.float32))
        interpreter.invoke()
        outputs[row] = interpreter.get_tensor(target["index"]).ravel()
    return outputs


def open_tflite(path: Path, threads: int = 1) -> Any:
    """An `ai_edge_litert` interpreter with its tensors allocated.

    Raises:
        ExportError: The runtime refuses the file.
    """
    with requires("ai-edge-litert", "tflite", "running a .tflite file"):
        from ai_edge_litert.interpreter import Interpreter
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"{path} cannot be run: {error}.") from error
    return interpreter
