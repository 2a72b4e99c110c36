"""Running a written `.tflite` file on this host: outputs, time, and parity with the network it was made from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasface.errors import ExportError, InvalidInput, requires
from nasface.exporters.tflite import read_metadata
from nasface.runtimes._base import Descriptors, Images, Model, square

TOLERANCES: Final = {"float32": 1e-3, "float16": 2e-2, "int8_weights": 0.2}
"""Largest difference that `check_parity` accepts, relative to the descriptor's norm, by precision."""

LEAST_MEAN_COSINE: Final = 0.995
"""What `check_likeness` asks of descriptors on average."""


@dataclass(frozen=True)
class Timing:
    """Time of one image in milliseconds, over `runs` runs with `threads` threads."""

    mean_ms: float
    std_ms: float
    median_ms: float
    runs: int
    threads: int


@dataclass(frozen=True)
class Parity:
    """How well a file computes the network.

    Attributes:
        max_difference_relative: Largest absolute difference of any output over the norm of its reference.
        tolerance: What was accepted.
        images: Number of images compared.
    """

    max_difference_relative: float
    tolerance: float
    images: int

    @property
    def text(self) -> str:
        """For people."""
        return f"differs from torch by {self.max_difference_relative:.1g} of the descriptor's norm"


def open_tflite_model(path: Path, _resolution: int | None = None) -> Model:
    """Open a file, which says itself what it takes.

    Raises:
        InvalidInput: The input is not one square RGB image.
        ExportError: The runtime refuses the file.
    """
    shape = [int(side) for side in open_tflite(path).get_input_details()[0]["shape"]]
    return Model(square(path, shape[1:3]), lambda images: run_tflite(path, images))


@dataclass(frozen=True)
class Likeness:
    """How near a file that computes in integers comes to the network.

    Attributes:
        mean_cosine: Between both descriptors of an image, averaged over images.
        least_cosine: The least of any image.
        least_allowed: What was asked of the latter.
        images: Number of images compared.
    """

    mean_cosine: float
    least_cosine: float
    least_allowed: float
    images: int

    @property
    def text(self) -> str:
        """For people."""
        return f"cosine to float32 {self.mean_cosine:.4f}, least {self.least_cosine:.3f}"


def run_tflite(path: Path, inputs: Images, threads: int = 1) -> Descriptors:
    """Descriptors that the file gives, one image at a time.

    Raises:
        InvalidInput: The images are not of the shape the file takes.
        ExportError: The runtime refuses the file.
    """
    interpreter = open_tflite(path, threads)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape = tuple(source["shape"][1:].tolist())
    if inputs.ndim != 4 or inputs.shape[1:] != shape:
        raise InvalidInput(f"{path} takes images of shape {shape}, not {inputs.shape[1:]}; resize them.")
    outputs = np.empty((len(inputs), int(target["shape"][-1])), np.float32)
    for row, image in enumerate(inputs):
        interpreter.set_tensor(source["index"], image[None].astype(np.float32))
        interpreter.invoke()
        outputs[row] = interpreter.get_tensor(target["index"]).ravel()
    return outputs


def time_tflite(path: Path, threads: int = 1, runs: int = 50, warmup: int = 5) -> Timing:
    """Time the file on this host with one fixed random image."""
    interpreter = open_tflite(path, threads)
    details = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).standard_normal(details["shape"], np.float32)
    interpreter.set_tensor(details["index"], image)
    for _ in range(warmup):
        interpreter.invoke()
    times = np.empty(runs)
    for run in range(runs):
        start = time.perf_counter()
        interpreter.invoke()
        times[run] = time.perf_counter() - start
    times *= 1e3
    return Timing(float(times.mean()), float(times.std()), float(np.median(times)), runs, threads)


def check_parity(reference: Descriptors, path: Path, inputs: Images, tolerance: float | None = None) -> Parity:
    """Compare the file with the network's own descriptors of the same images.

    Args:
        reference: float32[n, channels], what the network gives (computed in another framework).
        path: The exported file.
        inputs: float32[n, height, width, 3].
        tolerance: Largest accepted difference relative to the descriptor's norm; by default by the file's precision,
            see `TOLERANCES`.

    Raises:
        ExportError: The difference is larger, or an output is not finite.
    """
    if tolerance is None:
        tolerance = TOLERANCES[read_metadata(path).get("precision", "float32")]
    outputs = run_tflite(path, inputs)
    if outputs.shape != reference.shape:
        raise ExportError(f"{path} gives descriptors of shape {outputs.shape}, the network {reference.shape}.")
    norms = np.maximum(np.linalg.norm(reference, axis=1), np.finfo(np.float32).tiny)
    difference = float((np.abs(outputs - reference).max(axis=1) / norms).max())
    if not difference <= tolerance:  # also when it is NaN
        raise ExportError(
            f"{path} differs from the network by {difference:.2g} of the descriptor's norm; allowed is {tolerance:g}. "
            "The file must not be used; report this with the network's genotype."
        )
    return Parity(difference, tolerance, len(inputs))


def check_likeness(reference: Descriptors, path: Path, inputs: Images, least: float) -> Likeness:
    """Compare the directions of the file's descriptors with those of the network's own.

    Args:
        reference: float32[n, channels], what the network gives in float32.
        path: The exported file.
        inputs: float32[n, height, width, 3].
        least: Cosine that every image has to reach; all together have to reach `LEAST_MEAN_COSINE`.

    Raises:
        ExportError: They do not.
    """
    outputs = run_tflite(path, inputs)
    norms = np.linalg.norm(outputs, axis=1) * np.linalg.norm(reference, axis=1)
    cosines = (outputs * reference).sum(axis=1) / np.maximum(norms, np.finfo(np.float32).tiny)
    mean, lowest = float(cosines.mean()), float(cosines.min())
    if not (mean >= LEAST_MEAN_COSINE and lowest >= least):  # also when one is NaN
        raise ExportError(
            f"{path}: descriptors of {len(inputs)} images have a mean cosine of {mean:.4f} to those in float32, the "
            f"least {lowest:.3f}; {LEAST_MEAN_COSINE} and {least} are asked for. This network loses too much in 8 "
            "bits: use exporter.precision=int8_weights or float16."
        )
    return Likeness(mean, lowest, least, len(inputs))


def open_tflite(path: Path, threads: int = 1) -> Any:
    """An `ai_edge_litert` interpreter with its tensors allocated.

    Raises:
        ExportError: The runtime refuses the file.
    """
    with requires("ai-edge-litert", "tflite", "running a .tflite file"):
        from ai_edge_litert.interpreter import Interpreter
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"{path} cannot be run: {error}.") from error
    return interpreter
