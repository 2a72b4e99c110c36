"""ONNX files, written from the network's description through the `onnx` package: no torch, no tracing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nasface.errors import requires
from nasface.exporters._base import (
    METADATA_NAME,
    Examples,
    Exported,
    Exporter,
    Metadata,
    check_precision,
    check_weights,
    describe,
    network_inputs,
    write_model,
)
from nasface.netspec import NetSpec, Weights
from nasface.registry import register


@dataclass
class OnnxConfig:
    """Parameters of `onnx`.

    Attributes:
        precision: "float32"; "float16": weights of half the size, arithmetic in float32; "int8": 8-bit integers between
            QuantizeLinear and DequantizeLinear, with the ranges that `tflite` takes.
    """

    name: str = "onnx"
    precision: str = "float32"


@register("exporter", "onnx", config=OnnxConfig)
class OnnxExporter(Exporter):
    """ONNX file (operator set 17) for ONNX Runtime, OpenVINO and their like; any number of images."""

    suffix = ".onnx"
    precisions = ("float32", "float16", "int8")

    def __init__(self, config: OnnxConfig) -> None:
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
        with requires("onnx", "onnx", "exporter onnx"), requires("onnxruntime", "onnx", "exporter onnx"):
            from nasface.exporters._onnx import OnnxLowering
            from nasface.exporters._onnx_ranges import value_ranges
        check_weights(spec, weights)
        description = describe(spec, self.precision, metadata, layout="NCHW")
        integer = self.precision == "int8"
        ranges = value_ranges(spec, weights, network_inputs(spec, examples)) if integer else None
        model = OnnxLowering(spec, weights, half=self.precision == "float16", ranges=ranges).model()
        model.metadata_props.add(key=METADATA_NAME, value=description.decode())
        return write_model(path, model.SerializeToString(deterministic=True))


def onnx_metadata(data: bytes) -> str | None:
    """The JSON description inside the bytes of an `.onnx` file, or None if there is none.

    Raises:
        ValueError: It is no ONNX model, or damaged.
    """
    with requires("onnx", "onnx", "reading an .onnx file"):
        import onnx
        from google.protobuf.message import DecodeError
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return {entry.key: entry.value for entry in model.metadata_props}.get(METADATA_NAME)


def with_onnx_metadata(data: bytes, description: bytes) -> bytes:
    """The bytes of an `.onnx` file that nasface wrote, with another description."""
    with requires("onnx", "onnx", "writing an .onnx file"):
        import onnx
    model = onnx.load_model_from_string(data)
    for entry in model.metadata_props:
        if entry.key == METADATA_NAME:
            entry.value = description.decode()
    return bytes(model.SerializeToString(deterministic=True))
