"""`task=search`: the main job. Read `run` for the whole flow from options to the exported model and its evidence."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from nasface import composition
from nasface.composition import Workbench
from nasface.data import FaceData
from nasface.deploy import Network, cut_out, export_checked, save_weights, time_on_host
from nasface.errors import DataError
from nasface.exporters import Exporter
from nasface.jobs import Outcome, Run
from nasface.predictors import QualityReport, Ranker, quality
from nasface.randomness import Part
from nasface.registry import build
from nasface.reports.comparison import SearchFacts, compare
from nasface.reports.front import FILE, PICTURE, write_front
from nasface.reports.search_page import write_page
from nasface.reports.search_summary import print_summary
from nasface.reports.standing import Standing, standing
from nasface.strategies import Constraint, SearchResult
from nasface.strategies.constraints import notes
from nasface.tasks._verification import Options, search_and_measure

NEAR_BUDGET = 0.05
"""Predictors are also judged on the networks within this share of the budget."""


@dataclass(frozen=True)
class Task:
    """Everything a search needs, built from the settings and checked."""

    bench: Workbench
    constraints: Sequence[Constraint]
    notes: list[str]
    exporter: Exporter | None
    data: FaceData | None


def run(run: Run) -> Outcome:
    """Find, cut out, measure where photos are given, export, report."""
    started = time.perf_counter()
    Options.of(run)
    task = prepare(run)
    ranker, judged = learn(run, task)
    return find(run, task, ranker, judged, started)


def find(run: Run, task: Task, ranker: Ranker, judged: QualityReport, started: float) -> Outcome:
    """The job from a fitted predictor on; `started` is when it began, by `time.perf_counter`."""
    options = Options.of(run)
    verified = search_and_measure(run, task, ranker, options, lambda ranker: search(run, task, ranker))
    ranker, result = verified.ranker, verified.result
    genotype = result.best
    facts = SearchFacts(
        task.bench.source.name,
        task.bench.space,
        list(task.bench.devices),
        list(task.constraints),
        task.notes,
        task.bench.table,
        task.bench.targets,
        run.settings.accuracy.metric,
        ranker,
        judged,
        result,
        run.settings.predictor["name"],
    )
    task.notes.extend([*result.remarks, *verified.remarks])
    _write_front(run, facts)
    rows, place = compare(facts), standing(facts)
    decision = _decision(run, facts, rows, place)
    if verified.rows:
        decision["verified"] = verified.rows
    measurements: dict[str, Any] = {"search_seconds": verified.seconds, "summary": {}}
    if task.exporter is not None:
        delivered, measured = deliver(run, task, task.exporter, genotype, decision)
        decision, measurements = decision | delivered, measurements | measured
    measurements["total_seconds"] = time.perf_counter() - started
    write_page(run.folder / "report.html", facts, rows, place, decision, measurements)
    print_summary(run, facts, rows, place, decision, measurements)
    return Outcome(decision, measurements, decision["summary"]["predicted"])


def prepare(run: Run) -> Task:
    """Build the parts and refuse what cannot work before anything slow starts."""
    settings = run.settings
    bench = run.workbench
    bench.check()
    exporter = None if settings.exporter["name"] == "none" else build("exporter", settings.exporter)
    wanted = exporter is not None or settings.search.get("verify_top", 0) > 0
    data = _photos(run) if wanted else None
    return Task(bench, bench.constraints, notes(bench.constraints), exporter, data)


def learn(run: Run, task: Task) -> tuple[Ranker, QualityReport]:
    """Fit the predictor on the table, and judge it by cross-fitting beside what counting operations would say."""
    settings, genotypes = run.settings, task.bench.table.genotypes
    costs = composition.counts(task.bench.space)
    floors = {"macs_only": costs["macs_m"].predict(genotypes), "params_only": costs["params_m"].predict(genotypes)}
    with run.console.status(f"fitting {settings.predictor['name']} on {len(task.bench.table)} measured subnets"):
        ranker = task.bench.fit()
        judged = quality(
            task.bench.space,
            lambda: build("predictor", settings.predictor),
            genotypes,
            task.bench.targets,
            floors,
            run.rng(Part.QUALITY),
            near=_near_budget(task),
        )
    return ranker, judged


def search(run: Run, task: Task, ranker: Ranker) -> tuple[SearchResult, float]:
    """Run the strategy with a progress bar; also the seconds it took."""
    settings = run.settings
    started = time.perf_counter()
    with Progress(console=run.console, transient=True) as bar:
        name = f"{settings.search['name']} search"
        shown = bar.add_task(name, total=None)
        result = task.bench.search(
            ranker,
            lambda done, total, note: bar.update(shown, completed=done, total=total, description=f"{name}: {note}"),
            task.constraints,
        )
    return result, time.perf_counter() - started


def deliver(
    run: Run, task: Task, exporter: Exporter, genotype: npt.NDArray[np.int8], decision: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cut out, calibrate, measure where photos are given, export, check and time."""
    settings, data = run.settings, task.data
    with run.console.status("cutting the network out of the supernet"):
        supernet = task.bench.source.load(task.bench.space)
        images, calibration = _calibration_images(run, task)
        network = cut_out(supernet, genotype, images if supernet.trained else None, calibration)
        save_weights(network, task.bench.space.net_config(genotype), run.folder)
    measured = {} if data is None or not supernet.trained else _measure(run, network, data)
    metadata = _metadata(decision, supernet.hash, network, measured)
    path = run.folder / "model.tflite"
    with run.console.status(f"exporting {path.name}"):
        inputs = None if images is None else _normalised(images[:4], task.bench.space.resolution)
        facts, parity = export_checked(exporter, network, path, metadata, run.rng(Part.INPUTS), inputs)
        timing = time_on_host(path, settings.measure.runs, settings.measure.threads)
    delivered = {"model": facts, "supernet": supernet.hash, "calibration": network.calibration}
    summary = {"model_mb": facts["bytes"] / 1e6} | measured.get("row", {})
    return delivered, {"parity": parity, "host_timing": timing, "measured": measured, "summary": summary}


