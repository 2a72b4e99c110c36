"""`task=search`: the main job. Read `run` for the whole flow from options to the exported model and its evidence."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.progress import TimeRemainingColumn

from nasface.analysis import (
    Compared,
    Comparison,
    Delivered,
    SearchFacts,
    SearchOutcome,
    Seconds,
    compare,
    standing,
)
from nasface.analysis.facts import FOUND
from nasface.analysis.precisions import JointFront
from nasface.composition import LARGEST, SMALLEST, Workbench, extremes_note
from nasface.costs import network_costs
from nasface.data import FaceData
from nasface.deploy import Network, cut_out, save_weights
from nasface.errors import DataError, UnknownName
from nasface.exporters import Exporter
from nasface.exporters.metadata import READERS, read_metadata
from nasface.jobs import Outcome, Run
from nasface.predictors import QualityReport, Ranker, quality
from nasface.randomness import Part
from nasface.registry import build
from nasface.reports.front import FILE, PICTURE, write_front, write_joint_front
from nasface.reports.search_page import write_page
from nasface.reports.search_summary import print_summary
from nasface.runs import Json
from nasface.strategies import Constraint
from nasface.strategies.constraints import notes
from nasface.tasks._delivery import DESCRIPTOR_USE, calibration_images, measure_beside, write_file
from nasface.tasks._precisions import joint_front, other_benches
from nasface.tasks._verification import Searched, check_options, search_and_measure
from nasface.tasks.following import following, repeated

PUBLISHED = "published"
BESIDE = (SMALLEST, LARGEST, PUBLISHED)
"""What `evaluation.beside` may name."""

NEAR_BUDGET = 0.05
"""Predictors are also judged on the networks within this share of the budget."""


@dataclass(frozen=True)
class Task:
    """Everything a search needs, built from the settings and checked."""

    bench: Workbench
    constraints: tuple[Constraint, ...]
    notes: tuple[str, ...]
    exporter: Exporter | None
    data: FaceData | None
    others: dict[str, Workbench]


def run(run: Run) -> Outcome:
    """Find, cut out, measure where photos are given, export, report."""
    started = time.perf_counter()
    check_options(run)
    task = prepare(run)
    ranker, judged = learn(run, task)
    return outcome(run, find(run, task, ranker, judged, started))


def outcome(run: Run, found: SearchOutcome) -> Outcome:
    """For `result.json`; a sweeper maximises the predicted accuracy, or the negative of a metric that is better low."""
    sign = found.facts.ranker.direction.sign
    objective = sign * (found.comparison.found.predicted or 0.0)
    return Outcome(**found.to_json(), objective=objective, next=_next(run, found.delivered))


def _next(run: Run, delivered: Delivered | None) -> str:
    """How the file is used, or how there will be one."""
    if delivered is None:
        return following(run, "search", {"exporter": "tflite"})
    if delivered.description is None:
        return following(run, "inspect", {"genotype": run.shown(run.folder / "result.json")}, keep=False)
    return following(run, "inspect", {"model": run.shown(delivered.model.file.path)}, keep=False)


def find(run: Run, task: Task, ranker: Ranker, judged: QualityReport, started: float) -> SearchOutcome:
    """The job from a fitted predictor on; `started` is when it began, by `time.perf_counter`."""
    verified = search_and_measure(
        run, task.bench, task.data, ranker, judged.intervals, lambda ranker: search(run, task, ranker)
    )
    joint = joint_front(run, verified.result.front, task.others, verified.ranker, task.constraints)
    facts = SearchFacts(
        task.bench.source.name,
        task.bench.space,
        task.bench.devices,
        task.constraints,
        (*task.notes, *verified.result.remarks, *verified.remarks, *(() if joint is None else (joint.remark,))),
        task.bench.table,
        task.bench.targets,
        run.settings.accuracy.metric,
        verified.ranker,
        judged,
        verified.result,
        run.settings.predictor["name"],
    )
    _write_front(run, facts, joint)
    comparison, place = compare(facts), standing(facts)
    delivered = None if task.exporter is None else deliver(run, task, task.exporter, facts, comparison)
    seconds = Seconds(verified.seconds, time.perf_counter() - started)
    found = SearchOutcome(facts, comparison, place, verified.networks, delivered, seconds)
    write_page(run.folder / "report.html", found, repeated(run), _next(run, delivered))
    print_summary(run, found)
    return found


def prepare(run: Run) -> Task:
    """Build the parts and refuse what cannot work before anything slow starts."""
    settings = run.settings
    for name in settings.evaluation.beside:
        if name not in BESIDE:
            raise UnknownName("evaluation.beside", name, BESIDE)
    bench = run.workbench
    bench.check()
    exporter = None if settings.exporter["name"] == "none" else run.workbench.build_exporter()
    wanted = exporter is not None or settings.refine.verify_top > 0
    data = _photos(run) if wanted else None
    remarks = (*notes(bench.constraints), *extremes_note(bench.space))
    return Task(bench, bench.constraints, remarks, exporter, data, other_benches(run))


class Learned(NamedTuple):
    """A predictor fitted on a table, and how good it is."""

    ranker: Ranker
    quality: QualityReport


def learn(run: Run, task: Task) -> Learned:
    """Fit the predictor on the table, and judge it by cross-fitting beside what counting operations would say."""
    settings, genotypes = run.settings, task.bench.table.genotypes
    costs = network_costs(task.bench.space)
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
    return Learned(ranker, judged)


def search(run: Run, task: Task, ranker: Ranker) -> Searched:
    """Run the strategy with a progress bar."""
    settings = run.settings
    started = time.perf_counter()
    with run.console.progress(TimeRemainingColumn(), transient=True) as bar:
        name = f"{settings.search['name']} search"
        shown = bar.add_task(name, total=None)
        result = task.bench.search(
            ranker,
            lambda done, total, note: bar.update(shown, completed=done, total=total, description=f"{name}: {note}"),
            task.constraints,
        )
    return Searched(result, time.perf_counter() - started)


def deliver(run: Run, task: Task, exporter: Exporter, facts: SearchFacts, comparison: Comparison) -> Delivered:
    """Cut out, calibrate, and make the file."""
    genotype, space = facts.result.best, task.bench.space
    with run.console.status("cutting the network out of the supernet"):
        supernet = task.bench.source.load(space)
        images, calibration = calibration_images(run, task.data)
        network = cut_out(supernet, genotype, images if supernet.trained else None, calibration)
        save_weights(network, space.net_config(genotype), run.folder)
    metadata = _metadata(facts, comparison.found, supernet.fingerprint, network)
    template = task.bench.source.template
    metadata |= {} if template is None else {"template": template.to_dict()}
    file = write_file(run, exporter, network, images, task.data if supernet.trained else None, metadata)
    measured = file.measured
    if measured is not None and file.described is not None and task.data is not None:
        others = {
            name: cut_out(supernet, facts.networks[name], images if supernet.trained else None, calibration)
            for name in _beside(run, facts, comparison)
        }
        measured = dataclasses.replace(measured, beside=measure_beside(run, file.described, others, task.data))
    path = file.model.file.path
    description = read_metadata(path) if path.suffix in READERS else None
    return Delivered(file.model, supernet.fingerprint, network.calibration, file.timing, measured, description)


def _beside(run: Run, facts: SearchFacts, comparison: Comparison) -> list[str]:
    """Names of the networks that are measured beside the found one; of published ones that of the best prediction."""
    wanted, sign = run.settings.evaluation.beside, facts.ranker.direction.sign
    published = [net for net in comparison.networks if net.name in facts.networks and net.name not in (FOUND, *BESIDE)]
    published.sort(key=lambda net: -sign * (net.predicted or 0.0))
    return [
        *(name for name in (SMALLEST, LARGEST) if name in wanted),
        *(n.name for n in published[: PUBLISHED in wanted]),
    ]


def _write_front(run: Run, facts: SearchFacts, joint: JointFront | None) -> None:
    """The front, where the search was for one."""
    front = facts.result.front
    if front is not None:
        limits = {c.cost.name: c.bound for c in facts.constraints}
        if joint is not None:
            write_joint_front(run.folder, joint, facts.space, facts.metric, limits.get(front.keys[0]))
        else:
            write_front(run.folder, front, facts.ranker, facts.metric, limits.get(front.keys[0]))
        run.console.print(f"front: {run.shown(run.folder / FILE)}, {run.shown(run.folder / PICTURE)}", soft_wrap=True)


def _photos(run: Run) -> FaceData | None:
    """The photos of the group `data`, if any.

    Raises:
        DataError: They cannot be used, or there are none of training people and the supernet is the user's own.
    """
    source = run.workbench.source
    data = None if run.settings.data["name"] == "none" else run.open_data()
    without = data is None or data.training is None
    if source.trained and without and source.calibration_images() is None:
        raise DataError(
            f"The networks of {source.name} need photos of its training people to calibrate batch normalisation: add "
            "data=image_folder data.root=FOLDER (the embedded synthetic images fit the demo supernet only)."
        )
    return data


def _near_budget(task: Task) -> npt.NDArray[np.bool_] | None:
    """Which measured networks need within 5 % of the first bound."""
    if not task.constraints:
        return None
    first = task.constraints[0]
    values = first.cost.predict(task.bench.table.genotypes)
    return np.asarray(np.abs(values / first.bound - 1) <= NEAR_BUDGET)


def _metadata(facts: SearchFacts, found: Compared, supernet: str, network: Network) -> dict[str, Json]:
    """What goes into the model file: what it is, and how it was made."""
    return {
        "genotype": facts.space.to_dict(facts.result.best),
        "supernet": supernet,
        "calibration": network.calibration,
        "predicted": {"value": found.predicted, "metric": facts.metric, "kind": "estimated"},
        "descriptor": DESCRIPTOR_USE,
    }
