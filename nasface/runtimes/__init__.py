"""Runtimes: how a model file is run, one module per format; `open_model` goes by the suffix."""

from __future__ import annotations

from pathlib import Path

from nasface.errors import InvalidInput, UnknownName
from nasface.reading import check_fetched
from nasface.registry import REGISTRY, build, register
from nasface.runtimes._base import Descriptors, Images, Model, Runtime, Timing, time_model
from nasface.runtimes.coreml import open_coreml
from nasface.runtimes.onnx import open_onnx
from nasface.runtimes.parity import TOLERANCES, Likeness, Parity, check_likeness, check_parity, cosines
from nasface.runtimes.tflite import open_tflite_model, run_tflite
from nasface.runtimes.torch_export import open_torch_export
from nasface.runtimes.torchscript import open_torchscript

__all__ = [
    "TOLERANCES",
    "Descriptors",
    "Images",
    "Likeness",
    "Model",
    "Parity",
    "Runtime",
    "Timing",
    "check_likeness",
    "check_parity",
    "cosines",
    "open_model",
    "run_tflite",
    "runtimes",
    "time_model",
]


@register("runtime", "tflite")
def tflite() -> Runtime:
    """LiteRT on this machine's processor."""
    return Runtime((".tflite",), open_tflite_model)


@register("runtime", "onnx")
def onnx() -> Runtime:
    """ONNX Runtime on this machine's processor."""
    return Runtime((".onnx",), open_onnx)


@register("runtime", "torch_export")
def torch_export() -> Runtime:
    """Programs of torch.export."""
    return Runtime((".pt2",), open_torch_export)


@register("runtime", "coreml")
def coreml() -> Runtime:
    """Core ML's ML programs, computed in torch in place of Core ML, which runs on Apple's systems only."""
    return Runtime((".mlpackage",), open_coreml, stands_in=True)


@register("runtime", "torchscript")
def torchscript() -> Runtime:
    """TorchScript."""
    return Runtime((".pt", ".ts"), open_torchscript)


def runtimes() -> dict[str, Runtime]:
    """The runtime of every suffix.

    Raises:
        InvalidInput: A plug-in gives something else, or takes a suffix that has one.
    """
    found: dict[str, Runtime] = {}
    for name in REGISTRY.names("runtime"):
        made: object = build("runtime", {"name": name})
        if not isinstance(made, Runtime) or not made.suffixes or set(made.suffixes) & set(found):
            origin = REGISTRY.get("runtime", name).origin
            raise InvalidInput(
                f"The runtime {name} of {origin} must give a nasface.runtimes.Runtime with suffixes that no other has."
            )
        found |= dict.fromkeys(made.suffixes, made)
    return found


def open_model(path: Path, resolution: int | None = None, threads: int = 1, output: str | None = None) -> Model:
    """Open a model file.

    Args:
        path: `.tflite`, `.onnx`, `torch.export`'s `.pt2`, TorchScript's `.pt`, or the folder `.mlpackage`.
        resolution: Side of the input for files that do not state it (TorchScript, dynamic ONNX).
        threads: That one image is computed with; TorchScript uses torch's own number.
        output: Name of the descriptor among several outputs; None takes the only one of more than one number.

    Raises:
        InvalidInput: The file is absent, of an unknown kind, or its input is not one square RGB image.
    """
    known = runtimes()
    if path.suffix not in known:
        raise UnknownName("kind of model file", path.suffix or path.name, [*known, ".npy", ".npz"])
    if not path.exists():
        raise InvalidInput(f"There is no model {path}; give a file that exists.")
    try:
        check_fetched(path)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be run: {error}.") from None
    return known[path.suffix].open(path, resolution, threads, output)
