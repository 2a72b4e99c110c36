"""The timing protocol: interleaved rounds in random order until every model's median is known well enough.

A device drifts: it warms up, its clock falls, something else runs on it. So no model is timed in one go. Every round
times one block of runs of every model that is not settled yet, in a new random order, after untimed warm-up runs. A
model is settled when the 95 % interval of its median over the blocks is narrow enough, or after `max_blocks` blocks.
Blocks far from a model's other blocks are outliers: flagged, kept in the journal, left out of the figures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.devices.measurements import FAST, Timed
from nasface.errors import InvalidInput, ModelRefused, NotMeasuredYet, TransportError
from nasface.metrics.interval import half_width
from nasface.reading import read_bytes
from nasface.timing.journal import Journal
from nasface.timing.transports import Sample, Transport

BLOCK_MS: Final = 5.0
"""Least time of a block: models of a few microseconds get more runs a block."""

MOST_RUNS: Final = 1000
"""Largest number of runs of a block."""

NEGLIGIBLE_MS: Final = 0.001
"""Half an interval that is narrow enough whatever the model's time."""

FEWEST_FOR_OUTLIERS: Final = 4
"""Blocks below which none of them is called an outlier."""


@dataclass(frozen=True)
class TimingOptions:
    """How models are timed.

    Attributes:
        threads: Threads of the runtime.
        warmup: Untimed runs before a block.
        runs: Timed runs of a block, at least; more where they take less than `BLOCK_MS` together.
        blocks: Blocks of every model, at least.
        max_blocks: Blocks of every model, at most.
        half_width: Half the 95 % interval of the median, relative to it, at which a model is settled.
    """

    threads: int = 1
    warmup: int = 2
    runs: int = 10
    blocks: int = 4
    max_blocks: int = 20
    half_width: float = 0.02

    def __post_init__(self) -> None:
        for name, least in (("threads", 1), ("warmup", 0), ("runs", 1), ("blocks", 2)):
            if getattr(self, name) < least:
                raise InvalidInput(f"timing.{name}={getattr(self, name)} must be {least} or more.")
        if self.max_blocks < self.blocks:
            raise InvalidInput(f"timing.max_blocks={self.max_blocks} must be at least timing.blocks={self.blocks}.")
        if not 0 < self.half_width < 1:
            raise InvalidInput(f"timing.half_width={self.half_width:g} must lie between 0 and 1, e.g. 0.02 for 2 %.")

    def describe(self) -> str:
        """The protocol in a sentence, for provenance."""
        return (
            f"Interleaved rounds in random order, {self.blocks} to {self.max_blocks} blocks a model, each of "
            f"{self.runs} runs or more after {self.warmup} untimed ones, until the median is known within "
            f"{self.half_width:.1%} (95 % interval); {self.threads} thread(s)."
        )


@dataclass(frozen=True)
class DeviceTimes:
    """What a device said.

    Attributes:
        timed: By model.
        refused: Models that the runtime does not run, and why.
        device: What the transport says about the device.
        protocol: How it was timed, in a sentence.
        notes: Least and greatest of what the system said during the blocks, e.g. {"clock_mhz": "800 to 2450"}.
        operators: Mean milliseconds by model and operator, where the runtime prints them.
    """

    timed: dict[str, Timed]
    refused: dict[str, str]
    device: Mapping[str, str]
    protocol: str
    notes: dict[str, str] = field(default_factory=dict)
    operators: dict[str, dict[str, float]] = field(default_factory=dict)


OnBlock = Callable[[int, int, float], None]
"""Called after every block: blocks so far, blocks expected in all, milliseconds of the block's timed runs."""


def measure_networks(
    transport: Transport,
    models: Mapping[str, Path],
    options: TimingOptions,
    rng: np.random.Generator,
    journal: Journal,
    on_block: OnBlock | None = None,
) -> DeviceTimes:
    """Time models on a device, interleaved; what stands in the journal is not timed again.

    Args:
        transport: The open transport.
        models: File by name (letters, digits, dots, dashes and underscores). A file that changed is timed anew.
        options: The protocol.
        rng: Draws the order of every round.
        journal: Every finished block goes into it at once, so that a run that was killed goes on.
        on_block: Told after every block.

    Raises:
        DeviceLost: The connection broke; the journal has what was measured.
        NotMeasuredYet: Somebody measures elsewhere and has not; the message says what to do.
        TransportError: The device gave times that cannot be.
        InvalidInput: The journal is of another device.
    """
    device = transport.describe()
    if not transport.live:
        return _results(*_recorded(transport, models, options), device, options, "Timed elsewhere, in blocks of runs.")
    journal.open(device)
    keys = {name: f"{name}:{_fingerprint(path)}:{options.threads}" for name, path in models.items()}
    refused: dict[str, str] = {}
    pending = [name for name, key in keys.items() if not _settled(journal.samples(key), options)]
    transport.send({name: models[name] for name in pending})
    while pending:
        for name in rng.permutation(pending).tolist():
            try:
                sample = _block(transport, name, journal.samples(keys[name]), options)
            except ModelRefused as error:
                refused[name] = str(error)
                continue
            journal.add(keys[name], sample)
            if on_block is not None:
                on_block(*_progress(journal, keys, refused, options), sum(sample.times_ms))
        pending = [n for n in pending if n not in refused and not _settled(journal.samples(keys[n]), options)]
    blocks = {name: list(journal.samples(key)) for name, key in keys.items() if name not in refused}
    return _results(blocks, refused, device, options, options.describe())


