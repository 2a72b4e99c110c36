"""The exporter interface: a network and its weights become one file that a device runs.

Protocol. An exporter is constructed as `cls(config)`; the constructor checks the configuration and imports nothing
heavy. `export(spec, weights, path, metadata)` may be called any number of times and leaves its arguments unchanged.
Equal arguments give equal bytes. The file appears under `path` complete or not at all. What an application needs to use
the file stands inside it (`read_metadata` gives it back): the input's and output's name, shape and layout, the
preprocessing, and whatever the caller adds, such as thresholds and provenance.

Preprocessing stays outside the graph, as in the OFA networks: the input is RGB, already resized, scaled and normalised
as the metadata says. An application normalises while it converts its camera image, at no extra pass.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import ExportError, UnknownName, listing
from nasface.netspec import NetSpec, Shape, Weights, weight_shapes
from nasface.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from nasface.runs import Json, atomic_folder, atomic_write

METADATA_NAME: Final = "nasface"
"""Name of the entry of a file that holds the JSON description."""

INPUT_NAME: Final = "input"
OUTPUT_NAME: Final = "descriptor"


Examples = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""What a network will see: photos uint8[n, height, width, 3], RGB, which the exporter prepares as the file says that
the application has to; or float32[n, *spec.input_shape] as the network takes them."""


@dataclass(frozen=True)
class Exported:
    """A written file.

    Attributes:
        path: Where it is; a folder in formats that are one.
        bytes: Its size.
        sha256: Its hash, hexadecimal; of a folder that of its files, one after the other in the order of their paths.
    """

    path: Path
    bytes: int
    sha256: str


Metadata = Mapping[str, Json]
"""What the caller has a file say of itself, beside what the exporter knows."""


class Exporter(ABC):
    """Writes networks in one file format.

    Attributes:
        suffix: Of its files; `nasface.runtimes.runtimes` names the runtime that checks and times them.
        precisions: What `precision` may be.
        precision: How weights are stored and values computed.
        splits_depthwise: Whether 7x7 depthwise convolutions are written as sums of smaller ones.
    """

    suffix: ClassVar[str] = ".tflite"
    precisions: ClassVar[tuple[str, ...]] = ("float32",)
    precision: str = "float32"
    splits_depthwise: bool = False

    @property
    def computes(self) -> str:
        """What files compute in: "int8", else "float32", however weights are stored."""
        return "int8" if self.precision == "int8" else "float32"

    @property
    def tolerated(self) -> str:
        """Which of `nasface.runtimes.TOLERANCES` the check of a file takes."""
        return self.precision

    @abstractmethod
    def export(
        self,
        spec: NetSpec,
        weights: Weights,
        path: Path,
        metadata: Metadata,
        examples: Examples | None = None,
    ) -> Exported:
        """Write the network to `path`.

        Args:
            spec: The network.
            weights: Its deployable weights, batch normalisation folded in.
            path: The file to write; its folder is made if need be.
            metadata: JSON values to put into the file beside the exporter's own; an entry of the same name wins.
            examples: What the network will see, some hundred; a precision that computes in integers takes the ranges
                of all values from them, others need none.

        Raises:
            ExportError: Weights are missing, misshapen or not representable, the metadata is not JSON, examples are
                missing or misshapen, or the file cannot be written.
            MissingDependency: The exporter's package is not installed.
        """


def check_precision(precision: str, known: tuple[str, ...]) -> str:
    """Return `precision`, or raise `UnknownName` if it is not one of `known`."""
    if precision not in known:
        raise UnknownName("precision", precision, known)
    return precision


def network_inputs(spec: NetSpec, examples: Examples | None) -> npt.NDArray[np.float32]:
    """Examples as the network takes them, float32[n, *spec.input_shape].

    Raises:
        ExportError: There are none, or of another shape.
    """
    if examples is None or not len(examples):
        raise ExportError(
            f"{spec.name}: an int8 file needs examples of what the network will see, for the ranges of its values; "
            "give some hundred photos."
        )
    if examples.shape[1:] != spec.input_shape or examples.dtype not in (np.uint8, np.float32):
        raise ExportError(
            f"{spec.name}: examples are {examples.dtype} of shape {examples.shape}; the network takes uint8 photos or "
            f"float32 inputs of shape (n, {', '.join(map(str, spec.input_shape))})."
        )
    if examples.dtype == np.uint8:
        return Preprocessing(spec.input_shape[0]).normalise(examples.astype(np.uint8, copy=False))
    return examples.astype(np.float32, copy=False)


