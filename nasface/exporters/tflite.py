"""The default exporter: the graph written straight into the TFLite schema, without TensorFlow."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nasface.errors import ExportError, requires
from nasface.exporters._base import (
    Exported,
    Exporter,
    check_precision,
    check_weights,
    describe,
    write_model,
)
from nasface.netspec import NetSpec, Weights
from nasface.registry import register

METADATA_NAME: Final = "nasface"
"""Name of the metadata entry that holds the JSON description."""

REDUCED_PRECISION_NAME: Final = "reduced_precision_support"
"""Name of the entry by which TFLite's converter allows half-precision arithmetic where the processor has it."""


@dataclass
class TFLiteConfig:
    """Parameters of `tflite`.

    Attributes:
        precision: "float32", or "float16": half the size; processors with half-precision arithmetic may use it.
        split_depthwise: Write a 7x7 depthwise convolution as the sum of three smaller ones, for which XNNPACK has fast
            kernels. Turn it off for a runtime that has a fast 7x7 kernel of its own.
    """

    name: str = "tflite"
    precision: str = "float32"
    split_depthwise: bool = True


@register("exporter", "tflite", config=TFLiteConfig)
class TFLiteExporter(Exporter):
    """TFLite file written directly: no TensorFlow, a fraction of a second, one XNNPACK partition."""

    def __init__(self, config: TFLiteConfig) -> None:
        self._precision = check_precision(config.precision)
        self._split = config.split_depthwise

    def export(self, spec: NetSpec, weights: Weights, path: Path, metadata: Mapping[str, Any]) -> Exported:
        """Write the network to `path`, see `Exporter.export`."""
        with requires("ai-edge-litert", "tflite", "exporter tflite"):
            from nasface.exporters import _flatbuffer
            from nasface.exporters._lowering import Lowering
        check_weights(spec, weights)
        description = describe(spec, self._precision, metadata)
        half = self._precision == "float16"
        model = Lowering(spec, weights, half=half, split=self._split).model()
        if half:
            _flatbuffer.add_metadata(model, REDUCED_PRECISION_NAME, b"fp16accfp32")
        _flatbuffer.add_metadata(model, METADATA_NAME, description)
        return write_model(path, _flatbuffer.pack(model))


def read_metadata(path: Path) -> dict[str, Any]:
    """The description inside an exported `.tflite` file.

    Raises:
        ExportError: The file cannot be read, is no TFLite model, or was not written by nasface.
    """
    with requires("ai-edge-litert", "tflite", "reading a .tflite file"):
        from nasface.exporters import _flatbuffer
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}; give a .tflite file.") from error
    try:
        found = _flatbuffer.get_metadata(data, METADATA_NAME)
        description: dict[str, Any] = json.loads(found or b"null")
    except (struct.error, AttributeError, IndexError, TypeError, ValueError) as error:  # whatever a damaged file causes
        raise ExportError(f"{path} is not a TFLite model, or damaged; give a file that nasface exported.") from error
    if description is None:
        raise ExportError(f"{path} holds no description; give a file that nasface exported.")
    return description