def _recorded(
    transport: Transport, models: Mapping[str, Path], options: TimingOptions
) -> tuple[dict[str, list[Sample]], dict[str, str]]:
    """Blocks that somebody measured elsewhere; raises `NotMeasuredYet` with what to do where there are none."""
    transport.send(models)
    blocks: dict[str, list[Sample]] = {}
    refused: dict[str, str] = {}
    for name in models:
        try:
            while True:
                blocks.setdefault(name, []).append(_block(transport, name, (), options))
        except NotMeasuredYet:
            if not blocks[name]:
                raise
        except ModelRefused as error:
            refused[name] = str(error)
            blocks.pop(name)
    return blocks, refused


def _results(
    blocks: dict[str, list[Sample]],
    refused: dict[str, str],
    device: Mapping[str, str],
    options: TimingOptions,
    protocol: str,
) -> DeviceTimes:
    return DeviceTimes(
        {name: summarise(samples, options.half_width) for name, samples in blocks.items()},
        refused,
        device,
        protocol,
        _ranges([sample for samples in blocks.values() for sample in samples]),
        {name: found for name, samples in blocks.items() if (found := _operators(samples))},
    )


def summarise(samples: Sequence[Sample], precision: float) -> Timed:
    """The figures of one model's blocks; of a single block, the interval rests on its runs."""
    medians = np.array([float(np.median(sample.times_ms)) for sample in samples])
    outlying = outlier_blocks(medians)
    mean, std, runs = _moments([sample for sample, out in zip(samples, outlying, strict=True) if not out])
    kept = medians[~outlying]
    median = float(np.median(kept))
    half = half_width(float(kept.std(ddof=1)), len(kept)) if len(kept) > 1 else half_width(std, max(runs, 2))
    return Timed(
        median,
        mean,
        std,
        runs,
        max(median - half, 0.0),
        median + half,
        len(samples),
        int(outlying.sum()),
        half <= max(precision * median, NEGLIGIBLE_MS),
        _fast(samples),
    )


def _fast(samples: Sequence[Sample]) -> float | None:
    """The low quantile of all runs, outliers among them; None where a block tells only a summary."""
    if any(sample.std_ms is not None for sample in samples):
        return None
    return float(np.quantile([time for sample in samples for time in sample.times_ms], FAST))


def outlier_blocks(medians: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which blocks lie far from the others: over 5 % from the median and over four robust standard deviations."""
    distance = np.abs(medians - np.median(medians))
    spread = 1.4826 * float(np.median(distance))
    far = distance > max(4 * spread, 0.05 * float(np.median(medians)))
    return far if len(medians) >= FEWEST_FOR_OUTLIERS else np.zeros(len(medians), bool)


def _block(transport: Transport, name: str, before: Sequence[Sample], options: TimingOptions) -> Sample:
    """Time one block; raises `TransportError` if a time is not positive."""
    known = float(np.median([np.median(sample.times_ms) for sample in before])) if before else math.inf
    runs = min(max(options.runs, math.ceil(BLOCK_MS / known)), max(options.runs, MOST_RUNS))
    sample = transport.time(name, runs=runs, warmup=options.warmup, threads=options.threads)
    if sample.fault:
        raise TransportError(
            f"The device gave {sample.fault} for {name}, which cannot be: check its clock and what its runtime prints."
        )
    return sample


def _settled(samples: Sequence[Sample], options: TimingOptions) -> bool:
    if len(samples) < options.blocks:
        return False
    return len(samples) >= options.max_blocks or summarise(samples, options.half_width).settled


def _progress(
    journal: Journal, keys: Mapping[str, str], refused: Mapping[str, str], options: TimingOptions
) -> tuple[int, int]:
    """Blocks so far, and how many there will be if every unsettled model needs one more than it has."""
    counts = [len(journal.samples(key)) for name, key in keys.items() if name not in refused]
    return sum(counts), sum(max(count, options.blocks) for count in counts)


def _moments(samples: Sequence[Sample]) -> tuple[float, float, int]:
    """Mean, standard deviation and number of all runs; blocks of which only a summary is known are pooled."""
    runs = np.array([sample.runs for sample in samples])
    means = np.array([float(np.mean(sample.times_ms)) for sample in samples])
    within = np.array([sample.std_ms if sample.std_ms is not None else np.std(sample.times_ms) for sample in samples])
    mean = float((runs * means).sum() / runs.sum())
    variance = float((runs * (within**2 + (means - mean) ** 2)).sum() / runs.sum())
    return mean, math.sqrt(variance), int(runs.sum())


def _ranges(samples: Sequence[Sample]) -> dict[str, str]:
    """Per note of the system its least and greatest number, or its distinct texts."""
    found: dict[str, set[str]] = {}
    for sample in samples:
        for name, value in sample.notes.items():
            found.setdefault(name, set()).add(value)
    return {name: _range(values) for name, values in sorted(found.items())}


def _range(values: set[str]) -> str:
    try:
        ordered = sorted(values, key=float)
    except ValueError:
        return ", ".join(sorted(values)[:4])
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


def _operators(samples: Sequence[Sample]) -> dict[str, float]:
    names = {name for sample in samples for name in sample.operators}
    return {name: float(np.mean([s.operators[name] for s in samples if name in s.operators])) for name in sorted(names)}


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(read_bytes(path)).hexdigest()[:12]
