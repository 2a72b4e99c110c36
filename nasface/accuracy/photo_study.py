"""How many photos an accuracy table needs: some subnets, calibrated and measured with fewer and with other photos.

Every subnet is calibrated on two disjoint draws of photos of each size, and measured on all validation people and on
disjoint parts of them. The two draws show what calibration adds to the noise; the parts show what fewer people cost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.accuracy.estimator import Faces, table_columns
from nasface.accuracy.protocol import Protocol, columns
from nasface.accuracy.reliability import material_for, spearman_brown
from nasface.accuracy.runner import SubnetRunner
from nasface.accuracy.table import held_table
from nasface.errors import InvalidInput, TableError
from nasface.metrics import kendall_tau
from nasface.reading import Shape, check_shape, json_object, parse_json
from nasface.runs import AppendLog, is_json
from nasface.spaces import Population, SearchSpace
from nasface.supernets.supernet import Supernet

DRAWS: Final = 2
PARTS: Final = (2, 4, 8)
"""The validation people are cut into that many disjoint parts, in turn."""

ENOUGH: Final = 0.8
"""Reliability that is enough to rank by."""

Key = tuple[str, int, int]
"""Genotype's text, calibration photos, draw."""


@dataclass(frozen=True)
class CalibrationNoise:
    """What a number of calibration photos adds to the noise of a metric.

    Attributes:
        metric: Its column.
        photos: Number of calibration photos.
        subnets: Networks measured with both draws.
        noise: Standard deviation between draws of a network's value.
        share: Its variance over the variance between networks.
        tau: Kendall tau between the draws.
        change: Mean value minus that with the most photos.
    """

    metric: str
    photos: int
    subnets: int
    noise: float
    share: float
    tau: float
    change: float


@dataclass(frozen=True)
class PeopleNeeded:
    """How reliable a metric is on a part of the validation people.

    Attributes:
        metric: Its column.
        photos: Photos of a part, on average.
        reliability: Mean correlation over networks between disjoint parts.
        whole: What Spearman-Brown makes of it for all photos.
        needed: Photos for a reliability of `ENOUGH`, likewise; None if no number is enough.
    """

    metric: str
    photos: int
    reliability: float
    whole: float
    needed: int | None


@dataclass(frozen=True)
class PeoplePart:
    """One of several disjoint parts of the validation people, as equal as can be.

    Attributes:
        count: How many parts there are.
        index: Which of them this is, from 0.
    """

    count: int
    index: int

    @property
    def name(self) -> str:
        """In files: "1/4:0" is the first quarter."""
        return f"1/{self.count}:{self.index}"

    def column(self, metric: str) -> str:
        """The name of a metric's values on this part."""
        return f"{metric}_{self.name}"

    @classmethod
    def of(cls, count: int) -> tuple[PeoplePart, ...]:
        """All of that many."""
        return tuple(cls(count, index) for index in range(count))


def part_rows(labels: npt.NDArray[np.generic]) -> dict[PeoplePart, npt.NDArray[np.int64]]:
    """Rows of every part."""
    codes = np.unique(labels, return_inverse=True)[1]
    place = np.random.default_rng(0).permutation(int(codes.max()) + 1)[codes]
    return {part: np.flatnonzero(place % n == part.index) for n in PARTS for part in PeoplePart.of(n)}


