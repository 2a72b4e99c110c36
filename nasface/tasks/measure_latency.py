"""`task=measure_latency genotype=[...] model=[...]`: whole networks timed on a device, interleaved, as one table."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from rich.table import Table

from nasface.composition import timing_options
from nasface.devices import FLOAT32, device_name, user_luts
from nasface.devices.measurements import Measurement, write_measurements
from nasface.errors import InvalidInput, MissingDependency, ModelRefused, NotMeasuredYet, UnknownName, listing
from nasface.jobs import Outcome, Run
from nasface.netspec import NetSpec
from nasface.registry import build
from nasface.runs import Json
from nasface.spaces import SearchSpace
from nasface.spaces.genotype_file import read_genotype
from nasface.spaces.references import REFERENCES, reference_network
from nasface.tasks._measuring import JOURNAL, awaited, tflite_exporter, time_models
from nasface.tasks._networks import network_folders, space_of
from nasface.tasks.following import following
from nasface.timing.layer_bench import write_models
from nasface.timing.protocol import DeviceTimes, TimingOptions
from nasface.timing.routing import Routed
from nasface.timing.transports import Transport, build_transport

ENGINES: Final = ("tflite", "tflite_int8", "torch", "torchscript")
INT8: Final = "tflite_int8"
"""TFLite on files that compute in integers."""

ON_DEVICE: Final = frozenset({"tflite", INT8})
"""Engines that any transport reaches; the others run on this machine."""

FILES: Final = {".tflite": "tflite", ".pt": "torchscript", ".ts": "torchscript"}
RATIO_TO: Final = "efficientnet_b0"


@dataclass(frozen=True)
class Subject:
    """What is timed.

    Attributes:
        name: For people.
        resolution: Pixels.
        genotype: As in accuracy tables, or empty.
        spec: The network, with random weights; None for a file.
        file: The model file; None for a network.
    """

    name: str
    resolution: int
    genotype: str = ""
    spec: NetSpec | None = None
    file: Path | None = None

    def runs_on(self, engine: str) -> bool:
        """Whether an engine can run it."""
        return self.file is None or FILES[self.file.suffix] == engine


@dataclass(frozen=True)
class EngineTime:
    """What an engine took for a network; None if it was not run.

    Attributes:
        engine: Its name.
        ms: Median, milliseconds.
        half: Half its 95 % interval, milliseconds.
        fast: What the fastest 5 % of the runs stay below, milliseconds; None where single runs are unknown.
        ratio: Median relative to EfficientNet-B0's.
    """

    engine: str
    ms: float | None = None
    half: float | None = None
    fast: float | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class TimedNetwork:
    """One line of the table: a network and its times by engine."""

    subject: Subject
    times: tuple[EngineTime, ...]

    @property
    def params_m(self) -> float | None:
        """Millions of parameters; None of a file."""
        return None if self.subject.spec is None else self.subject.spec.params / 1e6

    def to_json(self) -> dict[str, Json]:
        """A flat row for `result.json`."""
        spec = self.subject.spec
        row: dict[str, Json] = {"network": self.subject.name, "resolution": self.subject.resolution}
        row |= {"params_m": self.params_m, "macs_m": None if spec is None else spec.macs / 1e6}
        for time in self.times:
            row |= {f"{time.engine}_{name}": getattr(time, name) for name in ("ms", "half", "fast", "ratio")}
        return row


class Job(NamedTuple):
    """What is timed, and what runs it."""

    subject: Subject
    engine: str


def run(run: Run) -> Outcome:
    """Time all networks with all engines in one interleaved series."""
    engines, options = _engines(run), timing_options(run.settings.timing)
    space = run.workbench.space
    subjects = [*_genotypes(run, space), *_networks(run), *_models(run, space.resolution, engines)]
    if not subjects:
        raise InvalidInput(
            "task=measure_latency needs genotype=[FILES or NAMES], network=[FOLDERS], or model=[FILES or REFERENCE "
            "NETWORKS]."
        )
    jobs = {f"{e}.{i:03d}": Job(s, e) for i, s in enumerate(subjects) for e in engines if s.runs_on(e)}
    try:
        results = _measure(run, jobs, engines, options)
    except NotMeasuredYet as waiting:
        return awaited(run, waiting)
    rows = _rows(jobs, results, options)
    write_measurements(run.folder / "measurements.csv", rows)
    table = _summary(subjects, rows, engines)
    _show(run, table, results, rows)
    decision = {"networks": [subject.name for subject in subjects], "engines": engines}
    measurements: dict[str, Json] = {"rows": [line.to_json() for line in table], "device": dict(results.device)}
    return Outcome(decision, measurements | {"notes": results.notes}, next=_next(run, results.device["device"]))


def _next(run: Run, device: str) -> str:
    """A latency table of the device from a few networks; if there is one, how right it is."""
    name = device_name(device)
    if name in user_luts():
        return following(run, "check_latency", {"device": name, "timing.engines": None})
    return following(run, "calibrate_device", {"lut.name": name, "calibrate.measure": "true", "timing.engines": None})


def _engines(run: Run) -> list[str]:
    engines = run.settings.timing.engines
    for engine in engines:
        if engine not in ENGINES:
            raise UnknownName("timing.engines", engine, ENGINES)
    if not engines:
        raise InvalidInput(f"timing.engines is empty; give some of {', '.join(ENGINES)}.")
    if not ON_DEVICE.issuperset(engines) and run.settings.transport["name"] != "host":
        raise InvalidInput(
            f"timing.engines={engines} needs transport=host: torch runs on this machine only; else give "
            "timing.engines=[tflite]."
        )
    if run.workbench.computes != FLOAT32:
        raise InvalidInput(
            "task=measure_latency times int8 files beside those in float32: give timing.engines=[tflite,tflite_int8] "
            "in place of exporter.precision=int8."
        )
    return list(dict.fromkeys(engines))


def _genotypes(run: Run, space: SearchSpace) -> list[Subject]:
    """Sub-networks by file or by name."""
    named = [run.workbench.genotype(given) for given in _listed(run.settings.genotype)]
    return [Subject(name, space.resolution, space.to_text(row), space.build(row)) for name, row in named]


def _networks(run: Run) -> list[Subject]:
    """Sub-networks of folders; as everywhere here with random weights, which take the same time."""
    subjects = []
    for folder in network_folders(run):
        space = space_of(run, folder)
        genotype = read_genotype(folder / "net.config", space)
        subjects.append(Subject(folder.name, space.resolution, space.to_text(genotype), space.build(genotype)))
    return subjects


def _models(run: Run, resolution: int, engines: Sequence[str]) -> list[Subject]:
    """Reference networks by name, and files."""
    subjects = []
    for given in _listed(run.settings.model):
        path = run.path(given)
        if given in REFERENCES:
            subjects.append(Subject(given, resolution, spec=reference_network(given, resolution)))
        elif not path.is_file():
            raise UnknownName("model (a file, or a reference network)", given, REFERENCES)
        else:
            subjects.append(_file(path, resolution, engines))
    return subjects


def _file(path: Path, resolution: int, engines: Sequence[str]) -> Subject:
    if path.suffix not in FILES:
        raise InvalidInput(f"{path} cannot be timed; give {', '.join(FILES)} files, or names of reference networks.")
    if FILES[path.suffix] not in engines:
        raise InvalidInput(f"{path} needs the engine {FILES[path.suffix]}: add it to timing.engines={list(engines)}.")
    if path.suffix == ".tflite":
        from nasface.runtimes.tflite import open_tflite

        resolution = int(open_tflite(path).get_input_details()[0]["shape"][1])
    return Subject(path.name, resolution, file=path)


def _measure(run: Run, jobs: Mapping[str, Job], engines: Sequence[str], options: TimingOptions) -> DeviceTimes:
    """Write the models and time them; they are removed afterwards."""
    folder = run.folder / "models"
    try:
        with _transport(run, jobs, engines) as transport:
            with run.console.status(f"writing {len(jobs)} models"):
                paths = _write(run, jobs, folder)
            results = time_models(run, transport, paths, options, run.folder / JOURNAL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if results.refused:
        name, why = next(iter(results.refused.items()))
        raise ModelRefused(f"{jobs[name].subject.name} cannot be timed with {jobs[name].engine}: {why}")
    return results


def _write(run: Run, jobs: Mapping[str, Job], folder: Path) -> dict[str, Path]:
    """A file for every job; what torch runs operation by operation gets a TFLite file, which identifies it."""
    paths = {name: subject.file for name, (subject, _) in jobs.items() if subject.file is not None}
    specs = _specs(jobs)
    scripts = {name: spec for name, spec in specs.items() if jobs[name].engine == "torchscript"}
    integers = {name: spec for name, spec in specs.items() if jobs[name].engine == INT8}
    others = {name: spec for name, spec in specs.items() if name not in scripts.keys() | integers.keys()}
    paths |= write_models(others, folder, tflite_exporter(run))
    if integers:
        paths |= write_models(integers, folder, build("exporter", run.settings.exporter | {"precision": "int8"}))
    if scripts:
        from nasface.timing.torch_timing import write_torchscript

        paths |= {name: write_torchscript(spec, folder / f"{name}.pt") for name, spec in scripts.items()}
    return paths


def _specs(jobs: Mapping[str, Job]) -> dict[str, NetSpec]:
    return {name: subject.spec for name, (subject, _) in jobs.items() if subject.spec is not None}


def _transport(run: Run, jobs: Mapping[str, Job], engines: Sequence[str]) -> Transport:
    """The chosen transport; with more engines than TFLite, one that sends every model to its own."""
    given = {"tflite": build_transport(run.settings.transport)} if ON_DEVICE & set(engines) else {}
    if ON_DEVICE.issuperset(engines):
        return given["tflite"]
    try:
        from nasface.timing.torch_timing import TorchTransport
    except ModuleNotFoundError as error:
        raise MissingDependency("torch", "torch", "timing.engines=[torch]") from error
    eager = {name: spec for name, spec in _specs(jobs).items() if jobs[name].engine == "torch"}
    torch = TorchTransport(eager, {name: job.subject.resolution for name, job in jobs.items()})
    transports = given | {engine: torch for engine in engines if engine not in ON_DEVICE}
    return Routed(transports, {name: "tflite" if job.engine in ON_DEVICE else job.engine for name, job in jobs.items()})


def _rows(jobs: Mapping[str, Job], results: DeviceTimes, options: TimingOptions) -> list[Measurement]:
    return [
        Measurement.of(
            results.timed[name],
            genotype=job.subject.genotype,
            network=job.subject.name,
            resolution=job.subject.resolution,
            engine=job.engine,
            threads=options.threads,
            device=results.device["device"],
        )
        for name, job in jobs.items()
    ]


def _summary(subjects: Sequence[Subject], rows: Sequence[Measurement], engines: Sequence[str]) -> list[TimedNetwork]:
    """One row per network: counts, and what every engine took."""
    by = {(row.network, row.resolution, row.engine): row for row in rows}
    table = []
    for subject in subjects:
        times = []
        for engine in engines:
            found, base = (by.get((name, subject.resolution, engine)) for name in (subject.name, RATIO_TO))
            if found is None:
                times.append(EngineTime(engine))
                continue
            ratio = found.median_ms / base.median_ms if base else None
            half = (found.high_ms - found.low_ms) / 2
            times.append(EngineTime(engine, found.median_ms, half, found.fast_ms, ratio))
        table.append(TimedNetwork(subject, tuple(times)))
    return table


def _show(run: Run, table: Sequence[TimedNetwork], results: DeviceTimes, rows: Sequence[Measurement]) -> None:
    ratios = any(time.ratio is not None for line in table for time in line.times)
    title = f"{results.device['device']}, {results.device['runtime']}, {rows[0].threads} thread(s)"
    shown = Table("network", "px", "params M", title=title, caption=f"ratios to {RATIO_TO}" if ratios else None)
    for time in table[0].times:
        shown.add_column(f"{time.engine} ms, fastest 5 %" + (", ratio" if ratios else ""), justify="right")
    for line in table:
        cells = [_time(time, ratios) for time in line.times]
        shown.add_row(line.subject.name, str(line.subject.resolution), _number(line.params_m, 2), *cells)
    run.console.print(shown)
    flagged = [f"{row.network}, {row.engine}: {row.flagged}" for row in rows if row.flagged]
    if flagged:
        run.console.note("flagged:", listing(flagged, 4))
    run.console.print(f"measurements: {run.shown(run.folder / 'measurements.csv')}", soft_wrap=True)


def _time(time: EngineTime, ratios: bool) -> str:
    """E.g. "11.89±0.05  11.71  0.54": the median, half its interval, the fastest runs, the ratio."""
    if time.ms is None or time.half is None:
        return "-"
    fast = f"{time.ms:.2f}±{time.half:.2f}  {_number(time.fast, 2)}"
    return f"{fast}  {_number(time.ratio, 2)}" if ratios else fast


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _listed(given: object) -> list[str]:
    return [] if given is None else [str(one) for one in (given if isinstance(given, list) else [given])]
