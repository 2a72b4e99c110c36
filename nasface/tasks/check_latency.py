"""`task=check_latency device=my_phone`: predicted latencies against measured ones, and the margin that follows.

Measured are networks spread over the range, through `transport=`; or they stand in `check.file`. With `check.table` the
truth is another latency table: how far is latency=analytic off on a device it was not fitted to?
"""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.table import Table

from nasface.accuracy.candidates import Plan, Source, candidates, tilted_pool
from nasface.accuracy.table import STRATIFIED
from nasface.composition import DeviceCosts, timing_options
from nasface.costs import Cost, LayerCost, LearnedLatency, LutLatency
from nasface.devices import Check, embedded_luts, find_lut, measurements_folder, new_lut, read_lut, write_lut
from nasface.devices.check import FEWEST, LatencyCheck
from nasface.devices.learned import LayerGroups
from nasface.devices.measured import Measured, read_measured
from nasface.devices.measurements import write_measurements
from nasface.devices.optimal_design import most_informative
from nasface.errors import InvalidInput, NasfaceError, NotMeasuredYet, UnknownName
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.reports.latency_page import FIGURES, figure_cells, write_latency_page
from nasface.spaces import Population, SearchSpace, layer_counts
from nasface.tasks._measuring import SHARE_UNSETTLED, disturbances, measurements_of, time_specs

CHOICES: Final = ("even", "informative")
POOL: Final = 2048
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Truth:
    """What predictions are compared with.

    Attributes:
        genotypes: int8[n, n_genes].
        ms: float64[n].
        source: For people, e.g. "measured on Pixel 8, tflite, 4 thread(s)".
        measured: Where it comes from, or None for another table.
        disturbances: Why the times are not to be relied on.
    """

    genotypes: Population
    ms: npt.NDArray[np.float64]
    source: str
    measured: Measured | None = None
    disturbances: tuple[str, ...] = ()


def run(run: Run) -> Outcome:
    """Compare, report, and keep the errors in the device's table."""
    settings = run.settings
    space = run.workbench.space
    entry = _device(run, space)
    try:
        truth = _truth(run, space, entry.latency)
    except NotMeasuredYet as waiting:
        run.console.print(str(waiting), soft_wrap=True)
        return Outcome({"device": entry.device.name, "waiting": str(waiting)})
    truth = _unseen(run, entry.latency, truth)
    check = LatencyCheck.of(entry.latency.predict(truth.genotypes), truth.ms, run.rng(Part.BOOTSTRAP))
    remarks = _remarks(entry, truth)
    stored = _store(run, entry, truth, check)
    margin = _margin(entry, check, stored)
    _show(run, entry, truth, check, remarks, margin, stored)
    names = [space.to_text(row) for row in truth.genotypes]
    write_latency_page(run.folder / "report.html", entry, truth.source, check, names, margin, remarks)
    figures = {name: [i.value, i.low, i.high] for name, i in check.figures.items()}
    decision = {"device": entry.device.name, "latency": settings.latency["name"], "truth": truth.source}
    decision |= {"networks": len(truth.ms), "table": None if stored is None else str(stored)}
    return Outcome(decision, {"figures": figures, "margin": margin, "errors": check.errors, "notes": remarks})


def _device(run: Run, space: SearchSpace) -> DeviceCosts:
    devices = run.workbench.devices
    if len(devices) != 1:
        raise InvalidInput(f"task=check_latency checks one device at a time, not {len(devices)}; give device=NAME.")
    return devices[0]


def _truth(run: Run, space: SearchSpace, latency: Cost) -> Truth:
    settings = run.settings.check
    if settings.file is not None and settings.table is not None:
        raise InvalidInput("check.file and check.table are both given; choose what the predictions are compared with.")
    if settings.file is not None:
        measured = read_measured(run.path(settings.file), space, settings.engine, settings.file_threads)
        _accept(run, latency, measured.device)
        return Truth(measured.genotypes, measured.ms, _words(measured), measured, tuple(_unsettled(run, measured)))
    nets = _networks(run, space, latency)
    if settings.table is not None:
        table = read_lut(find_lut(settings.table))
        cost = LayerCost(space, table.values(space.layers(), space.resolution))
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
    name = next(iter(run.settings.device))
    genotypes: dict[str, npt.NDArray[np.int8] | None] = {f"check_{i}": row for i, row in enumerate(nets, 1)}
    specs = {model: space.build(row) for model, row in zip(genotypes, nets, strict=True)}
    folder = measurements_folder(name) / "check"
    results = time_specs(run, specs, folder, lambda device: _accept(run, latency, device))
    rows = measurements_of(run, space, results, genotypes)
    write_measurements(run.folder / "measurements.csv", rows)
    for model, reason in results.refused.items():
        run.console.note(f"refused {model}:", reason)
    measured = read_measured(run.folder / "measurements.csv", space)
    odd = disturbances(results, timing_options(run.settings.timing))
    return Truth(measured.genotypes, measured.ms, _words(measured), measured, tuple(odd))


