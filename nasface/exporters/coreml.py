"""Core ML packages, for iOS and macOS: an ML program written from the network's description through coremltools."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nasface.exporters._base import (
    METADATA_NAME,
    Examples,
    Exported,
    Exporter,
    Metadata,
    check_precision,
    check_weights,
    describe,
    write_package,
)
from nasface.netspec import NetSpec, Weights
from nasface.registry import register

if TYPE_CHECKING:
    from google.protobuf.message import Message

SUFFIX: Final = ".mlpackage"
ROOM: Final = "com.apple.CoreML"
PROGRAM: Final = f"Data/{ROOM}/model.mlmodel"
"""Where in the folder the program and the description are."""

WEIGHTS: Final = f"Data/{ROOM}/weights/weight.bin"


@dataclass
class CoreMLConfig:
    """Parameters of `coreml`.

    Attributes:
        precision: "float32"; "float16": weights and arithmetic, as the Neural Engine has it.
    """

    name: str = "coreml"
    precision: str = "float32"


@register("exporter", "coreml", config=CoreMLConfig)
class CoreMLExporter(Exporter):
    """Core ML package (ML program, iOS 15, macOS 12), a folder; one image."""

    suffix = SUFFIX
    precisions = ("float32", "float16")

    def __init__(self, config: CoreMLConfig) -> None:
        self.precision = check_precision(config.precision, self.precisions)

    @property
    def tolerated(self) -> str:
        """Weights of float16 alone differ less than arithmetic in it."""
        return "float16_arithmetic" if self.precision == "float16" else self.precision

    def export(
        self,
        spec: NetSpec,
        weights: Weights,
        path: Path,
        metadata: Metadata,
        examples: Examples | None = None,
    ) -> Exported:
        """Write the network to `path`, see `Exporter.export`."""
        from nasface.exporters._coreml import coremltools, lowered, output_name

        check_weights(spec, weights)
        described = describe(spec, self.precision, metadata, layout="NCHW", named=output_name)
        with coremltools("exporter coreml") as ct:
            program, values = lowered(spec, weights, half=self.precision == "float16", ct=ct)
        program = with_coreml_metadata(program, described)
        return write_package(path, {"Manifest.json": _manifest(), PROGRAM: program, WEIGHTS: values})


def coreml_metadata(data: bytes) -> str | None:
    """The JSON description inside the bytes of a package's program, or None if there is none.

    Raises:
        ValueError: It is no Core ML model, or damaged.
    """
    found: Mapping[str, str] = parsed(data).description.metadata.userDefined
    return found.get(METADATA_NAME)


def coreml_operations(data: bytes) -> dict[str, int]:
    """How many operations of each kind the bytes of a package's program hold, most first.

    Raises:
        ValueError: See `coreml_metadata`.
    """
    functions = parsed(data).mlProgram.functions.values()
    blocks = [block for function in functions for block in function.block_specializations.values()]
    kinds = Counter(operation.type for block in blocks for operation in block.operations)
    return {kind: count for kind, count in kinds.most_common() if kind != "const"}


def with_coreml_metadata(data: bytes, description: bytes) -> bytes:
    """The bytes of a program with this description in place of another and of coremltools' notes, such as the day."""
    model = parsed(data)
    model.description.metadata.userDefined.clear()
    model.description.metadata.userDefined[METADATA_NAME] = description.decode()
    return bytes(model.SerializeToString(deterministic=True))


def parsed(data: bytes) -> Message:
    """Core ML's `Model` message.

    Raises:
        ValueError: The bytes are none.
        MissingDependency: coremltools is not installed.
    """
    from nasface.exporters._coreml import coremltools

    with coremltools(f"reading an {SUFFIX}") as ct:
        from google.protobuf.message import DecodeError

        model = ct.proto.Model_pb2.Model()
        try:
            model.ParseFromString(data)
        except DecodeError as error:
            raise ValueError(str(error)) from error
    if not model.HasField("description"):
        raise ValueError("it describes no input and output")
    return model


def _manifest() -> bytes:
    """What the folder holds; the identifiers, which have to differ within it only, are made of the paths."""
    items = {
        str(uuid.uuid5(uuid.NAMESPACE_URL, path)): {
            "author": ROOM,
            "description": f"CoreML Model {what}",
            "name": path.rpartition("/")[2],
            "path": path,
        }
        for path, what in ((f"{ROOM}/model.mlmodel", "Specification"), (f"{ROOM}/weights", "Weights"))
    }
    content = {"fileFormatVersion": "1.0.0", "itemInfoEntries": items, "rootModelIdentifier": next(iter(items))}
    return json.dumps(content, indent=4).encode()
