"""What `task=check_latency` compares predictions with: networks that it times, times in a file, or another table."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.accuracy.candidates import Plan, Source, candidates, tilted_pool
from nasface.accuracy.table import STRATIFIED
from nasface.composition import timing_options
from nasface.costs import Cost, LearnedLatency, LutLatency, sum_of_rows
from nasface.devices import FLOAT32, find_lut, measurements_folder, read_lut
from nasface.devices.check import FEWEST
from nasface.devices.learned import LayerGroups
from nasface.devices.measured import Measured, read_measured
from nasface.devices.measurements import write_measurements
from nasface.devices.optimal_design import most_informative
from nasface.errors import InvalidInput, UnknownName
from nasface.jobs import Run
from nasface.randomness import Part
from nasface.spaces import Population, SearchSpace, layer_counts
from nasface.tasks._measuring import SHARE_UNSETTLED, disturbances, engine_of, measurements_of, time_specs

CHOICES: Final = ("even", "informative")
POOL: Final = 2048


@dataclass(frozen=True)
class Truth:
    """What predictions are compared with.

    Attributes:
        genotypes: int8[n, n_genes].
        ms: float64[n].
        source: For people, e.g. "measured on Pixel 8, tflite, 4 thread(s)".
        fast_ms: float64[n], the fastest runs, where they are known.
        measured: Where it comes from, or None for another table.
        disturbances: Why the times are not to be relied on.
    """

    genotypes: Population
    ms: npt.NDArray[np.float64]
    source: str
    fast_ms: npt.NDArray[np.float64] | None = None
    measured: Measured | None = None
    disturbances: tuple[str, ...] = ()


def read_truth(run: Run, space: SearchSpace, latency: Cost) -> Truth:
    """What the settings ask to compare with, without networks that the predictions were learned from.

    Raises:
        NotMeasuredYet: Somebody measures elsewhere and has not.
        InvalidInput: The settings contradict each other; the times are of another device; too few networks are left.
        TableError, LookupTableError: A file cannot be used.
    """
    return _unseen(latency, _truth(run, space, latency))


def _truth(run: Run, space: SearchSpace, latency: Cost) -> Truth:
    settings = run.settings.check
    if settings.file is not None and settings.table is not None:
        raise InvalidInput("check.file and check.table are both given; choose what the predictions are compared with.")
    if settings.file is not None:
        measured = read_measured(run.path(settings.file), space, settings.engine, settings.file_threads)
        _accept(run, latency, measured.device)
        odd = tuple(_unsettled(run, measured))
        return Truth(measured.genotypes, measured.ms, _words(measured), measured.fast_ms, measured, odd)
    nets = _networks(run, space, latency)
    if settings.table is not None:
        table = read_lut(find_lut(settings.table))
        cost = sum_of_rows(table, space)
        mark = " (estimated)" if table.estimated else ""
        return Truth(nets, cost.predict(nets), f"sums of the rows of table {table.name}{mark}")
    return _measure(run, space, nets, latency)


def _networks(run: Run, space: SearchSpace, latency: Cost) -> Population:
    """Networks to compare: spread evenly over the predicted range, or those that tell most to latency=learned."""
    n, choice = run.settings.check.nets, run.settings.check.choice
    if choice not in CHOICES:
        raise UnknownName("check.choice", choice, CHOICES)
    if n < FEWEST:
        raise InvalidInput(f"check.nets is {n}; give {FEWEST} or more.")
    rng = run.rng(Part.CHECK)
    if choice == "even":
        source = Source(STRATIFIED, latency.predict)
        return candidates(space, n, int(rng.integers(2**31)), Plan((source,))).population
    if not isinstance(latency, LearnedLatency | LutLatency):
        raise InvalidInput("check.choice=informative chooses by layer times; set latency=lut or latency=learned.")
    groups = LayerGroups.of(space.layers(), latency.table.values(space.layers(), space.resolution))
    pool = np.unique(tilted_pool(space, rng, latency.predict, POOL), axis=0)
    known = latency.measured.genotypes if isinstance(latency, LearnedLatency) else pool[:0]
    pool = pool[~(pool[:, None] == known[None]).all(axis=2).any(axis=1)]
    chosen = most_informative(_shares(space, groups, pool), n, _shares(space, groups, known))
    return np.asarray(pool[chosen])


def _shares(space: SearchSpace, groups: LayerGroups, nets: Population) -> npt.NDArray[np.float64]:
    return groups.features(layer_counts(space, nets))


def _accept(run: Run, latency: Cost, device: str) -> None:
    """Refuse times of a device that is not the table's, unless it was asked for in so many words."""
    if not isinstance(latency, LutLatency) or latency.table.is_of(device) or device == run.settings.check.device:
        return
    table = latency.table
    raise InvalidInput(
        f"The table {table.name} is of '{table.provenance.device}', and the times to check it with are of '{device}': "
        "they would become its margin. Measure on its device (transport=adb, ssh or files), or, if this is the one you "
        f"mean, give {shlex.quote(f'check.device={device}')}."
    )


def _unsettled(run: Run, measured: Measured) -> list[str]:
    half_width = run.settings.timing.half_width
    unsettled = measured.unsettled(half_width)
    if unsettled <= SHARE_UNSETTLED * len(measured.ms):
        return []
    return [f"{unsettled} of {len(measured.ms)} networks are not known within {half_width:.0%}; measure them again."]


def _measure(run: Run, space: SearchSpace, nets: Population, latency: Cost) -> Truth:
    name = next(iter(run.settings.device)) + ("" if run.workbench.computes == FLOAT32 else f"_{run.workbench.computes}")
    genotypes: dict[str, npt.NDArray[np.int8] | None] = {f"check_{i}": row for i, row in enumerate(nets, 1)}
    specs = {model: space.build(row) for model, row in zip(genotypes, nets, strict=True)}
    folder = measurements_folder(name) / "check"
    results = time_specs(run, specs, folder, lambda device: _accept(run, latency, device))
    rows = measurements_of(run, space, results, genotypes)
    write_measurements(run.folder / "measurements.csv", rows)
    for model, reason in results.refused.items():
        run.console.note(f"refused {model}:", reason)
    measured = read_measured(run.folder / "measurements.csv", space, engine_of(run))
    odd = disturbances(results, timing_options(run.settings.timing))
    return Truth(measured.genotypes, measured.ms, _words(measured), measured.fast_ms, measured, tuple(odd))


def _unseen(latency: Cost, truth: Truth) -> Truth:
    """Without the networks that latency=learned was fitted to."""
    if not isinstance(latency, LearnedLatency):
        return truth
    known = {row.tobytes() for row in latency.measured.genotypes}
    fresh = np.array([row.tobytes() not in known for row in truth.genotypes])
    if fresh.sum() < FEWEST:
        raise InvalidInput(
            f"{len(fresh) - fresh.sum()} of the {len(fresh)} networks to check with were learned from, which leaves "
            f"fewer than {FEWEST}; give others (the learned model knows its own error from networks left out)."
        )
    fast = None if truth.fast_ms is None else truth.fast_ms[fresh]
    return replace(truth, genotypes=truth.genotypes[fresh], ms=truth.ms[fresh], fast_ms=fast)


def _words(measured: Measured) -> str:
    place = f" on {measured.device}" if measured.device else ""
    threads = f", {measured.threads} thread(s)" if measured.threads else ""
    return f"measured{place}, {measured.engine}{threads}"
