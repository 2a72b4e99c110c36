"""The description that nasface puts into the files it exports, whatever their format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from nasface.errors import ExportError
from nasface.exporters._base import description_bytes, write_model
from nasface.exporters.coreml import PROGRAM, SUFFIX, coreml_metadata, with_coreml_metadata
from nasface.exporters.onnx import onnx_metadata, with_onnx_metadata
from nasface.exporters.tflite import tflite_metadata, with_tflite_metadata
from nasface.exporters.torch_export import torch_export_metadata
from nasface.reading import Shape, check_shape, json_object, parse_json, read_bytes

Description: TypeAlias = dict[str, Any]
"""JSON; the fields are in docs/reference/model-metadata.md, and whoever exports a model may add more."""

_END: Final[Shape] = {"name?": str, "shape?": [int], "type?": str, "layout?": str}

FIELDS: Final[Shape] = {
    "network?": str,
    "precision?": str,
    "input?": _END,
    "output?": _END,
    "outputs?": [_END],
    "preprocessing?": {
        "colour": str,
        "resize": (dict, str),
        "scale": float,
        "mean": [float],
        "std": [float],
    },
    "descriptor?": str,
    "genotype?": dict,
    "template?": {"size": int, "points": [[float]], "origin?": str},
    "thresholds?": (list, str),
    "predicted?": {"value": (float, type(None))},
}
"""What is read of a description."""

RESIZE: Final[Shape] = {"method": str, "height": int, "width": int}
"""Of networks that take one size."""

THRESHOLD: Final[Shape] = {"far": float, "tar": float, "squared_l2": float, "cosine": float}

READERS: Final[dict[str, Callable[[bytes], str | None]]] = {
    ".tflite": tflite_metadata,
    ".onnx": onnx_metadata,
    ".pt2": torch_export_metadata,
    SUFFIX: coreml_metadata,
}
"""How the description is found in the bytes of a file, by its suffix; a package's are those of its program."""


WRITERS: Final[dict[str, Callable[[bytes, bytes], bytes | memoryview]]] = {
    ".tflite": with_tflite_metadata,
    ".onnx": with_onnx_metadata,
    SUFFIX: with_coreml_metadata,
}
"""The bytes of a file with another description, by its suffix."""


def replace_metadata(path: Path | str, description: Description) -> None:
    """Give a file that nasface exported another description, atomically; its network stays as it is.

    Raises:
        ExportError: As `read_metadata`; or files of this format cannot be given one.
    """
    path = Path(path)
    check_replaceable(path)
    file = _file(path)
    write_model(file, WRITERS[path.suffix](read_bytes(file), description_bytes(description)))


def check_replaceable(path: Path) -> None:
    """Refuse a file that cannot be given another description.

    Raises:
        ExportError: As `read_metadata`; or files of its format cannot.
    """
    read_metadata(path)
    if path.suffix not in WRITERS:
        raise ExportError(f"{path} cannot be given a description afterwards, only {', '.join(WRITERS)} can.")


def read_metadata(path: Path | str) -> Description:
    """The description inside an exported file.

    Raises:
        ExportError: The file cannot be read, is of another format or damaged, or was not written by nasface.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise ExportError(f"{path} is none of the formats that hold a description: {', '.join(READERS)}.")
    try:
        found = READERS[path.suffix](read_bytes(_file(path)))
        description = None if not found else _checked(json_object(parse_json(found)))
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}; give a file that nasface exported.") from error
    except ValueError as error:
        name = path.suffix.removeprefix(".")
        raise ExportError(
            f"{path} is not a {name} model, or damaged ({error}); give a file that nasface exported."
        ) from error
    if description is None:
        raise ExportError(f"{path} holds no description; give a file that nasface exported.")
    return description


def _file(path: Path) -> Path:
    """Where the description is: in the file, or in the program of a package."""
    return path / PROGRAM if path.suffix == SUFFIX else path


def _checked(description: Description) -> Description:
    check_shape(description, FIELDS)
    stated = description.get("thresholds")
    check_shape(stated if isinstance(stated, list) else [], [THRESHOLD])
    if said := description.get("preprocessing"):
        check_shape(said["resize"], RESIZE if isinstance(said["resize"], dict) else str, "preprocessing.resize")
        if said["scale"] == 0:
            raise ValueError("preprocessing.scale is 0")
    return description
