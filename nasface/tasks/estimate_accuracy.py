"""`task=estimate_accuracy accuracy.table=mine.csv data=...`: measure subnets; the same command goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nasface.composition import SupernetSource, build_bounds, build_devices, build_space
from nasface.data import FaceData, Pairs
from nasface.data.pairs import read_pairs
from nasface.errors import DataError, InvalidInput, LookupTableError, UnknownName
from nasface.metrics import TABLE_RATES, supported_rates
from nasface.settings import Accuracy, LatencyBound
from nasface.spaces import SearchSpace
from nasface.strategies import Constraint
from nasface.tasks._run import Outcome, Run
from nasface.tasks.evaluate import open_data

if TYPE_CHECKING:
    from nasface.accuracy.candidates import CostFunction, Plan
    from nasface.accuracy.estimator import Faces
    from nasface.accuracy.table import AccuracyTable
    from nasface.metrics import ListedPairs
    from nasface.supernets import Supernet

log = logging.getLogger(__name__)


def run(run: Run) -> Outcome:
    """Append to the table until it has the first `accuracy.n_subnets` networks of the chosen sampling."""
    settings = checked(run.settings.accuracy)
    if settings.table is None:
        raise InvalidInput("task=estimate_accuracy needs accuracy.table=FILE.csv, the table to write or continue.")
    source = SupernetSource.of(run.settings.supernet, run.cwd)
    space = build_space(run.settings.space, source)
    plan = make_plan(run, space)
    supernet = source.load(space)
    data = open_data(run)
    opened = open_known_faces if data.closed_set else open_faces
    faces = opened(run, data, space.resolution, settings.calibration_photos)
    path = run.path(settings.table)
    table = _measure(run, supernet, faces, plan, path)
    _say_next(run, path, table)
    decision = {"table": str(path), "subnets": 0 if table is None else len(table)}
    decision |= {"supernet": supernet.hash, "data": faces.hash}
    if table is None or settings.metric not in table.metrics:
        return Outcome(decision)
    target = table.target(settings.metric)
    return Outcome(decision | {settings.metric: {"min": float(target.min()), "max": float(target.max())}})


def checked(settings: Accuracy) -> Accuracy:
    """The settings, if their numbers make sense.

    Raises:
        InvalidInput: One of them does not.
        UnknownName: No such sampling, or nothing of that name to spread over.
    """
    from nasface.accuracy.candidates import SAMPLINGS

    if settings.sampling not in SAMPLINGS:
        raise UnknownName("accuracy.sampling", settings.sampling, SAMPLINGS)
    if settings.stratify_by not in ("latency", "macs"):
        raise UnknownName("accuracy.stratify_by", settings.stratify_by, ("latency", "macs"))
    for name in ("n_subnets", "family", "shards"):
        if getattr(settings, name) < 1:
            raise InvalidInput(f"accuracy.{name}={getattr(settings, name)} must be 1 or more.")
    if not 0 <= settings.shard < settings.shards:
        raise InvalidInput(
            f"accuracy.shard={settings.shard} must lie between 0 and accuracy.shards - 1 = {settings.shards - 1}."
        )
    if not 0 < settings.band < 1:
        raise InvalidInput(f"accuracy.band={settings.band:g} must lie between 0 and 1, e.g. 0.05 for 5 %.")
    return settings


def make_plan(run: Run, space: SearchSpace) -> Plan:
    """Which networks are measured, from the settings."""
    from nasface.accuracy.candidates import Plan, Source, dense, mixed
    from nasface.accuracy.table import UNIFORM

    settings = run.settings.accuracy
    if settings.sampling == "uniform":
        return Plan((Source(UNIFORM),), settings.family)
    if settings.sampling == "dense":
        return Plan(
            dense([(bound.cost.predict, bound.bound) for bound in budgets(run, space)], settings.band), settings.family
        )
    sources = mixed(space, _latency(run, space) if settings.stratify_by == "latency" else None)
    return Plan(sources if settings.sampling == "mixed" else sources[1:], settings.family)


def open_faces(run: Run, data: FaceData, resolution: int, calibration_photos: int) -> Faces:
    """The photos that a table is measured with: validation people, and training people for calibration."""
    from nasface.accuracy.estimator import Faces
    from nasface.accuracy.runner import open_accelerator

    settings = run.settings.accuracy
    _check_enough(data)
    photos = data.require("validation").load(size=resolution)
    pairs = None if settings.pairs is None else _listed_pairs(run.path(settings.pairs), data, photos.indices)
    calibration, name = training_photos(data, resolution, calibration_photos, run.rng("calibration"))
    return Faces(calibration, photos.images, photos.labels, name, pairs, device=open_accelerator(settings.accelerator))


def open_known_faces(run: Run, data: FaceData, resolution: int, calibration_photos: int) -> Faces:
    """The photos of a closed set: other photos of the training people."""
    from nasface.accuracy.estimator import Faces
    from nasface.accuracy.runner import open_accelerator

    if run.settings.accuracy.pairs is not None:
        raise InvalidInput("accuracy.pairs are pairs of strangers, and data.split=image has none; give one of the two.")
    people, validation = data.require("training").people, data.require("validation", closed_set=True)
    photos = validation.load(size=resolution)
    labels = validation.labels_in(people)[photos.indices]
    calibration, name = training_photos(data, resolution, calibration_photos, run.rng("calibration"))
    device = open_accelerator(run.settings.accuracy.accelerator)
    return Faces(calibration, photos.images, labels, name, known=len(people), device=device)


def training_photos(
    data: FaceData, resolution: int, n: int, rng: np.random.Generator
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], str]:
    """Photos of training people for batch normalisation, uint8[n, size, size, 3], and how tables name them."""
    training = data.require("training")
    if n > len(training):
        log.warning(
            "accuracy.calibration_photos=%d and there are %d photos of training people: all are used.", n, len(training)
        )
    chosen = np.sort(rng.choice(len(training), min(n, len(training)), replace=False))
    images = training.load(chosen, size=resolution).images
    return images, f"photos:{len(images)}"


def _measure(run: Run, supernet: Supernet, faces: Faces, plan: Plan, path: Path) -> AccuracyTable | None:
    from nasface.accuracy.estimator import estimate, identity
    from nasface.accuracy.shards import measured_elsewhere, shard_path

    settings = run.settings.accuracy
    own = shard_path(path, settings.shard, settings.shards)
    elsewhere = measured_elsewhere(path, own, supernet.space, identity(supernet, faces))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=run.console) as bar:
        task = bar.add_task("measuring subnets", total=None)

        def progress(done: int, total: int, values: Mapping[str, float]) -> None:
            bar.update(task, completed=done, total=total)
            if settings.metric in values:
                bar.update(task, description=f"{settings.metric} {values[settings.metric]:.4f}")

        return estimate(
            supernet,
            faces,
            settings.n_subnets,
            run.settings.seed,
            own,
            plan=plan,
            shard=(settings.shard, settings.shards),
            elsewhere=elsewhere,
            progress=progress,
        )


def _say_next(run: Run, path: Path, table: AccuracyTable | None) -> None:
    from nasface.accuracy.shards import shard_path

    settings = run.settings.accuracy
    own = shard_path(path, settings.shard, settings.shards)
    if table is None:
        run.console.print("other files of this table hold all of these subnets")
    else:
        run.console.print(f"{len(table)} subnets in {run.shown(own)}", soft_wrap=True)
    given = {f"supernet.{key}": run.settings.supernet.get(key) for key in ("checkpoint", "resolution")}
    words = [f"{key}={value}" for key, value in given.items() if value is not None]
    words.append(f"accuracy.table={run.shown(path)}")
    if settings.shards > 1:
        words.insert(0, "task=merge_tables")
    run.console.print(f"next: python -m nasface {' '.join(words)}", soft_wrap=True)


def _check_enough(data: FaceData) -> None:
    """Refuse too few photos for a column of the table before anything slow is begun."""
    validation = data.require("validation")
    if min(TABLE_RATES) not in supported_rates(validation.labels):
        raise DataError(
            f"{len(validation)} photos of {len(validation.people)} validation people have too few impostor pairs for "
            f"an accuracy table, whose lowest false accept rate is {min(TABLE_RATES):g}: "
            "give about 150 photos or more of many people."
        )


def _listed_pairs(path: Path, data: FaceData, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> ListedPairs:
    """Pairs of a file as rows of the photos that could be read."""
    from nasface.metrics import ListedPairs

    validation = data.require("validation")
    listed = Pairs.of(read_pairs(path, validation.names), validation, str(path))
    place = np.full(len(validation), -1, np.int64)
    place[rows] = np.arange(len(rows))
    of_photo = place[validation.positions(listed.photos.names)]
    first, second = of_photo[listed.first], of_photo[listed.second]
    usable = (first >= 0) & (second >= 0)
    return ListedPairs(first[usable], second[usable], listed.same[usable], listed.folds[usable])


def budgets(run: Run, space: SearchSpace) -> list[Constraint]:
    """What dense draws stay near: the bounds of the search, or every ratio on every device."""
    ratios = run.settings.accuracy.ratios
    given = run.settings.constraints
    chosen = [given] if ratios is None else [replace(given, latency_ms=LatencyBound(None, ratio)) for ratio in ratios]
    devices = build_devices(run.settings.device, run.settings.latency, space)
    constraints = [constraint for bounds in chosen for constraint in build_bounds(bounds, space, devices)]
    if not constraints:
        raise InvalidInput("accuracy.sampling=dense needs budgets: set accuracy.ratios=[0.6], or constraints.")
    for constraint in constraints:
        budget = f"{constraint.bound:.4g} {constraint.cost.unit}"
        basis = f" = {constraint.basis}" if constraint.basis else ""
        run.console.print(f"budget: {constraint.label} {budget}{basis}", soft_wrap=True)
    return constraints


def _latency(run: Run, space: SearchSpace) -> CostFunction | None:
    """What stratified subnets are spread over: the first device's latency, or MACs where its table has none."""
    try:
        return build_devices(run.settings.device, run.settings.latency, space)[0].latency.predict
    except LookupTableError as error:
        run.console.print(f"[yellow]spreading subnets over MACs instead of latency[/yellow]: {error}", soft_wrap=True)
        return None
