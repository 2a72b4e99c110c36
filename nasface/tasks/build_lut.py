"""`task=build_lut lut.name=my_phone transport=...`: measure a latency table, which becomes `device=my_phone`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from nasface.accuracy.candidates import Plan, candidates, mixed
from nasface.composition import timing_options
from nasface.devices import LookupTable, Provenance, measurements_folder, new_lut, read_lut, write_lut
from nasface.devices.measurements import Measurement, write_measurements
from nasface.errors import InvalidInput, ModelRefused, NotMeasuredYet, listing
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.reports.lut_page import step_rows, write_lut_page
from nasface.runs import Json
from nasface.spaces import Population, SearchSpace
from nasface.tasks._measuring import awaited, engine_of, lowering, show_range, time_specs, warn_odd_kernels
from nasface.tasks.following import following, repeated
from nasface.timing.layer_bench import CHAIN_LENGTHS
from nasface.timing.lut_builder import FEWEST_NETS, Built, TablePlan, build_rows
from nasface.timing.protocol import DeviceTimes, TimingOptions


def run(run: Run) -> Outcome:
    """Measure layers, whole networks and references on one occasion; write the table; the same command goes on."""
    lut = run.settings.lut
    if lut.name is None:
        raise InvalidInput("task=build_lut needs lut.name=NAME, what device= will call the table, e.g. my_phone.")
    path, folder, options = new_lut(lut.name), measurements_folder(lut.name), timing_options(run.settings.timing)
    _check_kind(run, path, options)
    plans = _plans(run)
    try:
        results = _measure(run, plans, folder)
    except NotMeasuredYet as waiting:
        return awaited(run, waiting)
    built = {plan.space.resolution: build_rows(plan, results.timed, run.rng(Part.QUALITY)) for plan in plans}
    table = LookupTable(
        lut.name,
        _provenance(run, results, options, built),
        {size: part.rows for size, part in built.items()},
        {size: part.references for size, part in built.items()},
    )
    write_lut(table, path)
    write_measurements(run.folder / "measurements.csv", _measurements(plans, results, options, engine_of(run)))
    warnings = _show(run, table, plans, path)
    next_line = following(run, "search", {"device": table.name})
    page = run.folder / "report.html"
    write_lut_page(page, table, plans, results.timed, warnings, repeated(run), next_line)
    run.console.print(f"report: {run.shown(page)}", soft_wrap=True)
    decision: dict[str, Json] = {"path": str(path), "name": table.name, "resolutions": sorted(built)}
    steps: dict[str, Json] = {str(size): part.steps for size, part in built.items()}
    measurements: dict[str, Json] = {"steps": steps, "device": dict(results.device), "notes": results.notes}
    return Outcome(decision, measurements | {"warnings": warnings}, next=next_line)


def _plans(run: Run) -> list[TablePlan]:
    """What is measured at every resolution; the whole networks are the same at all."""
    lut = run.settings.lut
    bench = run.workbench
    sizes = lut.resolutions or [bench.space.resolution]
    if len(set(sizes)) != len(sizes):
        raise InvalidInput(f"lut.resolutions={sizes} names a resolution twice.")
    if lut.nets != 0 and lut.nets < FEWEST_NETS:
        raise InvalidInput(f"lut.nets={lut.nets} is too few to fit rows to: give {FEWEST_NETS} or more, or 0 for none.")
    spaces = [bench.space_at(size) for size in sizes]
    nets = _nets(spaces[0], lut.nets, run.settings.seed)
    return [TablePlan(space, nets, lut.chains) for space in spaces]


def _nets(space: SearchSpace, n: int, seed: int) -> Population:
    """Networks from small to large, every second one uniform."""
    if not n:
        return np.empty((0, space.n_genes), np.int8)
    return candidates(space, min(n, space.size()), seed, Plan(mixed(space))).population


def _measure(run: Run, plans: Sequence[TablePlan], folder: Path) -> DeviceTimes:
    results = time_specs(run, {name: spec for plan in plans for name, spec in plan.models.items()}, folder)
    _check_refused(run, plans, results)
    return results


def _check_refused(run: Run, plans: Sequence[TablePlan], results: DeviceTimes) -> None:
    """Reference networks may be refused; a table without one of its rows is none."""
    references = {name for plan in plans for name in plan.reference_models}
    wrong = [f"{name} ({why})" for name, why in results.refused.items() if name not in references]
    if wrong:
        raise ModelRefused(
            f"The runtime refused {len(wrong)} models that the table needs: {listing(wrong, 3)}; update the runtime, "
            "or try exporter.precision=float32 exporter.split_depthwise=true."
        )
    for name in results.refused:
        run.console.note(f"no reference {name}:", results.refused[name])


def _check_kind(run: Run, path: Path, options: TimingOptions) -> None:
    """A table of another number of threads, or of files of another precision, is not overwritten."""
    if not path.is_file():
        return
    known, precision = read_lut(path).provenance, run.workbench.computes
    kinds = {"thread(s)": (known.threads, options.threads), "files": (known.precision, precision)}
    for what, (theirs, ours) in kinds.items():
        if theirs != ours:
            raise InvalidInput(
                f"{path} is of {theirs} {what}, not {ours}; choose another lut.name, or remove the file."
            )


def _provenance(run: Run, results: DeviceTimes, options: TimingOptions, built: dict[int, Built]) -> Provenance:
    chains = f"layers alone, in chains of {' and '.join(map(str, CHAIN_LENGTHS))} and in front of one another"
    exporter = f"({', '.join(f'{k}={v}' for k, v in run.settings.exporter.items() if k != 'name')})"
    method = (
        f"Measured with nasface task=build_lut: {chains if run.settings.lut.chains else 'layers alone'}, "
        f"{run.settings.lut.nets} whole networks and the references, files of exporter=tflite "
        f"{exporter}. {results.protocol} Rows are "
        + ("fitted to the whole networks, " if any(part.strength for part in built.values()) else "")
        + "medians in ms; std_ms and runs are those of the layer's own model."
    )
    return Provenance(
        kind="measured",
        device=results.device["device"],
        runtime=results.device["runtime"],
        threads=options.threads,
        method=method,
        created=f"python -m nasface task=build_lut transport={run.settings.transport['name']}",
        lowering=lowering(run),
        precision=run.workbench.computes,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        system=dict(results.device) | {f"{name} while measuring": text for name, text in results.notes.items()},
        steps={str(size): part.steps for size, part in built.items()},
    )


def _measurements(
    plans: Sequence[TablePlan], results: DeviceTimes, options: TimingOptions, engine: str
) -> list[Measurement]:
    """The whole networks: those of the space, then the references."""
    rows = []
    for plan in plans:
        shared: dict[str, Any] = {"resolution": plan.space.resolution, "engine": engine, "threads": options.threads}
        shared["device"] = results.device["device"]
        for name, genotype in plan.net_models.items():
            text = plan.space.to_text(genotype)
            rows.append(Measurement.of(results.timed[name], genotype=text, network="", **shared))
        for name, network in plan.reference_models.items():
            if name in results.timed:
                rows.append(Measurement.of(results.timed[name], genotype="", network=network, **shared))
    return rows


def _show(run: Run, table: LookupTable, plans: Sequence[TablePlan], path: Path) -> list[str]:
    sizes = [plan.space.resolution for plan in plans]
    shown = Table("step", title=f"{table.name}: error of the sum of rows on whole networks it was not fitted on")
    for size in sizes:
        shown.add_column(f"{size} px", justify="right")
    rows = step_rows(table, sizes)
    for row in rows:
        shown.add_row(*row)
    if rows:
        run.console.print(shown)
    warnings = [text for plan in plans for text in warn_odd_kernels(run, table, plan.space)]
    for plan in plans:
        show_range(run, table, plan.space)
    run.console.print(f"table: {path}", soft_wrap=True)
    return warnings
