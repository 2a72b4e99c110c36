"""A model file that was opened, whatever its format."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, UnknownName

log = logging.getLogger(__name__)

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
        raw: Whether it takes the photo's values, 0 to 255, instead: its preprocessing is inside.
    """

    size: int
    embed: Callable[[Images], Descriptors]
    raw: bool = False


@dataclass(frozen=True)
class Runtime:
    """How files of some suffixes are run: what `@register("runtime", NAME)` is put on a function for, that gives one.

    Attributes:
        suffixes: Of its files, e.g. (".onnx",).
        open: Called as open(path, resolution, threads, output): the side of the input of files that do not state it, or
            None; the threads of one image; which output is the descriptor, where there are several. Raises
            `InvalidInput` for files that it cannot run.
        stands_in: Whether it computes what a file holds in place of what runs it elsewhere: its times would be of
            something else, so none are taken.
    """

    suffixes: tuple[str, ...]
    open: Callable[[Path, int | None, int, str | None], Model]
    stands_in: bool = False


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


@contextmanager
def torch_inference(threads: int) -> Iterator[None]:
    """So many threads for torch, and no gradients, for as long as it lasts."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)


def in_batches(images: Images, size: int, run: Callable[[Images], Descriptors]) -> Descriptors:
    """What a model of a fixed batch gives: the last batch is filled up with its first image."""
    parts = []
    for start in range(0, len(images), size):
        batch = images[start : start + size]
        filled = np.concatenate([batch, np.repeat(batch[:1], size - len(batch), axis=0)])
        parts.append(run(filled).reshape(size, -1)[: len(batch)])
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


@dataclass(frozen=True)
class Output:
    """An output of a model: its name and how many numbers it has for an image."""

    name: str
    numbers: int


def descriptor_output(path: Path, outputs: Sequence[Output], wanted: str | None) -> int:
    """Which of a model's outputs is the descriptor: the one asked for, or the only one of more than one number.

    Raises:
        InvalidInput: There is none, several could be meant, or none has the name.
    """
    names = [output.name for output in outputs]
    if wanted is not None:
        if wanted not in names:
            raise UnknownName(f"output of {path.name}", wanted, names)
        return names.index(wanted)
    long = [place for place, output in enumerate(outputs) if output.numbers > 1]
    if len(long) != 1:
        described = ", ".join(f"{output.name} ({output.numbers})" for output in outputs)
        raise InvalidInput(
            f"{path} has {len(outputs)} outputs ({described}); say which is the descriptor: evaluation.output=NAME."
        )
    if len(outputs) > 1:
        log.info("%s has %d outputs; %s is taken for the descriptor", path, len(outputs), names[long[0]])
    return long[0]


def quantised(
    values: npt.NDArray[np.float32], dtype: npt.DTypeLike, scale: float, zero: int
) -> npt.NDArray[np.generic]:
    """Real numbers as a model's integers; unchanged in kind where the model takes floating-point numbers."""
    kind = np.dtype(dtype)
    if not np.issubdtype(kind, np.integer) or not scale:
        return values.astype(kind)
    limits = np.iinfo(kind)
    return np.asarray(np.clip(np.round(values / scale) + zero, limits.min, limits.max), kind)


def real(values: npt.NDArray[np.generic], scale: float, zero: int) -> npt.NDArray[np.float32]:
    """A model's integers as the real numbers they stand for."""
    numbers = np.asarray(values, np.float32)
    return numbers if not scale or not np.issubdtype(values.dtype, np.integer) else (numbers - zero) * np.float32(scale)


def square(path: Path, sides: Sequence[int]) -> int:
    """The side of a square input; raises `InvalidInput` for any other."""
    if len(sides) != 2 or sides[0] != sides[1]:
        raise InvalidInput(
            f"{path} takes images of {list(sides)}; nasface measures networks with one square RGB input."
        )
    return int(sides[0])
