"""Whether a file computes what the network computes, and how far an int8 file is from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nasface.errors import ExportError
from nasface.runtimes._base import Descriptors

TOLERANCES: Final = {"float32": 1e-3, "float16": 2e-2, "float16_arithmetic": 0.1, "int8_weights": 0.2}
"""Largest difference that `check_parity` accepts, relative to the descriptor's norm, by `Exporter.tolerated`."""

LEAST_MEAN_COSINE: Final = 0.995
"""What `check_likeness` asks of descriptors on average."""

_TINY: Final = np.finfo(np.float32).tiny


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


def check_parity(reference: Descriptors, outputs: Descriptors, path: Path, tolerance: float) -> Parity:
    """Compare a file's descriptors with the network's own of the same images.

    Args:
        reference: float32[n, channels], what the network gives (computed in another framework).
        outputs: float32[n, channels], what the file gives.
        path: The file.
        tolerance: Largest accepted difference relative to the descriptor's norm, see `TOLERANCES`.

    Raises:
        ExportError: The difference is larger, or an output is not finite.
    """
    _check_shapes(reference, outputs, path)
    norms = np.maximum(np.linalg.norm(reference, axis=1), _TINY)
    difference = float((np.abs(outputs - reference).max(axis=1) / norms).max())
    if not difference <= tolerance:  # also when it is NaN
        raise ExportError(
            f"{path} differs from the network by {difference:.2g} of the descriptor's norm; allowed is {tolerance:g}. "
            "The file must not be used; report this with the network's genotype."
        )
    return Parity(difference, tolerance, len(outputs))


def check_likeness(reference: Descriptors, outputs: Descriptors, path: Path, least: float) -> Likeness:
    """Compare the directions of an int8 file's descriptors with those of the network's own.

    Args:
        reference: float32[n, channels], what the network gives in float32.
        outputs: float32[n, channels], what the file gives.
        path: The file.
        least: Cosine that every image has to reach; all together have to reach `LEAST_MEAN_COSINE`.

    Raises:
        ExportError: They do not.
    """
    _check_shapes(reference, outputs, path)
    similarity = cosines(reference, outputs)
    mean, lowest = float(similarity.mean()), float(similarity.min())
    if not (mean >= LEAST_MEAN_COSINE and lowest >= least):  # also when one is NaN
        raise ExportError(
            f"{path}: descriptors of {len(outputs)} images have a mean cosine of {mean:.4f} to those in float32, the "
            f"least {lowest:.3f}; {LEAST_MEAN_COSINE} and {least} are asked for. This network loses too much in 8 "
            "bits: use exporter.precision=int8_weights or float16."
        )
    return Likeness(mean, lowest, least, len(outputs))


def cosines(a: Descriptors, b: Descriptors) -> Descriptors:
    """Cosine between both descriptors of every image, float32[n]."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / np.maximum(norms, _TINY))


def _check_shapes(reference: Descriptors, outputs: Descriptors, path: Path) -> None:
    if outputs.shape != reference.shape:
        raise ExportError(f"{path} gives descriptors of shape {outputs.shape}, the network {reference.shape}.")
