"""Exporters: NetSpec and weights become a file that a device runs; and running that file here."""

from nasface.exporters._base import Exported, Exporter, weight_shapes
from nasface.exporters.tflite import TFLiteConfig, TFLiteExporter, read_metadata
from nasface.exporters.tflite_keras import TFLiteKerasConfig, TFLiteKerasExporter

__all__ = [
    "Exported",
    "Exporter",
    "TFLiteConfig",
    "TFLiteExporter",
    "TFLiteKerasConfig",
    "TFLiteKerasExporter",
    "read_metadata",
    "weight_shapes",
]
