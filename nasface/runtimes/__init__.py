"""Runtimes: how a model file is run, one module per format; `open_model` goes by the suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from nasface.errors import InvalidInput, UnknownName
from nasface.runtimes._base import Descriptors, Images, Model
from nasface.runtimes.onnx import open_onnx
from nasface.runtimes.tflite import Parity, Timing, check_parity, open_tflite_model, run_tflite, time_tflite
from nasface.runtimes.torchscript import open_torchscript

__all__ = [
    "RUNTIMES",
    "Descriptors",
    "Images",
    "Model",
    "Parity",
    "Timing",
    "check_parity",
    "open_model",
    "run_tflite",
    "time_tflite",
]

RUNTIMES: Final[dict[str, Callable[[Path, int | None], Model]]] = {
    ".tflite": open_tflite_model,
    ".onnx": open_onnx,
    ".pt": open_torchscript,
    ".ts": open_torchscript,
}
"""How a file is opened, by its suffix."""


def open_model(path: Path, resolution: int | None = None) -> Model:
    """Open a model file.

    Args:
        path: `.tflite`, `.onnx`, or TorchScript `.pt`.
        resolution: Side of the input for files that do not state it (TorchScript, dynamic ONNX).

    Raises:
        InvalidInput: The file is absent, of an unknown kind, or its input is not one square RGB image.
    """
    if path.suffix not in RUNTIMES:
        raise UnknownName("kind of model file", path.suffix or path.name, [*RUNTIMES, ".npy", ".npz"])
    if not path.is_file():
        raise InvalidInput(f"There is no model {path}; give a file that exists.")
    return RUNTIMES[path.suffix](path, resolution)
