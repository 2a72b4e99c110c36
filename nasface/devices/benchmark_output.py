"""What `benchmark_model` prints, TensorFlow Lite's and LiteRT's: summaries, operators, where it ran.

The lines are those of `benchmark_model.cc` and `stats_calculator.cc`; newer releases begin them with INFO: and add
percentiles to the summary. LiteRT's (`litert/tools/benchmark_litert_model.h`) prints the same lines `count=...`, and in
place of `Inference timings in us:` a block `BENCHMARK RESULTS` with two decimals of a millisecond.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from nasface.devices.measurements import Sample
from nasface.reading import parse_json

MARKS: Final = ("STARTING!", "BENCHMARK RESULTS")
"""One of them stands in everything that the program prints."""

_START: Final = re.compile(r"^.*STARTING!.*$", re.MULTILINE)
_GRAPH: Final = re.compile(r"Graph: \[(.*?)\]|Loading model from: (\S+)")
_THREADS: Final = re.compile(r"Num threads: \[(\d+)\]")
_COUNT: Final = re.compile(
    r"\bcount=(\d+)(?: first=\S+)? curr=([\d.e+]+).*?(?: avg=([\d.e+]+) std=([\d.e+]+).*)?$", re.M
)
_END: Final = re.compile(r"nference timings in us:|=+ BENCHMARK RESULTS =+")
_ROUNDED: Final = re.compile(
    r"Inference \(avg\):\s+([\d.]+) ms \((\d+) runs\)(?:.*?Inference \(std\):\s+([\d.]+))?", re.S
)
_REPLACED: Final = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate \((.*?)\)")
_RESULT: Final = {
    "avg": ("avg_ms", "average_ms", "avg", "mean_ms"),
    "std": ("stddev_ms", "std_ms", "std"),
    "runs": ("num_runs",),
}
_PROFILE: Final = "Operator-wise Profiling Info for Regular Benchmark Runs:"
_PROFILE_END: Final = "Top by Computation Time"
_COLUMNS: Final = re.compile(r"\s*\t\s*|\s{2,}")
_DELEGATE: Final = re.compile(r"model graph will be partially executed by the delegate w/ (\d+) delegate kernels")
_ERROR: Final = re.compile(r"^.*(?:ERROR:|Failed to|not executable|not found|Permission denied).*$", re.M)

_HALF_DIGIT_MS: Final = 0.0051
"""By how much a time of two decimals may differ from the exact one."""

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
    name = PurePosixPath(graph[1] or graph[2]).name if graph else ""
    return Log(text, name, int(threads[1]) if threads else None, _sample(text))


def _sample(text: str) -> Sample | None:
    """The last summary before the end of the runs; the ones before it are of the warm-up."""
    end = _END.search(text)
    counts = [match for match in _COUNT.finditer(text[: end.start()]) if match[1] != "0"] if end else []
    rounded = _ROUNDED.search(text[end.end() :]) if end and not counts else None
    if counts:
        runs, current, average, std = counts[-1].groups()
        mean_ms, std_ms = float(average or current) / 1e3, float(std or 0) / 1e3
    elif rounded and rounded[2] != "0":
        runs, mean_ms, std_ms = rounded[2], float(rounded[1]), float(rounded[3] or 0)
    else:
        return None
    notes = _where(text)
    if int(runs) == 1:
        return Sample((mean_ms,), 1, notes=notes, operators=_operators(text))
    return Sample((mean_ms,), int(runs), std_ms, notes, _operators(text))


def _where(text: str) -> dict[str, str]:
    """Which delegates took how many of the operators."""
    replaced = [f"{taken} of {all_} operators by {name}" for taken, all_, name in _REPLACED.findall(text)]
    partial = _DELEGATE.search(text)
    replaced += [f"part of the network, {partial[1]} kernels"] if partial else []
    return {"delegate": ", ".join(replaced)} if replaced else {}


def refine(log: Log, result: bytes) -> Sample | None:
    """The sample of a log with the digits of LiteRT's `--result_json`, or in older releases `--result_file_path`.

    A result that speaks of other runs, or cannot be read, changes nothing.
    """
    if log.sample is None:
        return None
    try:
        found = _flat(parse_json(result)) if result.lstrip().startswith(b"{") else _of_protobuf(result)
    except ValueError:
        return log.sample
    mean, std, runs = (next((found[k] for k in _RESULT[w] if k in found), None) for w in ("avg", "std", "runs"))
    (known,) = log.sample.times_ms
    notes = dict(log.sample.notes)
    if isinstance(found.get("fully_accelerated"), bool):
        notes["fully_accelerated"] = str(found["fully_accelerated"]).lower()
    if not isinstance(mean, int | float) or not abs(mean - known) <= max(_HALF_DIGIT_MS, 0.01 * known):
        return replace(log.sample, notes=notes)
    std_ms = float(std) if isinstance(std, int | float) and log.sample.std_ms is not None else log.sample.std_ms
    count = runs if isinstance(runs, int) and runs > 0 else log.sample.runs
    refined = replace(log.sample, times_ms=(float(mean),), runs=count, std_ms=std_ms, notes=notes)
    return log.sample if refined.fault else refined


def _of_protobuf(message: bytes) -> dict[str, object]:
    """Latency and number of runs in a `BenchmarkResult` (`tflite/tools/benchmark/proto/benchmark_result.proto`)."""
    parts = _fields(message)
    latency, misc = (_fields(part) if isinstance(part := parts.get(n), bytes) else {} for n in (2, 4))
    named = {"avg_ms": latency.get(1), "stddev_ms": latency.get(4), "num_runs": misc.get(2)}
    return {name: value for name, value in named.items() if value is not None}


def _fields(message: bytes) -> dict[int, int | float | bytes]:
    """Fields of one message by number, the last of each; raises `ValueError` where it breaks off."""
    found: dict[int, int | float | bytes] = {}
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind, value = key & 7, b""
        if kind == 0:
            found[key >> 3], place = _varint(message, place)
            continue
        length, place = _varint(message, place) if kind == 2 else ({1: 8, 5: 4}.get(kind, len(message)), place)
        value, place = message[place : place + length], place + length
        if place > len(message):
            raise ValueError("the message ends early")
        found[key >> 3] = value if kind == 2 else float(struct.unpack("<d" if kind == 1 else "<f", value)[0])
    return found


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, and where the next thing begins."""
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(message):
            raise ValueError("the message ends early")
        value |= (message[place] & 0x7F) << shift
        place += 1
        if message[place - 1] < 0x80:
            return value, place
    raise ValueError("a number without an end")


def _flat(value: object) -> dict[str, object]:
    """Names and values of nested objects in one."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, object] = {}
    for name, part in value.items():
        found |= _flat(part) if isinstance(part, dict) else {name: part}
    return found


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
