"""Results that somebody brought back: the runner's CSV, what `benchmark_model` printed, or lists of times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nasface.devices.benchmark_output import read_logs
from nasface.devices.measurements import Sample
from nasface.devices.time_files import read_times
from nasface.errors import TransportError
from nasface.reading import MOST_TEXT_BYTES, parse_csv, read_bytes

SUFFIX: Final = ".tflite"
_NOTES: Final = ("clock_mhz", "temperature_c", "load")


@dataclass(frozen=True)
class RecordedBlock:
    """One block of runs, or why there is none.

    Attributes:
        model: Name of the file, without its suffix.
        sample: The runs; None if the runtime refused the model.
        refused: Why.
        threads: As it was measured; None where that is not said.
        sha256: Of the file; empty where that is not said.
        device: What it was measured on; empty where that is not said.
        runtime: What ran it; empty where that is not said.
    """

    model: str
    sample: Sample | None
    refused: str = ""
    threads: int | None = None
    sha256: str = ""
    device: str = ""
    runtime: str = ""


def read_results(folder: Path) -> list[RecordedBlock]:
    """Every block in the files of a folder, by the files' names.

    Raises:
        TransportError: A file cannot be understood.
        LookupTableError: A list of times cannot be read, or holds times that are not positive.
    """
    paths = sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))
    return [block for path in paths for block in _read(path)]


def _read(path: Path) -> Iterator[RecordedBlock]:
    text = read_bytes(path, MOST_TEXT_BYTES).decode("utf-8-sig", errors="replace")
    if not text.strip():
        return
    if text.startswith("model,sha256,"):
        yield from _read_runner(path, text)
    elif "STARTING!" in text:
        for log in read_logs(text):
            if log.sample or log.complaint:  # neither: it was interrupted
                refused = "" if log.sample else log.reason
                yield RecordedBlock(_stem(log.graph), log.sample, refused, log.threads, runtime="benchmark_model")
    else:
        for model, row in read_times(path).rows.items():
            runs = row.runs or 1
            yield RecordedBlock(_stem(model), Sample((row.mean_ms,), runs, row.std_ms if runs > 1 else None))


def _read_runner(path: Path, text: str) -> Iterator[RecordedBlock]:
    try:
        rows = parse_csv(text.splitlines()).rows
    except ValueError as error:
        raise TransportError(f"{path} is no CSV file of the runner ({error}); remove it, or measure again.") from None
    for number, row in enumerate(rows, 2):
        try:
            times = tuple(float(word) for word in row["times_ms"].split())
            notes = {key: row[key] for key in _NOTES if row[key]}
            sample = Sample(times, len(times), notes=notes) if times else None
            measured = (row["refused"], int(row["threads"]), row["sha256"], row["device"], row["runtime"])
            yield RecordedBlock(_stem(row["model"]), sample, *measured)
        except (KeyError, ValueError, TypeError, AttributeError):
            raise TransportError(
                f"{path}, line {number} is no line of the runner; remove it, or measure again."
            ) from None


def _stem(name: str) -> str:
    return name.removesuffix(SUFFIX)