def study(
    supernet: Supernet,
    faces: Faces,
    population: Population,
    sizes: Sequence[int],
    path: Path,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure what `path` lacks, appending each result as soon as it is known; the same call goes on.

    Args:
        supernet: A trained one.
        faces: Photos; of the calibration photos, at least `DRAWS` times the largest size.
        population: int8[n, n_genes], networks to study.
        sizes: Numbers of calibration photos.
        path: The file: JSON, one line for what it belongs to and one for each result.
        progress: Told how many results there are, of how many.

    Returns:
        All results of the file.

    Raises:
        InvalidInput: There are too few calibration photos, or another process measures into the file.
        TableError: The file belongs to something else.
    """
    with held_table(path):
        return _study_held(supernet, faces, population, sizes, path, progress)


def _study_held(
    supernet: Supernet,
    faces: Faces,
    population: Population,
    sizes: Sequence[int],
    path: Path,
    progress: Callable[[int, int], None] | None,
) -> list[dict[str, Any]]:
    most = max(sizes)
    if len(faces.calibration) < DRAWS * most:
        raise InvalidInput(
            f"Two draws of {most} calibration photos need {DRAWS * most} training photos and there are "
            f"{len(faces.calibration)}: leave the largest out of study.calibration."
        )
    header = table_columns(supernet, faces) | {"photos": len(faces.images), "parts": list(PARTS)}
    _, results = read_study(path, header)
    done = {_key(result) for result in results}
    wanted = list(_wanted(supernet.space, population, sizes))
    parts = {part.name: rows for part, rows in part_rows(faces.labels).items()}
    protocol = Protocol(faces.labels, faces.pairs, parts)
    log = AppendLog(path, is_json)
    if not path.exists():
        log.append(json.dumps(header))
    for number, (genotype, key) in enumerate(wanted):
        if progress is not None:
            progress(number, len(wanted))
        if key not in done:
            first = key[2] * most
            runner = SubnetRunner(faces.calibration[first : first + key[1]], faces.images, device=faces.device)
            values = protocol.measure(runner.describe(supernet.extract(genotype)))
            results.append({"genotype": key[0], "calibration": key[1], "draw": key[2], "values": values})
            log.append(json.dumps(results[-1]))
    if progress is not None:
        progress(len(wanted), len(wanted))
    return results


RESULT: Final[Shape] = {"genotype": str, "calibration": int, "draw": int, "values": {"*": float}}
"""What a line holds."""


class Study(NamedTuple):
    """What a file belongs to, and its results."""

    header: dict[str, Any]
    results: list[dict[str, Any]]


def read_study(path: Path, header: Mapping[str, Any] | None = None) -> Study:
    """A file's content; nothing if it is not there. A torn last line is cut off.

    Raises:
        TableError: It is no such file, or belongs to something else than `header` says.
    """
    if not path.exists():
        return Study({}, [])
    log = AppendLog(path, is_json)
    log.mend()
    try:
        first, *results = [json_object(parse_json(line)) for line in log.lines()]
        different = [key for key, value in (header or {}).items() if first[key] != value]
        check_shape(results, [RESULT])
    except (ValueError, KeyError, TypeError):
        raise TableError(f"{path} is not a study of photos; give a file that task=study_photos wrote.") from None
    if different:
        raise TableError(f"{path} is a study of another {' and '.join(different)}; give another file to continue.")
    return Study(first, results)


def calibration_noise(
    results: Sequence[Mapping[str, Any]], metrics: Sequence[str] | None = None
) -> list[CalibrationNoise]:
    """For every metric and number of calibration photos, what two draws of them do."""
    sizes = sorted({result["calibration"] for result in results})
    found = []
    for metric in columns() if metrics is None else metrics:
        best = _by_draw(results, metric, sizes[-1]).mean() if len(_by_draw(results, metric, sizes[-1])) else np.nan
        for size in sizes:
            draws = _by_draw(results, metric, size)
            if len(draws) < 3:
                continue
            noise = float((draws[:, 0] - draws[:, 1]).std(ddof=1)) / np.sqrt(2.0)
            between = float(draws.mean(axis=1).var(ddof=1))
            if between == 0:  # so few photos that all networks are equally good
                continue
            tau = kendall_tau(draws[:, 0], draws[:, 1])
            change = float(draws.mean() - best)
            found.append(CalibrationNoise(metric, size, len(draws), float(noise), noise**2 / between, tau, change))
    return found


def people_needed(
    results: Sequence[Mapping[str, Any]], photos: int, metrics: Sequence[str] | None = None
) -> list[PeopleNeeded]:
    """For every metric and size of part, how well disjoint parts agree; `photos` is the number of all of them."""
    most = max(result["calibration"] for result in results)
    chosen = [result["values"] for result in results if result["calibration"] == most and result["draw"] == 0]
    found = []
    for metric in columns() if metrics is None else metrics:
        for n in PARTS:
            names = [part.column(metric) for part in PeoplePart.of(n)]
            if len(chosen) < 3 or any(name not in values for values in chosen for name in names):
                continue
            measured = np.array([[values[name] for values in chosen] for name in names])
            if np.ptp(measured, axis=1).min() == 0:  # on a part
                continue
            together = np.corrcoef(measured)
            mean = float(together[np.triu_indices(n, 1)].mean())
            needed = material_for(ENOUGH, mean) * photos / n
            whole = spearman_brown(mean, n)
            found.append(PeopleNeeded(metric, photos // n, mean, whole, round(needed) if needed < 1e9 else None))
    return found


def _wanted(space: SearchSpace, population: Population, sizes: Sequence[int]) -> Iterator[tuple[Any, Key]]:
    for genotype in population:
        for size in sizes:
            for draw in range(DRAWS):
                yield genotype, (space.to_text(genotype), size, draw)


def _by_draw(results: Sequence[Mapping[str, Any]], metric: str, size: int) -> npt.NDArray[np.float64]:
    """(networks, draws): the metric on all photos, of the networks that have it for both draws."""
    values = {_key(result): result["values"].get(metric, np.nan) for result in results}
    texts = dict.fromkeys(text for text, photos, _ in values if photos == size)
    rows = [[values.get((text, size, draw), np.nan) for draw in range(DRAWS)] for text in texts]
    table = np.array(rows, np.float64).reshape(-1, DRAWS)
    return table[np.isfinite(table).all(axis=1)]


def _key(result: Mapping[str, Any]) -> Key:
    return str(result["genotype"]), int(result["calibration"]), int(result["draw"])
