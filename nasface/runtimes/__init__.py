"""Runtimes: how a model file is run, one module per format; `open_model` goes by the suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from nasface.errors import InvalidInput, UnknownName
from nasface.runtimes._base import Descriptors, Images, Model, Timing, time_model
from nasface.runtimes.onnx import open_onnx
from nasface.runtimes.parity import TOLERANCES, Likeness, Parity, check_likeness, check_parity, cosines
from nasface.runtimes.tflite import open_tflite_model, run_tflite
from nasface.runtimes.torch_export import open_torch_export
from nasface.runtimes.torchscript import open_torchscript

__all__ = [
    "RUNTIMES",
    "TOLERANCES",
    "Descriptors",
    "Images",
    "Likeness",
    "Model",
    "Parity",
    "Timing",
    "check_likeness",
    "check_parity",
    "cosines",
    "open_model",
    "run_tflite",
    "time_model",
]

RUNTIMES: Final[dict[str, Callable[[Path, int | None, int, str | None], Model]]] = {
    ".tflite": open_tflite_model,
    ".onnx": open_onnx,
    ".pt2": open_torch_export,
    ".pt": open_torchscript,
    ".ts": open_torchscript,
}
"""How a file is opened, by its suffix."""


def open_model(path: Path, resolution: int | None = None, threads: int = 1, output: str | None = None) -> Model:
    """Open a model file.

    Args:
        path: `.tflite`, `.onnx`, `torch.export`'s `.pt2`, or TorchScript `.pt`.
        resolution: Side of the input for files that do not state it (TorchScript, dynamic ONNX).
        threads: That one image is computed with; TorchScript uses torch's own number.
        output: Name of the descriptor among several outputs; None takes the only one of more than one number.

    Raises:
        InvalidInput: The file is absent, of an unknown kind, or its input is not one square RGB image.
    """
    if path.suffix not in RUNTIMES:
        raise UnknownName("kind of model file", path.suffix or path.name, [*RUNTIMES, ".npy", ".npz"])
    if not path.is_file():
        raise InvalidInput(f"There is no model {path}; give a file that exists.")
    return RUNTIMES[path.suffix](path, resolution, threads, output)
