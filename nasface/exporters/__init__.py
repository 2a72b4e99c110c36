"""Exporters: NetSpec and weights become a file that a device runs; and running that file here."""

from nasface.exporters._base import Exported, Exporter, weight_shapes
from nasface.exporters.tflite import TFLiteConfig, TFLiteExporter, read_metadata
from nasface.exporters.tflite_keras import TFLiteKerasConfig, TFLiteKerasExporter
from nasface.runtimes.tflite import Parity, Timing, check_parity, run_tflite, time_tflite

__all__ = [
    "Exported",
    "Exporter",
    "Parity",
    "TFLiteConfig",
    "TFLiteExporter",
    "TFLiteKerasConfig",
    "TFLiteKerasExporter",
    "Timing",
    "check_parity",
    "read_metadata",
    "run_tflite",
    "time_tflite",
    "weight_shapes",
]
