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

TOLERANCES: Final = {"float32": 1e-3, "float16": 2e-2}
"""Largest difference that `check_parity` accepts, relative to the descriptor's norm, by precision of the weights."""


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


def open_tflite_model(path: Path, _resolution: int | None = None) -> Model:
    """Open a file, which says itself what it takes.

    Raises:
        InvalidInput: The input is not one square RGB image.
        ExportError: The runtime refuses the file.
    """
    shape = [int(side) for side in open_tflite(path).get_input_details()[0]["shape"]]
    return Model(square(path, shape[1:3]), lambda images: run_tflite(path, images))


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
