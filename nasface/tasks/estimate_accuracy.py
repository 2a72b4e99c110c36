"""`task=estimate_accuracy accuracy.table=mine.csv data=...`: measure subnets; the same command goes on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nasface.composition import SupernetSource, build_devices, build_space
from nasface.costs import Cost
from nasface.data import FaceData, FaceSet
from nasface.errors import DataError, InvalidInput, LookupTableError
from nasface.recognition.judge import supported_rates
from nasface.spaces import SearchSpace
from nasface.tasks._run import Outcome, Run
from nasface.tasks.evaluate import open_data


def run(run: Run) -> Outcome:
    """Append to the table until it has `accuracy.n_subnets` rows."""
    from nasface.accuracy.estimator import Faces, estimate

    settings = run.settings.accuracy
    if settings.table is None:
        raise InvalidInput("task=estimate_accuracy needs accuracy.table=FILE.csv, the table to write or continue.")
    source = SupernetSource.of(run.settings.supernet, run.cwd)
    space = build_space(run.settings.space, source)
    supernet = source.load(space)
    data = open_data(run)
    _check_enough(data.require("validation"))
    validation = data.require("validation").load(size=space.resolution)
    calibration, name = training_photos(data, space.resolution, settings.calibration_photos, run.rng("calibration"))
    faces = Faces(calibration, validation.images, validation.labels, name)
    cost = _latency(run, space)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=run.console
    ) as bar:
        task = bar.add_task("measuring subnets", total=settings.n_subnets)

        def progress(done: int, total: int, values: Mapping[str, float]) -> None:
            bar.update(
                task, completed=done, total=total, description=f"{settings.metric} {values[settings.metric]:.4f}"
            )

        path = run.path(settings.table)
        spread_over = None if cost is None else cost.predict
        table = estimate(
            supernet, faces, settings.n_subnets, run.settings.seed, path, stratify_by=spread_over, progress=progress
        )
    run.console.print(f"{len(table)} subnets in {run.shown(path)}")
    given = {f"supernet.{key}": run.settings.supernet.get(key) for key in ("checkpoint", "resolution")}
    words = [f"{key}={value}" for key, value in given.items() if value is not None]
    run.console.print(
        f"next: python -m nasface {' '.join([*words, f'accuracy.table={run.shown(path)}'])} data=...", soft_wrap=True
    )
    target = table.target(settings.metric)
    decision = {"table": str(path), "subnets": len(table), "supernet": supernet.hash, "data": faces.hash}
    return Outcome(decision | {settings.metric: {"min": float(target.min()), "max": float(target.max())}})


def training_photos(
    data: FaceData, resolution: int, n: int, rng: np.random.Generator
) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], str]:
    """Photos of training people for batch normalisation, uint8[n, size, size, 3], and how tables name them."""
    training = data.require("training")
    chosen = np.sort(rng.choice(len(training), min(n, len(training)), replace=False))
    images = training.load(chosen, size=resolution).images
    return images, f"photos:{len(images)}"


def _check_enough(validation: FaceSet) -> None:
    """Refuse too few photos for a column of the table before the first network is measured, which takes a while."""
    from nasface.accuracy.estimator import FARS

    if min(FARS.values()) not in supported_rates(validation.labels):
        raise DataError(
            f"{len(validation)} photos of {len(validation.people)} validation people have too few impostor pairs for "
            f"an accuracy table, whose lowest false accept rate is {min(FARS.values()):g}: "
            "give about 150 photos or more of many people."
        )


def _latency(run: Run, space: SearchSpace) -> Cost | None:
    """What every second subnet is spread over: the first device's latency, or MACs where its table has none."""
    try:
        return build_devices(run.settings.device, run.settings.latency, space)[0].latency
    except LookupTableError as error:
        run.console.print(f"[yellow]spreading subnets over MACs instead of latency[/yellow]: {error}", soft_wrap=True)
        return None
