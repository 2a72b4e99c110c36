"""Times of whole networks on a device, and their CSV file `measurements.csv`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from nasface.errors import TableError, listing
from nasface.reading import read_csv
from nasface.runs import write_text

SHORTEST_MS, LONGEST_MS = 1e-6, 1e9
"""A nanosecond and eleven days: times beyond are a fault of clocks or programs."""

NUMERIC_NOTES: Final = ("clock_mhz", "temperature_c", "load")
"""Notes of a device about itself that are numbers."""

LONGEST_NOTE: Final = 1000

FAST: Final = 0.05
"""Share of the runs that `fast_ms` looks at: the fastest ones tell what a device takes when nothing disturbs it."""

CALM: Final = 1.25
"""Median relative to the fastest runs above which something else used the device; the page says the same."""


@dataclass(frozen=True)
class Sample:
    """One uninterrupted series of runs of one model.

    Attributes:
        times_ms: Milliseconds of every timed run, in order; means of equally many runs each where the clock is coarse;
            the mean alone where a runtime prints only a summary.
        runs: Number of timed runs that `times_ms` stands for.
        std_ms: Standard deviation over the runs, where only a summary is known; None beside single runs.
        notes: What the system says about itself during the runs, e.g. {"clock_mhz": "2450", "temperature_c": "61"}.
        operators: Milliseconds by operator name, where the runtime prints them.
    """

    times_ms: tuple[float, ...]
    runs: int
    std_ms: float | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    operators: Mapping[str, float] = field(default_factory=dict)

    @property
    def fault(self) -> str:
        """Why this cannot have been measured, in words; empty if it can. Devices and files answer anything."""
        wrong = [ms for ms in self.times_ms if not (_is_number(ms) and SHORTEST_MS <= ms <= LONGEST_MS)]
        if wrong or not self.times_ms:
            return f"{str(wrong[0])[:40]} ms" if wrong else "no time"
        if isinstance(self.runs, bool) or not isinstance(self.runs, int) or not 1 <= self.runs < 2**31:
            return f"{str(self.runs)[:40]} runs"
        if self.std_ms is not None and not (_is_number(self.std_ms) and 0 <= self.std_ms <= LONGEST_MS):
            return f"a standard deviation of {str(self.std_ms)[:40]} ms"
        if not all(isinstance(text, str) and len(text) <= LONGEST_NOTE for item in self.notes.items() for text in item):
            return "notes that are not texts"
        odd = [name for name in NUMERIC_NOTES if name in self.notes and not _is_number_text(self.notes[name])]
        if odd:
            return f"{odd[0]} '{self.notes[odd[0]][:40]}'"
        timed = all(_is_number(ms) and 0 <= ms <= LONGEST_MS for ms in self.operators.values())
        return "" if timed else "operators without times"


@dataclass(frozen=True)
class Timed:
    """What the blocks of one model say.

    Attributes:
        median_ms: Median over the blocks' medians, outliers left out.
        mean_ms: Mean over all runs of the same blocks.
        std_ms: Standard deviation over these runs.
        runs: How many runs these are.
        low_ms: Lower end of the 95 % interval of the median.
        high_ms: Upper end.
        blocks: How many blocks were timed.
        outliers: How many of them lie far from the others.
        settled: Whether the interval is as narrow as was asked for.
        fast_ms: What the fastest 5 % of all runs stay below (of batches of runs, where the clock is coarse); None where
            a runtime tells no single runs.
    """

    median_ms: float
    mean_ms: float
    std_ms: float
    runs: int
    low_ms: float
    high_ms: float
    blocks: int
    outliers: int
    settled: bool
    fast_ms: float | None = None

    @property
    def flagged(self) -> str:
        """What is odd about it, in words; empty if nothing is."""
        parts = [] if self.settled else [f"known within {self.half_width:.1%} only"]
        parts += [f"{self.outliers} of {self.blocks} blocks are outliers"] if self.outliers else []
        return "; ".join(parts)

    @property
    def half_width(self) -> float:
        """Half the interval, relative to the median."""
        return (self.high_ms - self.low_ms) / 2 / self.median_ms

    @property
    def slowdown(self) -> float:
        """The median relative to the fastest runs; 1 where single runs are unknown."""
        return 1.0 if self.fast_ms is None else self.median_ms / self.fast_ms


@dataclass(frozen=True)
class Measurement:
    """Time of one network with one engine; a row of `measurements.csv`, whose columns are the attributes.

    Attributes:
        genotype: As in accuracy tables (`SearchSpace.to_text`); empty for references and files.
        network: Name for people: of a reference, a published network, a file.
        resolution: Side of the square input, pixels.
        engine: "tflite", "torch" or "torchscript".
        threads: Threads of the engine.
        device: What it ran on, in words.
        median_ms: Median over interleaved blocks of runs.
        mean_ms: Mean over the runs.
        std_ms: Standard deviation over the runs.
        runs: How many.
        low_ms: Lower end of the median's 95 % interval.
        high_ms: Upper end.
        fast_ms: What the fastest 5 % of the runs stay below; None where nobody told single runs.
        flagged: What is odd about it, in words; mostly empty.
    """

    genotype: str
    network: str
    resolution: int
    engine: str
    threads: int
    device: str
    median_ms: float
    mean_ms: float
    std_ms: float
    runs: int
    low_ms: float
    high_ms: float
    fast_ms: float | None = None
    flagged: str = ""

    @classmethod
    def of(
        cls, timed: Timed, *, genotype: str, network: str, resolution: int, engine: str, threads: int, device: str
    ) -> Measurement:
        """A row from the figures of the timing protocol."""
        figures = {name: getattr(timed, name) for name in _FIGURES}
        return cls(genotype, network, resolution, engine, threads, device, **figures)


_FIGURES: Final = ("median_ms", "mean_ms", "std_ms", "runs", "low_ms", "high_ms", "fast_ms", "flagged")
_TIMES: Final = ("median_ms", "mean_ms", "fast_ms")
_INTEGERS: Final = ("resolution", "threads", "runs")
_FLOATS: Final = ("median_ms", "mean_ms", "std_ms", "low_ms", "high_ms", "fast_ms")
_TYPES: Final[dict[str, type]] = dict.fromkeys(_INTEGERS, int) | dict.fromkeys(_FLOATS, float)
COLUMNS: Final = tuple(column.name for column in fields(Measurement))
REQUIRED: Final = ("genotype", "network", "resolution", "median_ms")
"""What a file written by hand must have."""

_OTHERS: Final[dict[str, str]] = {"engine": "tflite", "threads": "0", "runs": "0", "std_ms": "0"}
"""What stands for a cell that is empty or absent: a number of threads or runs that nobody noted is 0."""


def write_measurements(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write the file, atomically; times with six decimals."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in measurements:
        values = (getattr(row, name) for name in COLUMNS)
        writer.writerow([f"{value:.6f}" if isinstance(value, float) else value for value in values])
    write_text(path, buffer.getvalue())


def read_measurements(path: Path) -> list[Measurement]:
    """The rows of a file. Columns beyond `REQUIRED` may be absent or empty: mean and interval are then the median.

    Raises:
        TableError: It cannot be read, lacks columns, or a time is missing or not positive.
    """
    try:
        columns, rows = read_csv(path)
    except (OSError, ValueError) as error:
        raise TableError(f"The measurements {path} cannot be read ({error}); give a CSV file.") from None
    if missing := [name for name in REQUIRED if name not in columns]:
        raise TableError(
            f"{path} is no file of measurements: it lacks the columns {listing(missing)}; make one with "
            "task=measure_latency."
        )
    return [_row(f"{path}, line {number}", row) for number, row in enumerate(rows, 2)]


def _row(place: str, texts: Mapping[str, str | None]) -> Measurement:
    values: dict[str, Any] = {name: (texts.get(name) or "").strip() for name in COLUMNS}
    if not values["median_ms"]:
        raise TableError(
            f"{place}: there is no time of {values['network'] or 'the network'}; fill in median_ms or delete the row."
        )
    others = _OTHERS | dict.fromkeys(("mean_ms", "low_ms", "high_ms"), values["median_ms"])
    values = {name: values[name] or others.get(name, "") for name in COLUMNS}
    values["fast_ms"] = values["fast_ms"] or None
    given_numbers = [name for name in _TYPES if values[name] is not None]
    for name in given_numbers:
        try:
            values[name] = _TYPES[name](values[name])
        except ValueError:
            given = values[name][:80]
            raise TableError(f"{place}: '{given}' is not a number ({name}); measure it again.") from None
    for name in given_numbers:
        if name in _TIMES and not (math.isfinite(values[name]) and values[name] > 0):
            raise TableError(f"{place}: {name} is {values[name]:g}; times are positive: measure it again.")
    for name in ("std_ms", "low_ms", "high_ms", *_INTEGERS):
        if not 0 <= values[name] < math.inf:
            raise TableError(f"{place}: {name} is {values[name]}; it cannot be negative or infinite: measure it again.")
    return Measurement(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_number_text(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
