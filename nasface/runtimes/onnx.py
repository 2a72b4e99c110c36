"""`.onnx` files, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.runtimes._base import Descriptors, Images, Model, Output, descriptor_output, in_batches, square

TYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
"""What an input may be made of; one of bytes has its preprocessing inside."""


def open_onnx(path: Path, resolution: int | None = None, threads: int = 1, output: str | None = None) -> Model:
    """Open a file; `resolution` is the side of an input whose size it leaves open.

    Raises:
        InvalidInput: The input is not one square RGB image, or its size is not known.
    """
    with requires("onnxruntime", "onnx", f"running {path.name}"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own classes, one for every kind of damage
        raise InvalidInput(f"{path} cannot be run by ONNX Runtime ({str(error).splitlines()[0]:.200}).") from None
    given = session.get_inputs()[0]
    if len(session.get_inputs()) != 1 or len(given.shape) != 4 or given.type not in TYPES:
        raise InvalidInput(
            f"{path} takes {given.type} of shape {given.shape}; nasface measures networks with one square RGB input of "
            f"{' or '.join(TYPES)}."
        )
    place = _descriptor(session, path, output)
    channels_first = given.shape[1] == 3
    sides = given.shape[2:4] if channels_first else given.shape[1:3]
    size = resolution if not isinstance(sides[0], int) else square(path, sides)
    if size is None:
        raise InvalidInput(f"{path} takes images of any size; say which with space.resolution=.")

    def embed(images: Images) -> Descriptors:
        fixed = isinstance(given.shape[0], int)
        return in_batches(images, max(given.shape[0], 1) if fixed else max(len(images), 1), run)

    def run(images: Images) -> Descriptors:
        batch = np.ascontiguousarray(images.transpose(0, 3, 1, 2) if channels_first else images)
        kind = TYPES[given.type]
        if kind is np.uint8:  # its own preprocessing is inside: it takes the photo's bytes
            batch = np.clip(np.rint(batch), 0, 255)
        return np.asarray(session.run(None, {given.name: batch.astype(kind)})[place], np.float32)

    return Model(size, embed, raw=TYPES[given.type] is np.uint8)


def _descriptor(session: Any, path: Path, wanted: str | None) -> int:
    outputs = [
        Output(end.name, int(np.prod([side for side in end.shape[1:] if isinstance(side, int)] or [2])))
        for end in session.get_outputs()
    ]
    return 0 if len(outputs) == 1 and wanted is None else descriptor_output(path, outputs, wanted)