def _unseen(run: Run, latency: Cost, truth: Truth) -> Truth:
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
    return replace(truth, genotypes=truth.genotypes[fresh], ms=truth.ms[fresh])


def _words(measured: Measured) -> str:
    place = f" on {measured.device}" if measured.device else ""
    threads = f", {measured.threads} thread(s)" if measured.threads else ""
    return f"measured{place}, {measured.engine}{threads}"


def _remarks(entry: DeviceCosts, truth: Truth) -> list[str]:
    """What differs between the table and the measurements."""
    if truth.measured is None or not isinstance(entry.latency, LutLatency):
        return []
    known, given = entry.latency.table.provenance, truth.measured
    found = [f"{disturbance} The table keeps no margin from this." for disturbance in truth.disturbances]
    if known.threads and given.threads and known.threads != given.threads:
        found.append(
            f"The table is of {known.threads} thread(s), the networks were measured with {given.threads}: the table "
            "keeps no margin from this."
        )
    if known.kind == "measured" and given.device and known.device != given.device:
        found.append(f"The table is of '{known.device}', the networks were measured on '{given.device}'.")
    return found


def _store(run: Run, entry: DeviceCosts, truth: Truth, check: LatencyCheck) -> Path | None:
    """Keep the errors in the table's file (of an embedded one, in a copy); None where they are of something else."""
    if not isinstance(entry.latency, LutLatency) or truth.measured is None or truth.disturbances:
        return None
    table, given = entry.latency.table, truth.measured
    if given.threads and table.provenance.threads not in (None, given.threads):
        return None
    path = find_lut(str(run.settings.device[entry.device.name]["lut"]))
    if path in embedded_luts().values():
        path = new_lut(f"{path.stem}_checked")
    now = datetime.datetime.now(datetime.UTC).date().isoformat()
    figures = check.figures
    errors = tuple(round(error, 5) for error in check.errors)
    created = f"nasface task=check_latency, {now}"
    known = Check(
        errors,
        round(figures["mape"].value, 5),
        round(figures["kendall_tau"].value, 5),
        given.device,
        given.engine,
        given.threads,
        created,
    )
    checks = dict(table.checks) | {entry.latency.space.resolution: known}
    write_lut(replace(table, checks=checks), path)
    return path


def _margin(entry: DeviceCosts, check: LatencyCheck, stored: Path | None) -> float | None:
    """What the search would add for 95 % confidence, if it can."""
    try:
        if stored is not None:
            return read_lut(stored).margin(CONFIDENCE, entry.latency.space.resolution)
        return entry.latency.margin(CONFIDENCE)
    except NasfaceError:
        return None


def _show(
    run: Run,
    entry: DeviceCosts,
    truth: Truth,
    check: LatencyCheck,
    remarks: Sequence[str],
    margin: float | None,
    stored: Path | None,
) -> None:
    say, path = run.console.print, run.folder / "report.html"
    title = f"{entry.latency.label}{' (estimated)' if entry.latency.estimated else ''} against {len(truth.ms)} networks"
    table = Table("", "value", "95 % interval", title=title)
    for name, words in FIGURES.items():
        table.add_row(words, *figure_cells(name, check.figures[name]))
    say(table)
    say(f"truth: {truth.source}", soft_wrap=True)
    for remark in remarks:
        run.console.note("note:", remark)
    if margin is not None:
        say(f"margin for {CONFIDENCE:.0%} confidence: {margin:.1%}")
    say(f"report: {run.shown(path)}", soft_wrap=True)
    if stored is not None:
        say(f"kept in the table: {stored}", soft_wrap=True)
        confident = f" constraints.latency_ms.confidence={CONFIDENCE:g}" if margin is not None else ""
        say(f"next: python -m nasface device={stored.stem}{confident}", soft_wrap=True)
