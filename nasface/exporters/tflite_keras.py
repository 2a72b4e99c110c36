"""The paper's exporter: a native Keras graph, converted by TensorFlow.

Slower to write than `tflite`, and TensorFlow is twenty times larger to install than ai-edge-litert. It is the oracle
for `tflite`, and the choice for someone who wants the very file that TensorFlow's converter makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nasface.errors import requires
from nasface.exporters._base import (
    INPUT_NAME,
    METADATA_NAME,
    Examples,
    Exported,
    Exporter,
    Metadata,
    check_precision,
    check_weights,
    describe,
    output_names,
    write_model,
)
from nasface.netspec import NetSpec, Weights
from nasface.registry import register


@dataclass
class TFLiteKerasConfig:
    """Parameters of `tflite_keras`.

    Attributes:
        precision: "float32", or "float16": half the size; processors with half-precision arithmetic may use it.
    """

    name: str = "tflite_keras"
    precision: str = "float32"


@register("exporter", "tflite_keras", config=TFLiteKerasConfig)
class TFLiteKerasExporter(Exporter):
    """TFLite file by way of a native Keras graph and TensorFlow's converter, as in the paper."""

    precisions = ("float32", "float16")

    def __init__(self, config: TFLiteKerasConfig) -> None:
        self.precision = check_precision(config.precision, self.precisions)

    def export(
        self,
        spec: NetSpec,
        weights: Weights,
        path: Path,
        metadata: Metadata,
        examples: Examples | None = None,
    ) -> Exported:
        """Write the network to `path`, see `Exporter.export`."""
        with requires("tensorflow", "keras", "exporter tflite_keras"):
            from nasface.exporters import _keras
        with requires("ai-edge-litert", "tflite", "exporter tflite_keras"):
            from nasface.exporters import _flatbuffer
        check_weights(spec, weights)
        description = describe(spec, self.precision, metadata)
        model = _flatbuffer.unpack(_keras.convert(spec, weights, half=self.precision == "float16"))
        _flatbuffer.rename_ends(model, INPUT_NAME, output_names(spec))
        _flatbuffer.name_apart(model)
        _flatbuffer.add_metadata(model, METADATA_NAME, description)
        return write_model(path, _flatbuffer.pack(model))
