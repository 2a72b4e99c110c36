"""A model file that was opened, whatever its format."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput

Images = npt.NDArray[np.float32]
"""float32[n, height, width, 3], normalised RGB."""

Descriptors = npt.NDArray[np.float32]
"""float32[n, d]."""


@dataclass(frozen=True)
class Model:
    """What a runtime makes of a file.

    Attributes:
        size: Side of its square input, pixels.
        embed: From normalised images to descriptors.
    """

    size: int
    embed: Callable[[Images], Descriptors]


@dataclass(frozen=True)
class Timing:
    """Time of one image in milliseconds, over `runs` runs with `threads` threads."""

    mean_ms: float
    std_ms: float
    median_ms: float
    runs: int
    threads: int


def time_model(model: Model, runs: int = 50, threads: int = 1, warmup: int = 5) -> Timing:
    """Time a model on this host with one fixed random image; `threads` is what it was opened with."""
    image = np.random.default_rng(0).standard_normal((1, model.size, model.size, 3), np.float32)
    for _ in range(warmup):
        model.embed(image)
    times = np.empty(runs)
    for run in range(runs):
        start = time.perf_counter()
        model.embed(image)
        times[run] = time.perf_counter() - start
    times *= 1e3
    return Timing(float(times.mean()), float(times.std()), float(np.median(times)), runs, threads)


def square(path: Path, sides: Sequence[int]) -> int:
    """The side of a square input; raises `InvalidInput` for any other."""
    if len(sides) != 2 or sides[0] != sides[1]:
        raise InvalidInput(
            f"{path} takes images of {list(sides)}; nasface measures networks with one square RGB input."
        )
    return int(sides[0])
