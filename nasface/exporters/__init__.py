"""Exporters: NetSpec and weights become a file that a device runs."""

from nasface.exporters._base import (
    Examples,
    Exported,
    Exporter,
    Metadata,
    check_weights,
    describe,
    network_inputs,
    write_model,
)
from nasface.exporters.coreml import CoreMLConfig, CoreMLExporter
from nasface.exporters.metadata import read_metadata
from nasface.exporters.onnx import OnnxConfig, OnnxExporter
from nasface.exporters.tflite import TFLiteConfig, TFLiteExporter
from nasface.exporters.tflite_keras import TFLiteKerasConfig, TFLiteKerasExporter
from nasface.exporters.torch_export import TorchExportConfig, TorchExportExporter
from nasface.netspec import weight_shapes

__all__ = [
    "CoreMLConfig",
    "CoreMLExporter",
    "Examples",
    "Exported",
    "Exporter",
    "Metadata",
    "OnnxConfig",
    "OnnxExporter",
    "TFLiteConfig",
    "TFLiteExporter",
    "TFLiteKerasConfig",
    "TFLiteKerasExporter",
    "TorchExportConfig",
    "TorchExportExporter",
    "check_weights",
    "describe",
    "network_inputs",
    "read_metadata",
    "weight_shapes",
    "write_model",
]
