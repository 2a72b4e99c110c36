"""The default exporter: the graph written straight into the TFLite schema, without TensorFlow."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nasface.errors import UnknownName, requires
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
from nasface.runs import Json

if TYPE_CHECKING:
    from nasface.exporters._graph import Graph

HARD_SWISH: Final = ("float", "integer")
"""How h_swish is computed in an int8 file."""

REDUCED_PRECISION_NAME: Final = "reduced_precision_support"
"""Name of the entry by which TFLite's converter allows half-precision arithmetic where the processor has it."""


@dataclass
class TFLiteConfig:
    """Parameters of `tflite`.

    Attributes:
        precision: "float32"; "float16": half the size, and processors with half-precision arithmetic may use it;
            "int8": 8-bit integers throughout, between a quarter and a third of the size and about twice as fast;
            "int8_weights": as small, but computed in float32.
        split_depthwise: Write a 7x7 depthwise convolution as the sum of three smaller ones, for which XNNPACK has fast
            kernels. False for a runtime that has a fast 7x7 kernel of its own; null as the latency table's layers stood
            in its files, and true where it does not say.
        hard_swish: How h_swish is computed with precision=int8. "float": the operator HARD_SWISH between DEQUANTIZE and
            QUANTIZE, for processors: XNNPACK has no integer kernel of it, nor of PRELU and AVERAGE_POOL_2D, which are
            treated likewise. "integer": additions and multiplications of integers, for accelerators that compute in
            nothing else.
        float_operators: TFLite's names of operators that an int8 file computes in float32 besides, e.g. [CONV_2D]: to
            find out what an operator's integers cost.
    """

    name: str = "tflite"
    precision: str = "float32"
    split_depthwise: bool | None = None
    hard_swish: str = "float"
    float_operators: list[str] = field(default_factory=list)


@register("exporter", "tflite", config=TFLiteConfig)
class TFLiteExporter(Exporter):
    """TFLite file written directly: no TensorFlow, a fraction of a second, one XNNPACK partition."""

    precisions = ("float32", "float16", "int8", "int8_weights")

    def __init__(self, config: TFLiteConfig) -> None:
        self.precision = check_precision(config.precision, self.precisions)
        if config.hard_swish not in HARD_SWISH:
            raise UnknownName("exporter.hard_swish", config.hard_swish, HARD_SWISH)
        self.splits_depthwise, self._hard_swish = config.split_depthwise is not False, config.hard_swish
        self._float_operators = tuple(config.float_operators)

    def export(
        self,
        spec: NetSpec,
        weights: Weights,
        path: Path,
        metadata: Metadata,
        examples: Examples | None = None,
    ) -> Exported:
        """Write the network to `path`, see `Exporter.export`."""
        with requires("ai-edge-litert", "tflite", "exporter tflite"):
            from nasface.exporters import _flatbuffer
        check_weights(spec, weights)
        graph = self._graph(spec, weights, examples)
        description = describe(spec, self.precision, self._arithmetic(graph) | dict(metadata))
        model = _flatbuffer.build_model(graph, spec.name)
        if self.precision == "float16":
            _flatbuffer.add_metadata(model, REDUCED_PRECISION_NAME, b"fp16accfp32")
        _flatbuffer.add_metadata(model, METADATA_NAME, description)
        return write_model(path, _flatbuffer.pack(model))

    def _arithmetic(self, graph: Graph) -> dict[str, Json]:
        """What the description says beyond the precision."""
        if self.precision != "int8":
            return {}
        from nasface.exporters._quantize import left_in_float

        return {"hard_swish": self._hard_swish, "float_operators": left_in_float(graph)}

    def _graph(self, spec: NetSpec, weights: Weights, examples: Examples | None) -> Graph:
        from nasface.exporters._lowering import Lowering
        from nasface.exporters._quantize import NO_INTEGER_KERNEL, operator_codes, quantise
        from nasface.exporters._ranges import measure_ranges
        from nasface.exporters._storage import store_float16, store_int8

        integer = self.precision == "int8" and self._hard_swish == "integer"
        graph = Lowering(spec, weights, split=self.splits_depthwise, hard_swish=not integer).graph()
        if self.precision == "int8":
            ranges = measure_ranges(graph, network_inputs(spec, examples))
            kept = () if integer else NO_INTEGER_KERNEL
            return quantise(graph, ranges, {*kept, *operator_codes(self._float_operators)})
        return {"float16": store_float16, "int8_weights": store_int8}.get(self.precision, lambda same: same)(graph)


def tflite_metadata(data: bytes) -> str | None:
    """The JSON description inside the bytes of a `.tflite` file, or None if there is none.

    Raises:
        ValueError: It is no TFLite model, or damaged.
    """
    with requires("ai-edge-litert", "tflite", "reading a .tflite file"):
        from nasface.exporters import _flatbuffer
    try:
        found = _flatbuffer.get_metadata(data, METADATA_NAME)
    except (struct.error, AttributeError, IndexError, TypeError) as error:  # whatever a damaged file causes
        raise ValueError(str(error)) from error
    return None if found is None else found.decode()


def with_tflite_metadata(data: bytes, description: bytes) -> memoryview:
    """The bytes of a `.tflite` file that nasface wrote, with another description."""
    with requires("ai-edge-litert", "tflite", "writing a .tflite file"):
        from nasface.exporters import _flatbuffer
    model = _flatbuffer.unpack(data)
    _flatbuffer.add_metadata(model, METADATA_NAME, description)
    return _flatbuffer.pack(model)
