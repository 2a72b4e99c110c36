"""What TensorFlow's and LiteRT's `benchmark_model` prints, old and new releases: summaries, operators, delegates.

The lines are those of `benchmark_model.cc` and `stats_calculator.cc`; newer releases begin them with INFO: and add
percentiles to the summary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from nasface.devices.measurements import Sample

MARKS: Final = ("STARTING!", "BENCHMARK RESULTS")
"""One of them stands in everything that the program prints."""

_START: Final = re.compile(r"^.*STARTING!.*$", re.MULTILINE)
_GRAPH: Final = re.compile(r"Graph: \[(.*?)\]")
_THREADS: Final = re.compile(r"Num threads: \[(\d+)\]")
_COUNT: Final = re.compile(
    r"\bcount=(\d+)(?: first=\S+)? curr=([\d.e+]+).*?(?: avg=([\d.e+]+) std=([\d.e+]+).*)?$", re.M
)
_END: Final = "nference timings in us:"
_PROFILE: Final = "Operator-wise Profiling Info for Regular Benchmark Runs:"
_PROFILE_END: Final = "Top by Computation Time"
_COLUMNS: Final = re.compile(r"\s*\t\s*|\s{2,}")
_DELEGATE: Final = re.compile(r"model graph will be partially executed by the delegate w/ (\d+) delegate kernels")
_ERROR: Final = re.compile(r"^.*(?:ERROR:|Failed to|not executable|not found|Permission denied).*$", re.M)

CPU_INSTEAD: Final = "the model graph will not be executed by the delegate"
"""Said when a delegate that was asked for takes nothing and the processor runs the model after all."""


@dataclass(frozen=True)
class Log:
    """What was printed about one start of the program.

    Attributes:
        text: All of it.
        graph: Name of the model's file, without folder; empty if it is not said.
        threads: As it was started; None if it is not said.
        sample: The timed runs; None if it did not get as far.
    """

    text: str
    graph: str
    threads: int | None
    sample: Sample | None

    @property
    def complaint(self) -> str:
        """The first line that speaks of an error; empty if there is none."""
        found = _ERROR.search(self.text)
        return found[0].strip() if found else ""

    @property
    def reason(self) -> str:
        """The first complaint, or else the last line."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        return (self.complaint or (lines or ["it printed nothing"])[-1])[:200].rstrip(".")


def read_logs(text: str) -> list[Log]:
    """Every start of the program that a text shows, in order; empty if it shows none."""
    starts = [match.start() for match in _START.finditer(text)]
    return [read_log(text[start:end]) for start, end in pairwise([*starts, len(text)])]


def read_log(text: str) -> Log:
    """What one start of the program printed."""
    text = text.replace("\r", "")
    graph, threads = _GRAPH.search(text), _THREADS.search(text)
    name = PurePosixPath(graph[1]).name if graph else ""
    return Log(text, name, int(threads[1]) if threads else None, _sample(text))


def _sample(text: str) -> Sample | None:
    """The last summary before the end of the runs; the ones before it are of the warm-up."""
    before, end, _ = text.partition(_END)
    counts = [match for match in _COUNT.finditer(before) if match[1] != "0"]
    if not end or not counts:
        return None
    runs, current, average, std = counts[-1].groups()
    mean_ms, std_ms = float(average or current) / 1e3, float(std or 0) / 1e3
    partial = _DELEGATE.search(text)
    notes = {"delegate": f"part of the network, {partial[1]} kernels"} if partial else {}
    if int(runs) == 1:
        return Sample((mean_ms,), 1, notes=notes, operators=_operators(text))
    return Sample((mean_ms,), int(runs), std_ms, notes, _operators(text))


def _operators(text: str) -> Mapping[str, float]:
    """Average milliseconds in the order of the runs, by type and name."""
    _, _, profile = text.partition(_PROFILE)
    rows = [_COLUMNS.split(line.strip()) for line in profile.partition(_PROFILE_END)[0].splitlines()]
    header = next((row for row in rows if "[avg ms]" in row), None)
    if header is None:
        return {}
    found: dict[str, float] = {}
    for row in rows[rows.index(header) + 1 :]:
        name = f"{row[0]} {row[-1]}"
        if len(row) == len(header):
            with suppress(ValueError):  # something else was printed in between
                found[name] = found.get(name, 0.0) + float(row[header.index("[avg ms]")])
    return found
