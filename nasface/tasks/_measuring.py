"""What the tasks that time models on a device share: progress, how long it takes, what is odd."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.progress import TextColumn, TimeElapsedColumn, TimeRemainingColumn

from nasface.composition import timing_options
from nasface.costs import sum_of_rows
from nasface.devices import FLOAT32, LookupTable
from nasface.devices.lut import Lowering
from nasface.devices.measurements import CALM, Measurement
from nasface.devices.plausibility import kernel_warning
from nasface.errors import InvalidInput, NotMeasuredYet
from nasface.exporters import Exporter
from nasface.jobs import Outcome, Run
from nasface.netspec import NetSpec
from nasface.randomness import Part
from nasface.runs import held
from nasface.spaces import SearchSpace
from nasface.tasks.following import repeated
from nasface.timing.journal import Journal
from nasface.timing.layer_bench import write_models
from nasface.timing.protocol import DeviceTimes, TimingOptions, measure_networks
from nasface.timing.transports import Transport, build_transport

JOURNAL: Final = "journal.jsonl"
"""Name of the file of finished blocks, in the folder of a measurement."""

SHARE_UNSETTLED: Final = 0.1
"""Models that may stay less certain than asked for before somebody is told that the device was busy."""


def time_models(
    run: Run, transport: Transport, models: Mapping[str, Path], options: TimingOptions, journal: Path
) -> DeviceTimes:
    """Time models with a progress bar; say what it takes after the first round, and what was odd at the end."""
    if not transport.live:
        results = measure_networks(transport, models, options, run.rng(Part.TIMING), Journal(journal))
        blocks = sum(timed.blocks for timed in results.timed.values())
        run.console.print(f"timed elsewhere: {blocks} blocks of {len(results.timed)} models", soft_wrap=True)
        return results
    with held(journal.with_suffix(".lock"), f"{journal} is being measured", "or give another name"):
        return _time_live(run, transport, models, options, journal)


def _time_live(
    run: Run, transport: Transport, models: Mapping[str, Path], options: TimingOptions, journal: Path
) -> DeviceTimes:
    run.console.print(
        f"{len(models)} models, {options.blocks} to {options.max_blocks} blocks of {options.runs} runs or more each, "
        f"{options.threads} thread(s)",
        soft_wrap=True,
    )
    with run.console.progress(TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()) as bar:
        shown = bar.add_task("timing", total=len(models) * options.blocks)
        clock = _Clock(len(models), options)

        def progress(done: int, total: int, ms: float) -> None:
            bar.update(shown, completed=done, total=total)
            if (expected := clock.expected()) is not None:
                run.console.print(expected)

        results = measure_networks(transport, models, options, run.rng(Part.TIMING), Journal(journal), progress)
        blocks = sum(timed.blocks for timed in results.timed.values()) or 1
        bar.update(shown, completed=blocks, total=blocks)
    remarks = disturbances(results, options)
    for remark in remarks:
        _warn(run, remark)
    if remarks:
        run.console.print(f"what was measured is kept: remove {run.shown(journal)} to measure anew", soft_wrap=True)
    outliers = sum(timed.outliers for timed in results.timed.values())
    if outliers:
        run.console.print(f"{outliers} of {blocks} blocks were outliers and are left out of the figures")
    return results


def awaited(run: Run, waiting: NotMeasuredYet) -> Outcome:
    """Of a task whose models are timed elsewhere and are not yet: what is missing, and the same command again."""
    run.console.print(str(waiting), soft_wrap=True)
    return Outcome({"waiting": str(waiting)}, next=repeated(run))


class _Clock:
    """How long a round takes, known when one is over."""

    def __init__(self, models: int, options: TimingOptions) -> None:
        self._models, self._options = models, options
        self._blocks, self._started = 0, time.monotonic()

    def expected(self) -> str | None:
        """To be asked after every block; a sentence after the first round, else None."""
        self._blocks += 1
        if self._blocks != self._models:
            return None
        seconds = time.monotonic() - self._started
        least, most = (seconds * blocks / 60 for blocks in (self._options.blocks, self._options.max_blocks))
        return f"a round took {seconds:.0f} s: {least:.1f} to {most:.1f} minutes in all"


def disturbances(results: DeviceTimes, options: TimingOptions) -> list[str]:
    """Why times are not to be relied on, in sentences; none if the device was quiet."""
    found = []
    unsettled = [name for name, timed in results.timed.items() if not timed.settled]
    if len(unsettled) > SHARE_UNSETTLED * len(results.timed):
        found.append(
            f"{len(unsettled)} of {len(results.timed)} models are not known within {options.half_width:.0%} after "
            f"{options.max_blocks} blocks: something else runs on the device; measure again when it is quiet."
        )
    load = results.notes.get("load", "0").split(" to ")[-1]
    if float(load) > options.threads + 1:
        found.append(f"The load of the device was up to {load}: other programs ran, and the times are too long.")
    slowdown = float(np.median([timed.slowdown for timed in results.timed.values()])) if results.timed else 1.0
    if slowdown > CALM:
        found.append(
            f"The medians are {slowdown:.2f} times what the fastest 5 % of runs took: something else used the device; "
            "measure again when it is quiet."
        )
    return found


def warn_odd_kernels(run: Run, table: LookupTable, space: SearchSpace) -> list[str]:
    """Say which rows cannot be right; the sentences."""
    layers = space.layers()
    text = kernel_warning(table.name, space.resolution, layers, table.values(layers, space.resolution))
    if text is not None:
        _warn(run, text)
    return [] if text is None else [text]


def show_range(run: Run, table: LookupTable, space: SearchSpace) -> None:
    """Print what the networks of the space need by the table."""
    extremes = sum_of_rows(table, space).decompose()
    if extremes is not None:
        mark = " (estimated)" if table.estimated else ""
        run.console.print(
            f"networks of {space.name} at {space.resolution} px need {extremes.minimum().value:.2f} to "
            f"{extremes.maximum().value:.2f} ms there{mark}",
            soft_wrap=True,
        )


def _warn(run: Run, text: str) -> None:
    run.console.note("warning:", text)


def time_specs(
    run: Run,
    specs: Mapping[str, NetSpec],
    folder: Path,
    accept: Callable[[str], None] = lambda device: None,
    opened: Transport | None = None,
) -> DeviceTimes:
    """Write networks with random weights as `.tflite`, time them through `transport=`, remove them.

    Args:
        run: With the settings `transport`, `timing` and `exporter`.
        specs: By name.
        folder: Of the journal, so that the same command goes on.
        accept: Called with the device before anything is measured; raises if it is not the one that is meant.
        opened: A transport that is open; None opens that of the settings.

    Raises:
        NotMeasuredYet: The transport is not live, and the times are not there yet.
    """
    options = timing_options(run.settings.timing)
    with build_transport(run.settings.transport) if opened is None else nullcontext(opened) as transport:
        accept(transport.describe()["device"] if transport.live else "")
        try:
            with run.console.status(f"writing {len(specs)} models"):
                models = write_models(specs, folder / "models", tflite_exporter(run))
            return time_models(run, transport, models, options, folder / JOURNAL)
        finally:
            shutil.rmtree(folder / "models", ignore_errors=True)


def tflite_exporter(run: Run) -> Exporter:
    """`exporter=tflite` with its parameters; raises `InvalidInput` for another one."""
    settings = dict(run.settings.exporter)
    if settings["name"] != "tflite":
        raise InvalidInput(
            f"task={run.settings.task} measures files of exporter=tflite, not of exporter={settings['name']}."
        )
    return run.workbench.build_exporter()


def measurements_of(
    run: Run, space: SearchSpace, results: DeviceTimes, genotypes: Mapping[str, npt.NDArray[np.int8] | None]
) -> list[Measurement]:
    """Rows of `measurements.csv`; a model without genotype is the reference network of its name."""
    shared: dict[str, Any] = {
        "resolution": space.resolution,
        "engine": engine_of(run),
        "threads": run.settings.timing.threads,
    }
    shared["device"] = results.device["device"]
    return [
        Measurement.of(
            results.timed[name], genotype="" if genes is None else space.to_text(genes), network=name, **shared
        )
        for name, genes in genotypes.items()
        if name in results.timed
    ]


def engine_of(run: Run) -> str:
    """What measurements of exporter=tflite call themselves: "tflite", of integer files "tflite_int8"."""
    computes = run.workbench.computes
    return "tflite" if computes == FLOAT32 else f"tflite_{computes}"


def lowering(run: Run) -> Lowering:
    """How 7x7 layers stand in the files that are measured; empty if those are not of exporter=tflite."""
    if run.settings.exporter["name"] != "tflite":
        return ""
    return "split" if tflite_exporter(run).splits_depthwise else "whole"
