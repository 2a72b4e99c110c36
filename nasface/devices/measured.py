"""Measured networks of one space on one device, picked from a file of measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.devices.measurements import Measurement, read_measurements
from nasface.errors import InvalidGenotype, TableError
from nasface.spaces import Population, SearchSpace
from nasface.spaces.references import REFERENCES


@dataclass(frozen=True)
class Measured:
    """Networks and their times, all with one engine and number of threads.

    Attributes:
        genotypes: int8[n, n_genes], distinct.
        ms: float64[n], the median of a network's rows.
        references: Milliseconds of reference networks by name.
        device: In words.
        engine: E.g. "tflite".
        threads: 0 if nobody noted it.
        half_widths: float64[n], half the 95 % interval of each time, relative to it; 0 where nobody noted it.
        fast_ms: float64[n], what the fastest 5 % of a network's runs stay below; None unless it is known of all.
    """

    genotypes: Population
    ms: npt.NDArray[np.float64]
    references: dict[str, float]
    device: str
    engine: str
    threads: int
    half_widths: npt.NDArray[np.float64]
    fast_ms: npt.NDArray[np.float64] | None = None

    def unsettled(self, half_width: float) -> int:
        """How many networks are known less precisely."""
        return int((self.half_widths > half_width).sum())


def read_measured(path: Path, space: SearchSpace, engine: str = "tflite", threads: int | None = None) -> Measured:
    """The rows of a file that are of this space, resolution and engine.

    Args:
        path: A file of measurements.
        space: The space, at its resolution.
        engine: What ran the networks.
        threads: Number of threads; None if the file has one only.

    Raises:
        TableError: No network is left, or networks of several devices or numbers of threads are.
    """
    rows = read_measurements(path)
    chosen = [r for r in rows if r.resolution == space.resolution and r.engine == engine]
    chosen = [r for r in chosen if threads is None or r.threads == threads]
    networks = [r for r in chosen if r.genotype]
    if not networks:
        raise TableError(
            f"{path} has no network at {space.resolution} pixels with {_words(engine, threads)}; it has "
            f"{_found(rows)}: measure some, or choose among these."
        )
    if len({r.threads for r in networks}) > 1 or len({r.device for r in networks}) > 1:
        raise TableError(
            f"{path} mixes devices or threads at {space.resolution} pixels with {engine}: it has {_found(networks)}; "
            "choose the threads, or keep one device in a file."
        )
    times: dict[bytes, list[float]] = {}
    fastest: dict[bytes, list[float | None]] = {}
    widths: dict[bytes, float] = {}
    for row in networks:
        genes = _genotype(path, space, row).tobytes()
        times.setdefault(genes, []).append(row.median_ms)
        fastest.setdefault(genes, []).append(row.fast_ms)
        widths[genes] = max(widths.get(genes, 0.0), (row.high_ms - row.low_ms) / 2 / row.median_ms)
    genotypes = np.stack([np.frombuffer(genes, np.int8) for genes in times])
    known = {r.network: r.median_ms for r in chosen if not r.genotype and r.network in REFERENCES}
    ms = np.array([float(np.median(values)) for values in times.values()])
    first, half_widths = networks[0], np.array(list(widths.values()))
    return Measured(genotypes, ms, known, first.device, engine, first.threads, half_widths, _medians(fastest))


def _medians(of_rows: Mapping[bytes, Sequence[float | None]]) -> npt.NDArray[np.float64] | None:
    """The median of every network's rows; None where one is unknown."""
    known = [[ms for ms in values if ms is not None] for values in of_rows.values()]
    whole = [len(values) for values in of_rows.values()] == [len(values) for values in known]
    return np.array([float(np.median(values)) for values in known]) if whole else None


def _genotype(path: Path, space: SearchSpace, row: Measurement) -> npt.NDArray[np.int8]:
    try:
        return space.from_text(row.genotype)
    except InvalidGenotype as error:
        raise TableError(f"{path} holds networks of another space than {space.name}: {error}") from None


def _words(engine: str, threads: int | None) -> str:
    return engine if threads is None else f"{engine}, {threads} thread(s)"


def _found(rows: Sequence[Measurement]) -> str:
    kinds: dict[str, int] = {}
    for row in rows:
        if row.genotype:
            place = f" on {row.device}" if row.device else ""
            name = f"{row.resolution} pixels, {_words(row.engine, row.threads)}{place}"
            kinds[name] = kinds.get(name, 0) + 1
    return "; ".join(f"{count} of {name}" for name, count in kinds.items()) or "none of any space"
