"""`.onnx` files, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.runtimes._base import Descriptors, Images, Model, square


def open_onnx(path: Path, resolution: int | None = None, threads: int = 1) -> Model:
    """Open a file; `resolution` is the side of an input whose size it leaves open.

    Raises:
        InvalidInput: The input is not one square RGB image, or its size is not known.
    """
    with requires("onnxruntime", "onnx", f"running {path.name}"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    channels_first = given.shape[1] == 3
    sides = given.shape[2:4] if channels_first else given.shape[1:3]
    size = resolution if not isinstance(sides[0], int) else square(path, sides)
    if size is None:
        raise InvalidInput(f"{path} takes images of any size; say which with space.resolution=.")

    def embed(images: Images) -> Descriptors:
        batch = images.transpose(0, 3, 1, 2) if channels_first else images
        chunks = [batch] if not isinstance(given.shape[0], int) else [batch[i : i + 1] for i in range(len(batch))]
        outputs = [session.run(None, {given.name: np.ascontiguousarray(chunk)})[0] for chunk in chunks]
        return np.concatenate(outputs).reshape(len(images), -1)

    return Model(size, embed)
