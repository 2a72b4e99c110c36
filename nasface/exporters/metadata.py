"""The description that nasface puts into the files it exports, whatever their format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from nasface.errors import ExportError
from nasface.exporters.onnx import onnx_metadata
from nasface.exporters.tflite import tflite_metadata
from nasface.exporters.torch_export import torch_export_metadata
from nasface.reading import json_object, parse_json, read_bytes

Description: TypeAlias = dict[str, Any]
"""JSON; the fields are in docs/reference/model-metadata.md, and whoever exports a model may add more."""

READERS: Final[dict[str, Callable[[bytes], str | None]]] = {
    ".tflite": tflite_metadata,
    ".onnx": onnx_metadata,
    ".pt2": torch_export_metadata,
}
"""How the description is found in the bytes of a file, by its suffix."""


def read_metadata(path: Path | str) -> Description:
    """The description inside an exported file.

    Raises:
        ExportError: The file cannot be read, is of another format or damaged, or was not written by nasface.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise ExportError(f"{path} is none of the formats that hold a description: {', '.join(READERS)}.")
    try:
        found = READERS[path.suffix](read_bytes(path))
        description = None if not found else json_object(parse_json(found))
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}; give a file that nasface exported.") from error
    except ValueError as error:
        name = path.suffix.removeprefix(".")
        raise ExportError(f"{path} is not a {name} model, or damaged; give a file that nasface exported.") from error
    if description is None:
        raise ExportError(f"{path} holds no description; give a file that nasface exported.")
    return description
