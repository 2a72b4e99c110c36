"""`task=table_reliability`: how much of an accuracy table is noise, and what predictors should learn from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt
from rich.table import Table

from nasface.accuracy.plan import checked
from nasface.accuracy.reliability import Reliability
from nasface.accuracy.table import AccuracyTable
from nasface.analysis.table_reliability import PhotoNeeds, TableReliability
from nasface.errors import LookupTableError, TableError
from nasface.jobs import Outcome, Run
from nasface.reports.reliability_page import FEW, few_text, write_page
from nasface.runs import write_json
from nasface.tasks.estimate_accuracy import show_budgets
from nasface.tasks.following import following


def run(run: Run) -> Outcome:
    """Judge the table by its halves, and the number of photos by `study.file`, if given."""
    checked(run.settings.accuracy)
    bench = run.workbench
    table = bench.table
    found = TableReliability.of(table, bench.table_path.name, _near_budgets(run, table), _photos(run))
    page = run.folder / "table_reliability.md"
    write_json(page.with_suffix(".json"), found.to_json())
    write_page(page, found)
    _show(run, [entry for entry in found.reliabilities if entry.split == "people"], "over people")
    _show(run, [entry for entry in found.reliabilities if entry.split == "photos"], "over photos of the same people")
    for entry in found.best:
        run.console.print(f"for {entry.wanted}, learn from {entry.learned} (correlation {entry.correlation:+.2f})")
    if found.subnets < FEW:
        run.console.note("note:", few_text(found.subnets))
    run.console.print(f"page: {run.shown(page)}, {run.shown(page.with_suffix('.html'))}", soft_wrap=True)
    return Outcome(found.to_json(), next=following(run, "compare_predictors"))


def _near_budgets(run: Run, table: AccuracyTable) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Which networks lie near which budget."""
    band = run.settings.accuracy.band
    try:
        bounds = run.workbench.budgets
    except LookupTableError as error:
        run.console.note("no budgets are looked at:", str(error))
        return []
    show_budgets(run)
    return [
        (
            f"within {band:.0%} of {bound.cost.text(bound.bound)} {bound.label}",
            np.abs(bound.cost.predict(table.genotypes) / bound.bound - 1) <= band,
        )
        for bound in bounds
    ]


def _photos(run: Run) -> PhotoNeeds | None:
    """What the study of photos says, if there is one."""
    if run.settings.study.file is None:
        return None
    from nasface.accuracy.photo_study import calibration_noise, people_needed, read_study

    path = run.path(run.settings.study.file)
    header, results = read_study(path)
    if not results:
        raise TableError(f"{path} holds no results; make it with task=study_photos study.file={path.name} data=...")
    needed = people_needed(results, int(header["photos"]))
    return PhotoNeeds(tuple(calibration_noise(results)), tuple(needed))


def _show(run: Run, entries: Sequence[Reliability], title: str) -> None:
    """One table a region: names of regions are too long for a column."""
    for (region, subnets), mine in groupby(entries, key=lambda entry: (entry.region, entry.subnets)):
        heading = f"{title}: {region} ({subnets} subnets)"
        table = Table("metric", "sd", "noise sd", "reliability (95 %)", "tau ceiling", title=heading)
        for e in mine:
            reliability = f"{e.reliability:.2f} ({e.low:.2f} to {e.high:.2f})"
            table.add_row(e.metric, f"{e.deviation:.4f}", f"{e.noise:.4f}", reliability, f"{e.ceiling:.2f}")
        run.console.print(table)
