"""Exporters: NetSpec and weights become a file that a device runs; and running that file here."""

from nasface.exporters._base import Examples, Exported, Exporter, network_inputs, weight_shapes
from nasface.exporters.tflite import TFLiteConfig, TFLiteExporter, read_metadata
from nasface.exporters.tflite_keras import TFLiteKerasConfig, TFLiteKerasExporter

__all__ = [
    "Examples",
    "Exported",
    "Exporter",
    "TFLiteConfig",
    "TFLiteExporter",
    "TFLiteKerasConfig",
    "TFLiteKerasExporter",
    "network_inputs",
    "read_metadata",
    "weight_shapes",
]
