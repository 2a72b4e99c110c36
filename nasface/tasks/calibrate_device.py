"""`task=calibrate_device lut.name=my_phone`: a latency table of a phone, from a few networks timed on it.

Without times it writes the probe networks, a form for their times and what to run. With `calibrate.times=FORM` it makes
the table. With `calibrate.measure=true` it times the probes itself, through `transport=`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.table import Table

from nasface.accuracy.candidates import tilted_pool
from nasface.composition import SupernetSource, build_space
from nasface.costs import LayerCost
from nasface.devices import LookupTable, Provenance, find_lut, new_lut, read_lut, write_lut
from nasface.devices.calibrated import Calibrated, ProbeTime, calibrated_table
from nasface.devices.measurements import Measurement, read_measurements
from nasface.devices.probes import choose_probes
from nasface.devices.references import REFERENCES, reference_network
from nasface.devices.scaling import Base
from nasface.errors import InvalidInput, TableError
from nasface.exporters import Exporter
from nasface.netspec import NetSpec, random_weights
from nasface.registry import build
from nasface.runs import write_text
from nasface.spaces import Population, SearchSpace, join_stages
from nasface.tasks._run import Outcome, Run

POOL: Final = 512
REFERENCE: Final = "efficientnet_b0"
FORM: Final = "times.csv"


def run(run: Run) -> Outcome:
    """Write the probes, or turn their times into a table."""
    settings = run.settings.calibrate
    if run.settings.lut.name is None:
        raise InvalidInput("task=calibrate_device needs lut.name=NAME, what you will call the device.")
    new_lut(run.settings.lut.name)
    source = SupernetSource.of(run.settings.supernet, run.cwd)
    space = build_space(run.settings.space, source)
    table = read_lut(find_lut(settings.base))
    if settings.times is not None:
        rows = read_measurements(run.path(settings.times))
        spaces = [build_space(run.settings.space | {"resolution": size}, source) for size in _sizes(rows)]
        return _calibrate(run, table, spaces, rows)
    probes = _probes(space, Base.of(table, [space]), settings.probes)
    if settings.measure:
        raise InvalidInput("calibrate.measure is not there yet.")
    return _export(run, space, probes)


def _probes(space: SearchSpace, base: Base, n: int) -> dict[str, tuple[Population | None, NetSpec]]:
    """Genotype and network by name: probes of the space, fastest and slowest first, and the reference network."""
    ms = LayerCost(space, base.table.values(space.layers(), space.resolution))
    pool = tilted_pool(space, np.random.default_rng(0), ms.predict, POOL)
    tables, choices = ms.decompose(), space.stage_choices()
    if tables is not None and choices is not None:
        ends = [join_stages(choices, chosen) for _, chosen in (tables.minimum(), tables.maximum())]
        pool = np.concatenate([np.stack(ends), pool])
    chosen = choose_probes(space, base, np.unique(pool, axis=0), n)
    named: dict[str, tuple[Population | None, NetSpec]] = {
        f"probe_{i}": (row, space.build(row)) for i, row in enumerate(chosen, 1)
    }
    return named | {REFERENCE: (None, reference_network(REFERENCE, space.resolution))}


def _export(run: Run, space: SearchSpace, probes: Mapping[str, tuple[Population | None, NetSpec]]) -> Outcome:
    """Write models, form and instructions; times that stand in the form already are kept."""
    name = run.settings.lut.name
    folder = run.path(run.settings.calibrate.folder or f"{name}_probes")
    exporter: Exporter = build("exporter", {"name": "tflite"})
    for model, (_, spec) in probes.items():
        exporter.export(spec, random_weights(spec, np.random.default_rng(0)), folder / f"{model}.tflite", {})
    given = _given(folder / FORM)
    rows = [
        {
            "network": model,
            "median_ms": given.get((model, genotype, str(space.resolution)), ""),
            "resolution": str(space.resolution),
            "genotype": genotype,
        }
        for model, row in probes.items()
        for genotype in ["" if row[0] is None else space.to_text(row[0])]
    ]
    write_text(folder / FORM, _csv(rows))
    form = run.shown(folder / FORM)
    command = f"python -m nasface task=calibrate_device lut.name={name} calibrate.times={form}"
    write_text(folder / "README.md", _instructions(list(probes), space.resolution, command))
    run.console.print(f"{len(probes)} probe networks at {space.resolution} px: {run.shown(folder)}", soft_wrap=True)
    run.console.print(f"time each on your device (README.md there says how), fill in median_ms in {form}; then")
    run.console.print(f"next: {command}", soft_wrap=True)
    return Outcome({"folder": str(folder), "probes": rows, "resolution": space.resolution})


def _calibrate(run: Run, table: LookupTable, spaces: Sequence[SearchSpace], rows: Sequence[Measurement]) -> Outcome:
    name, settings = str(run.settings.lut.name), run.settings.calibrate
    provenance = Provenance(
        kind="estimated",
        device=next((row.device for row in rows if row.device), name),
        runtime=run.settings.lut.runtime or rows[0].engine,
        threads=run.settings.lut.threads or rows[0].threads or None,
        created="nasface task=calibrate_device",
    )
    times = [_probe_time(row, spaces) for row in rows]
    made = calibrated_table(Base.of(table, spaces), spaces, times, provenance, settings.tolerance)
    path = new_lut(name)
    write_lut(made.table, path)
    _show(run, name, spaces, made)
    run.console.print(f"table (estimated): {path}", soft_wrap=True)
    run.console.print(f"next: {_next(run, name, made)}", soft_wrap=True)
    scores = {candidate: score[0] for candidate, score in made.scaling.scores.items()}
    decision: dict[str, Any] = {
        "path": str(path),
        "name": name,
        "candidate": made.scaling.candidate,
        "candidates": scores,
    }
    decision |= {"error": made.error, "errors": dict(made.errors), "enough": made.enough, "verdict": made.verdict}
    return Outcome(decision | {"estimated": [f"latency {name}"]})


def _show(run: Run, name: str, spaces: Sequence[SearchSpace], made: Calibrated) -> None:
    shown = Table("probe", "left out (estimated)", title=f"{name} by '{made.scaling.candidate}'")
    for probe, error in made.errors.items():
        shown.add_row(probe, f"{error:+.1%}")
    run.console.print(shown)
    run.console.print(made.verdict, soft_wrap=True)
    for space in spaces:
        cost = LayerCost(space, made.table.values(space.layers(), space.resolution)).decompose()
        if cost is not None:
            low, high = cost.minimum()[0], cost.maximum()[0]
            run.console.print(
                f"networks of {space.name} at {space.resolution} px need {low:.2f} to {high:.2f} ms (estimated)",
                soft_wrap=True,
            )


def _next(run: Run, name: str, made: Calibrated) -> str:
    probes = run.settings.calibrate.probes
    if made.enough or len(made.errors) != probes:
        return f"python -m nasface device={name}"
    return (
        f"python -m nasface task=calibrate_device lut.name={name} calibrate.probes={probes + 2}  (the form keeps your "
        f"times), or use it as it is: device={name}"
    )


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


def _given(form: Path) -> dict[tuple[str, str, str], str]:
    """Times in a form that is there already, by network, genotype and resolution."""
    if not form.is_file():
        return {}
    rows = csv.DictReader(form.read_text(encoding="utf-8").splitlines())
    return {(row["network"], row["genotype"], row["resolution"]): row["median_ms"] for row in rows}


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["network", "median_ms", "resolution", "genotype"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _instructions(names: Sequence[str], resolution: int, command: str) -> str:
    models = "\n".join(f"* `{name}.tflite`" for name in names)
    return f"""# Probe networks for a new device

{models}

Random weights, input float32 1 x {resolution} x {resolution} x 3. Time each of them on your device, with the runtime
and the threads that your app will use. With the official `benchmark_model` on an Android phone:

    adb push *.tflite benchmark_model /data/local/tmp/
    adb shell chmod +x /data/local/tmp/benchmark_model
    adb shell /data/local/tmp/benchmark_model --graph=/data/local/tmp/probe_1.tflite --num_threads=1 --num_runs=100

It prints `Inference (avg)` in microseconds: divide by 1000. Let the phone cool down in between, and time all of them
twice in turn; if the two series differ by more than 3 %, time again. Write milliseconds into the column `median_ms` of
`{FORM}`, then run

    {command}
"""
