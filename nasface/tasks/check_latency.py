"""`task=check_latency device=my_phone`: predicted latencies against measured ones, and the margin that follows.

Measured are networks spread over the range, through `transport=`; or they stand in `check.file`. With `check.table` the
truth is another latency table: how far is latency=analytic off on a device it was not fitted to?
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from nasface.composition import DeviceCosts
from nasface.costs import LayerCost, LutLatency
from nasface.devices import Check, embedded_luts, keep_check, new_lut, read_lut
from nasface.devices.check import FASTEST, MEDIAN, LatencyCheck
from nasface.devices.measured import Measured
from nasface.errors import InvalidInput, NasfaceError, NotMeasuredYet
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.reports.latency_page import figure_rows, verdict, write_latency_page
from nasface.runs import Json
from nasface.tasks._latency_truth import Truth, read_truth
from nasface.tasks._measuring import awaited
from nasface.tasks.following import following, repeated

CONFIDENCE: Final = 0.95


def run(run: Run) -> Outcome:
    """Compare, report, and keep the errors in the device's table."""
    settings = run.settings
    space = run.workbench.space
    entry = _device(run)
    try:
        truth = read_truth(run, space, entry.latency)
    except NotMeasuredYet as waiting:
        return awaited(run, waiting)
    checks = _checks(entry, truth, run.rng(Part.BOOTSTRAP))
    check = checks[MEDIAN]
    remarks = _remarks(entry, truth)
    stored = _store(entry, truth, check)
    margin = _margin(entry, check, stored)
    _show(run, entry, truth, checks, remarks, margin, stored)
    names = [space.to_text(row) for row in truth.genotypes]
    write_latency_page(run.folder / "report.html", entry, truth.source, checks, names, margin, remarks, repeated(run))
    figures, *fast = (_plain(one) for one in checks.values())
    decision = {"device": entry.device.name, "latency": settings.latency["name"], "truth": truth.source}
    decision |= {"networks": len(truth.ms), "table": None if stored is None else str(stored)}
    measurements = {"figures": figures, "fast_figures": fast[0] if fast else None, "margin": margin}
    confidence = {"constraints.latency_ms.confidence": CONFIDENCE} if stored is not None and margin is not None else {}
    goes_on = following(run, "search", {"device": entry.device.name if stored is None else stored.stem, **confidence})
    return Outcome(decision, measurements | {"errors": check.errors, "notes": remarks}, next=goes_on)


def _device(run: Run) -> DeviceCosts:
    devices = run.workbench.devices
    if len(devices) != 1:
        raise InvalidInput(f"task=check_latency checks one device at a time, not {len(devices)}; give device=NAME.")
    return devices[0]


def _checks(entry: DeviceCosts, truth: Truth, rng: np.random.Generator) -> dict[str, LatencyCheck]:
    """By the runs that are looked at: medians, and where table and measurements know them the fastest runs."""
    found = {MEDIAN: LatencyCheck.of(entry.latency.predict(truth.genotypes), truth.ms, rng)}
    if not isinstance(entry.latency, LutLatency) or truth.fast_ms is None:
        return found
    space = entry.latency.space
    rows = entry.latency.table.fast_values(space.layers(), space.resolution)
    if rows is not None:
        found[FASTEST] = LatencyCheck.of(LayerCost(space, rows).predict(truth.genotypes), truth.fast_ms, rng)
    return found


def _plain(check: LatencyCheck) -> Json:
    """Figures with the ends of their intervals."""
    return {name: [figure.value, figure.low, figure.high] for name, figure in check.figures.items()}


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
    if not _of_one_precision(entry.latency, given):
        found.append(
            f"The table is of {known.precision} files, the networks were measured as {given.engine}: the table keeps "
            "no margin from this."
        )
    if known.kind == "measured" and given.device and known.device != given.device:
        found.append(f"The table is of '{known.device}', the networks were measured on '{given.device}'.")
    return found


def _store(entry: DeviceCosts, truth: Truth, check: LatencyCheck) -> Path | None:
    """Keep the errors in the table's file (of an embedded one, in a copy); None where they are of something else."""
    if not isinstance(entry.latency, LutLatency) or truth.measured is None or truth.disturbances:
        return None
    table, given = entry.latency.table, truth.measured
    if given.threads and table.provenance.threads not in (None, given.threads):
        return None
    path = entry.device.path
    if path is None or not _of_one_precision(entry.latency, given):
        return None
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
    keep_check(table, entry.latency.space.resolution, known, path)
    return path


def _of_one_precision(latency: LutLatency, given: Measured) -> bool:
    """Whether table and measurements are of files that compute alike."""
    return (latency.table.provenance.precision == "int8") == given.engine.endswith("int8")


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
    checks: Mapping[str, LatencyCheck],
    remarks: Sequence[str],
    margin: float | None,
    stored: Path | None,
) -> None:
    say, path = run.console.print, run.folder / "report.html"
    title = f"{entry.latency.label}{' (estimated)' if entry.latency.estimated else ''} against {len(truth.ms)} networks"
    table = Table("", *(cell for runs in checks for cell in (runs, "95 % interval")), title=title)
    for row in figure_rows(checks):
        table.add_row(*row)
    say(table)
    say(f"truth: {truth.source}", soft_wrap=True)
    say(verdict(checks[MEDIAN]), soft_wrap=True)
    for remark in remarks:
        run.console.note("note:", remark)
    if margin is not None:
        say(f"margin for {CONFIDENCE:.0%} confidence: {margin:.1%}")
    say(f"report: {run.shown(path)}", soft_wrap=True)
    if stored is not None:
        say(f"kept in the table: {stored}", soft_wrap=True)