def check_weights(spec: NetSpec, weights: Weights) -> None:
    """Raise `ExportError` unless `weights` holds every array of the network in its shape, all finite."""
    expected = weight_shapes(spec)
    missing = [name for name in expected if name not in weights]
    if missing:
        raise ExportError(f"{spec.name}: weights are missing: {listing(missing)}; give every one the network names.")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise ExportError(f"{spec.name}: {name} has shape {weights[name].shape}, but the network needs {shape}.")
        if not np.isfinite(weights[name]).all():
            raise ExportError(f"{spec.name}: {name} holds NaN or infinity; re-train or re-calibrate the network.")


def describe(
    spec: NetSpec, precision: str, metadata: Metadata, layout: str = "NHWC", named: Callable[[str], str] = str
) -> bytes:
    """The JSON that goes into the file, as deterministic UTF-8; of several outputs the format calls `x` `named(x)`.

    Raises:
        ExportError: `metadata` holds something that is not JSON, e.g. NaN.
    """
    own: dict[str, Json] = {
        "network": spec.name,
        "precision": precision,
        "input": _described_image(INPUT_NAME, spec.input_shape, layout),
        **_described_outputs(spec, layout, named),
        "preprocessing": preprocessing(spec),
    }
    return description_bytes(own | dict(metadata))


def description_bytes(description: Metadata) -> bytes:
    """A description as deterministic UTF-8.

    Raises:
        ExportError: It holds something that is not JSON, e.g. NaN.
    """
    try:
        return json.dumps(dict(description), sort_keys=True, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        name = description.get("network")
        raise ExportError(f"The metadata of {name} is not JSON ({error}); give plain, finite values.") from error


def output_names(spec: NetSpec) -> tuple[str, ...]:
    """What a file calls the network's outputs: the only one is `OUTPUT_NAME`, several keep their names."""
    return spec.outputs if len(spec.outputs) > 1 else (OUTPUT_NAME,)


def _described_image(name: str, shape: Shape, layout: str) -> dict[str, Json]:
    height, width, channels = shape
    sizes = [height, width, channels] if layout == "NHWC" else [channels, height, width]
    return {"name": name, "shape": [1, *sizes], "layout": layout, "type": "float32"}


def _described_outputs(spec: NetSpec, layout: str, named: Callable[[str], str]) -> dict[str, Json]:
    if len(spec.outputs) == 1:
        return {"output": {"name": OUTPUT_NAME, "shape": [1, int(np.prod(spec.output_shape))], "type": "float32"}}
    return {"outputs": [_described_image(named(name), shape, layout) for name, shape in spec.output_shapes.items()]}


def preprocessing(spec: NetSpec) -> dict[str, Json]:
    """What is done to an aligned face before the network: the OFA face networks' recipe, with ImageNet's mean and std.

    input = (resized RGB / 255 - mean) / std, channel by channel.
    """
    return {
        "colour": "RGB",
        "resize": {"height": spec.input_shape[0], "width": spec.input_shape[1], "method": "bilinear", "crop": "none"},
        "scale": 1 / 255,
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
    }


def write_model(path: Path, data: bytes | memoryview) -> Exported:
    """Write a finished model atomically.

    Raises:
        ExportError: The folder or disk does not take it; nothing is left under `path`.
    """
    with _writing(path, len(data)), atomic_write(path) as temporary:
        temporary.write_bytes(data)
    return Exported(path, len(data), hashlib.sha256(data).hexdigest())


def write_package(path: Path, files: Mapping[str, bytes]) -> Exported:
    """Write a finished model that is a folder, atomically.

    Args:
        path: The folder; one that is there is replaced.
        files: By their paths in it, with slashes.

    Raises:
        ExportError: As `write_model`.
    """
    data = b"".join(files[name] for name in sorted(files, key=lambda name: name.split("/")))
    with _writing(path, len(data)), atomic_folder(path) as temporary:
        for name, content in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
    return Exported(path, len(data), hashlib.sha256(data).hexdigest())


@contextmanager
def _writing(path: Path, size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(
            f"The model of {size / 1e6:.2f} MB cannot be written to {path}: {reason}; choose a writable folder "
            "with enough space."
        ) from error