def _write_front(run: Run, facts: SearchFacts) -> None:
    """The front, where the search was for one."""
    front = facts.result.front
    if front is not None:
        limits = {c.cost.name: c.bound for c in facts.constraints}
        write_front(run.folder, front, facts.ranker, facts.metric, limits.get(front.keys[0]))
        run.console.print(f"front: {run.shown(run.folder / FILE)}, {run.shown(run.folder / PICTURE)}", soft_wrap=True)


def _measure(run: Run, network: Network, data: FaceData) -> dict[str, Any]:
    """Verification and identification of the very network that is exported, on the report people."""
    from nasface.accuracy.estimator import describe
    from nasface.recognition import Embedded, judge

    faces, module = data.photos_to_judge, network.folded()
    with run.console.status(f"measuring on {len(faces)} photos of report people"):
        embedded = Embedded.by(lambda images: describe(module, images), faces, network.spec.input_shape[0])
        options = run.settings.evaluation
        judgement = judge(embedded, faces, data, options.far, options.bootstrap, run.rng(Part.BOOTSTRAP))
    intervals = {name: [interval.low, interval.high] for name, interval in judgement.intervals.items()}
    return {
        "data": data.fingerprint,
        "row": judgement.row(),
        "intervals": intervals,
        "details": judgement.to_dict(),
        "skipped": list(embedded.skipped),
    }


def _photos(run: Run) -> FaceData | None:
    """The photos of the group `data`, if any.

    Raises:
        DataError: They cannot be used, or there are none of training people and the supernet is the user's own.
    """
    source = run.workbench.source
    data = None if run.settings.data["name"] == "none" else run.open_data()
    if source.path is not None and not source.embedded and (data is None or data.training is None):
        raise DataError(
            f"The networks of {source.name} need photos of its training people to calibrate batch normalisation: add "
            "data=image_folder data.root=FOLDER (the embedded synthetic images fit the demo supernet only)."
        )
    return data


def _calibration_images(run: Run, task: Task) -> tuple[npt.NDArray[np.uint8] | None, str]:
    """Photos of training people where there are some, else the synthetic images that come with nasface."""
    from nasface.accuracy.faces import training_photos

    if task.data is not None and task.data.training is not None:
        photos = run.settings.accuracy.calibration_photos
        return training_photos(task.data, task.bench.space.resolution, photos, run.rng(Part.CALIBRATION))
    if task.bench.source.path is None:
        return None, "none"
    from nasface.supernets.synthetic import synthetic_images

    images = synthetic_images()
    return images, f"synthetic:{len(images)}"


def _normalised(images: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.float32]:
    from nasface.preprocessing import Preprocessing

    return Preprocessing(size).normalise(images)


def _near_budget(task: Task) -> npt.NDArray[np.bool_] | None:
    """Which measured networks need within 5 % of the first bound."""
    if not task.constraints:
        return None
    first = task.constraints[0]
    values = first.cost.predict(task.bench.table.genotypes)
    return np.asarray(np.abs(values / first.bound - 1) <= NEAR_BUDGET)


def _decision(run: Run, facts: SearchFacts, rows: list[dict[str, Any]], place: Standing) -> dict[str, Any]:
    """What was found and on what grounds; depends on the seed alone."""
    found = rows[0]
    summary = {"predicted": found["predicted"], "params_m": found["params_m"], "macs_m": found["macs_m"]}
    summary |= {name: value for name, value in found.items() if name.startswith("latency")}
    return {
        "genotype": facts.space.to_dict(facts.result.best),
        "genes": facts.space.to_text(facts.result.best),
        "resolution": facts.space.resolution,
        "summary": summary,
        "estimated": ["predicted", *[f"latency {e.device.name}" for e in facts.devices if e.latency.estimated]],
        "constraints": composition.describe_constraints(facts.constraints),
        "notes": facts.notes,
        "comparison": rows,
        "standing": place.to_dict(),
        "finalists": [facts.space.to_dict(row) for row in facts.result.finalists],
        "search": facts.result.counters,
        "quality": facts.quality.to_dict(),
        "table": {
            "subnets": len(facts.table),
            "metric": run.settings.accuracy.metric,
            "supernet": facts.table.supernet,
        },
    }


def _metadata(decision: dict[str, Any], supernet: str, network: Network, measured: dict[str, Any]) -> dict[str, Any]:
    """What goes into the model file: what it is, how it was made, and thresholds where they were measured."""
    points = (measured.get("details", {}).get("all_pairs") or {}).get("points", ())
    thresholds = [
        {"far": p["far"], "tar": p["tar"], "squared_l2": p["threshold"], "cosine": 1 - p["threshold"] / 2}
        for p in points
    ]
    return {
        "genotype": decision["genotype"],
        "supernet": supernet,
        "calibration": network.calibration,
        "predicted": {
            "value": decision["summary"]["predicted"],
            "metric": decision["table"]["metric"],
            "kind": "estimated",
        },
        "descriptor": "L2-normalise before comparing",
        "thresholds": thresholds or "not measured: no photos were given",
    }
