"""`task=calibrate_device lut.name=my_phone`: a latency table of a phone, from a few networks timed on it.

Without times it writes the probe networks, a form for their times and what to run. With `calibrate.times=FORM` it makes
the table. With `calibrate.measure=true` it times the probes itself, through `transport=`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.table import Table

from nasface.accuracy.candidates import tilted_pool
from nasface.costs import sum_of_rows
from nasface.devices import LookupTable, Provenance, find_lut, measurements_folder, read_lut, replaceable_lut, write_lut
from nasface.devices.measurements import Measurement, read_measurements, write_measurements
from nasface.devices.probe_form import FORM, write_form
from nasface.devices.probe_table import ProbeTime, ScaledTable, scale_to_probes
from nasface.devices.probes import choose_probes
from nasface.devices.scaling import Base
from nasface.errors import ImplausibleTimes, InvalidInput, NotMeasuredYet, TableError
from nasface.jobs import Outcome, Run
from nasface.netspec import NetSpec
from nasface.runs import Json
from nasface.spaces import SearchSpace, join_stages
from nasface.spaces.references import REFERENCES, reference_network
from nasface.tasks._measuring import (
    JOURNAL,
    awaited,
    lowering,
    measurements_of,
    show_range,
    tflite_exporter,
    time_specs,
)
from nasface.tasks.following import following
from nasface.timing.journal import put_aside
from nasface.timing.layer_bench import write_models
from nasface.timing.transports import Transport

ATTEMPTS: Final = 3
"""How often probes are timed whose times cannot come from one device, as those of a busy one cannot."""

POOL: Final = 512
REFERENCE: Final = "efficientnet_b0"

Probe = tuple[npt.NDArray[np.int8] | None, NetSpec]
"""Genotype, or None for a reference network; and the network."""


def run(run: Run) -> Outcome:
    """Write the probes, or turn their times into a table."""
    settings = run.settings.calibrate
    if run.settings.lut.name is None:
        raise InvalidInput("task=calibrate_device needs lut.name=NAME, what you will call the device.")
    replaceable_lut(run.settings.lut.name, run.settings.lut.replace)  # refused before anything is written
    bench = run.workbench
    space = bench.space
    table = read_lut(find_lut(settings.base))
    if settings.times is not None:
        rows = read_measurements(run.path(settings.times))
        spaces = [bench.space_at(size) for size in _sizes(rows)]
        return _calibrate(run, table, spaces, rows)
    if not settings.measure:
        return _export(run, space, _probes(space, Base.of(table, [space]), settings.probes))
    try:
        return measure(run)
    except NotMeasuredYet as waiting:
        return awaited(run, waiting)


def measure(run: Run, opened: Transport | None = None) -> Outcome:
    """Time the probes and make the table; through a transport that is open, or that of the settings.

    Times that cannot come from one device are put aside and taken anew: else the same command would go on with them.

    Raises:
        ImplausibleTimes: They are such `ATTEMPTS` times in a row, or were taken elsewhere.
    """
    space, table = run.workbench.space, read_lut(find_lut(run.settings.calibrate.base))
    probes = _probes(space, Base.of(table, [space]), run.settings.calibrate.probes)
    folder = measurements_folder(str(run.settings.lut.name)) / "probes"
    attempt = 0
    while True:
        rows = _measure(run, space, probes, folder, opened)
        try:
            return _calibrate(run, table, [space], rows)
        except ImplausibleTimes as error:
            attempt += 1
            aside = put_aside(folder / JOURNAL)
            if aside is None:
                raise
            kept = f"{error} Something else used the device; what was measured is kept in {run.shown(aside)}"
            if attempt == ATTEMPTS:
                raise ImplausibleTimes(f"{kept}. Give the same command again when the device is quiet.") from None
            run.console.note("warning:", f"{kept} and is measured anew.")


def _probes(space: SearchSpace, base: Base, n: int) -> dict[str, Probe]:
    """Genotype and network by name: probes of the space, fastest and slowest first, and the reference network."""
    ms = sum_of_rows(base.table, space)
    pool = tilted_pool(space, np.random.default_rng(0), ms.predict, POOL)
    tables, choices = ms.decompose(), space.stage_choices()
    if tables is not None and choices is not None:
        ends = [join_stages(choices, end.choices) for end in (tables.minimum(), tables.maximum())]
        pool = np.concatenate([np.stack(ends), pool])
    chosen = choose_probes(space, base, np.unique(pool, axis=0), n)
    named: dict[str, Probe] = {f"probe_{i}": (row, space.build(row)) for i, row in enumerate(chosen, 1)}
    return named | {REFERENCE: (None, reference_network(REFERENCE, space.resolution))}


def _export(run: Run, space: SearchSpace, probes: Mapping[str, Probe]) -> Outcome:
    """Write models, form and instructions."""
    name, settings = run.settings.lut.name, run.settings.calibrate
    folder = run.path(settings.folder or f"{name}_probes")
    write_models({model: spec for model, (_, spec) in probes.items()}, folder, tflite_exporter(run))
    form = run.shown(folder / FORM)
    command = following(run, "calibrate_device", {"calibrate.times": form})
    genotypes = {model: "" if row is None else space.to_text(row) for model, (row, _) in probes.items()}
    rows = write_form(folder, genotypes, space.resolution, command)
    run.console.print(f"{len(probes)} probe networks at {space.resolution} px: {run.shown(folder)}", soft_wrap=True)
    run.console.print(
        f"time each on your device (README.md there says how), fill in median_ms in {form}; then", soft_wrap=True
    )
    return Outcome({"folder": str(folder), "probes": rows, "resolution": space.resolution}, next=command)


def _measure(
    run: Run, space: SearchSpace, probes: Mapping[str, Probe], folder: Path, opened: Transport | None
) -> list[Measurement]:
    """Time the probes through `transport=`; also into `measurements.csv`."""
    specs = {model: spec for model, (_, spec) in probes.items()}
    results = time_specs(run, specs, folder, opened=opened)
    rows = measurements_of(run, space, results, {model: row for model, (row, _) in probes.items()})
    write_measurements(run.folder / "measurements.csv", rows)
    return rows


def _calibrate(run: Run, table: LookupTable, spaces: Sequence[SearchSpace], rows: Sequence[Measurement]) -> Outcome:
    name, settings = str(run.settings.lut.name), run.settings.calibrate
    path = replaceable_lut(name, run.settings.lut.replace)
    provenance = Provenance(
        kind="estimated",
        device=next((row.device for row in rows if row.device), name),
        runtime=run.settings.lut.runtime or rows[0].engine,
        threads=run.settings.lut.file_threads or rows[0].threads or None,
        lowering=lowering(run),
        created="nasface task=calibrate_device",
    )
    times = [_probe_time(row, spaces) for row in rows]
    made = scale_to_probes(Base.of(table, spaces), spaces, times, provenance, settings.tolerance)
    write_lut(made.table, path)
    _show(run, name, spaces, made)
    run.console.print(f"table (estimated): {path}", soft_wrap=True)
    scores = {candidate: left_out.rms for candidate, left_out in made.scaling.candidates.items()}
    decision: dict[str, Json] = {
        "path": str(path),
        "name": name,
        "candidate": made.scaling.candidate,
        "candidates": scores,
    }
    decision |= {"error": made.error, "errors": dict(made.errors), "enough": made.enough, "verdict": made.verdict}
    return Outcome(decision | {"estimated": [f"latency {name}"]}, next=_next(run, name, made))


def _show(run: Run, name: str, spaces: Sequence[SearchSpace], made: ScaledTable) -> None:
    shown = Table("probe", "left out (estimated)", title=f"{name} by '{made.scaling.candidate}'")
    for probe, error in made.errors.items():
        shown.add_row(probe, f"{error:+.1%}")
    run.console.print(shown)
    run.console.print(made.verdict, soft_wrap=True)
    for space in spaces:
        show_range(run, made.table, space)


def _next(run: Run, name: str, made: ScaledTable) -> str:
    probes = run.settings.calibrate.probes
    if made.enough or len(made.errors) != probes:
        return following(run, "search", {"device": name})
    run.console.print(f"more probes make it better (the form keeps your times); device={name} is there already")
    return following(run, "calibrate_device", {"calibrate.probes": probes + 2, "calibrate.times": None})


def _probe_time(row: Measurement, spaces: Sequence[SearchSpace]) -> ProbeTime:
    std = row.std_ms or None
    if not row.genotype:
        if row.network not in REFERENCES:
            raise TableError(
                f"{row.network or 'A row'} has no genotype and is no reference network; keep the column genotype."
            )
        return ProbeTime(row.network, row.resolution, row.median_ms, None, std)
    space = next(space for space in spaces if space.resolution == row.resolution)
    genotype = space.from_text(row.genotype)
    return ProbeTime(row.network or row.genotype, row.resolution, row.median_ms, genotype, std)


def _sizes(rows: Sequence[Measurement]) -> list[int]:
    """Resolutions of the networks of the space."""
    sizes = sorted({row.resolution for row in rows if row.genotype})
    if not sizes:
        raise InvalidInput("The form has no time of a network of the space; time probe_1, probe_2, ... as well.")
    return sizes
