"""`task=estimate_accuracy accuracy.table=mine.csv data=...`: measure subnets; the same command goes on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import TimeRemainingColumn

from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.randomness import Part
from nasface.runs import Json
from nasface.tasks.following import following

if TYPE_CHECKING:
    from nasface.accuracy.candidates import Plan
    from nasface.accuracy.estimator import Faces
    from nasface.accuracy.table import AccuracyTable
    from nasface.settings import Shard
    from nasface.supernets import Supernet

log = logging.getLogger(__name__)


def run(run: Run) -> Outcome:
    """Append to the table until it has the first `accuracy.n_subnets` networks of the chosen sampling."""
    from nasface.accuracy.faces import open_faces
    from nasface.accuracy.plan import checked

    settings, share = checked(run.settings.accuracy), run.settings.share
    if settings.table is None:
        raise InvalidInput("task=estimate_accuracy needs accuracy.table=FILE.csv, the table to write or continue.")
    bench = run.workbench
    if settings.sampling == "dense":
        show_budgets(run)
    plan = bench.sampling_plan()
    supernet = bench.source.load(bench.space)
    faces = open_faces(run.open_data(), settings, bench.space.resolution, run.rng(Part.CALIBRATION), run.cwd)
    path = run.path(settings.table)
    table = _measure(run, supernet, faces, plan, path, share)
    _say(run, share.file(path), table)
    decision: dict[str, Json] = {"table": str(path), "subnets": 0 if table is None else len(table)}
    decision |= {"supernet": supernet.fingerprint, "data": faces.fingerprint}
    if table is None or settings.metric not in table.metrics:
        return Outcome(decision, next=_next(run, share))
    target = table.target(settings.metric)
    decision |= {settings.metric: {"min": float(target.min()), "max": float(target.max())}}
    return Outcome(decision, next=_next(run, share))


def show_budgets(run: Run) -> None:
    """What dense networks lie near."""
    for constraint in run.workbench.budgets:
        budget = constraint.cost.text(constraint.bound)
        basis = f" = {constraint.basis}" if constraint.basis else ""
        run.console.print(f"budget: {constraint.label} {budget}{basis}", soft_wrap=True)


def _measure(run: Run, supernet: Supernet, faces: Faces, plan: Plan, path: Path, share: Shard) -> AccuracyTable | None:
    from nasface.accuracy.estimator import estimate, table_columns
    from nasface.accuracy.shards import measured_elsewhere

    settings, own = run.settings.accuracy, share.file(path)
    elsewhere = measured_elsewhere(path, own, supernet.space, table_columns(supernet, faces))
    with run.console.progress(TimeRemainingColumn()) as bar:
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
            shard=share,
            elsewhere=elsewhere,
            progress=progress,
        )


def _say(run: Run, own: Path, table: AccuracyTable | None) -> None:
    if table is None:
        run.console.print("other files of this table hold all of these subnets")
    else:
        run.console.print(f"{len(table)} subnets in {run.shown(own)}", soft_wrap=True)


def _next(run: Run, share: Shard) -> str:
    return following(run, "merge_tables" if share.count > 1 else "search")
