"""The runs of a multirun: `sweep.csv`, `sweep.html`, and the terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from nasface.analysis.sweep import Job, Sweep
from nasface.reports.cells import cell_text, figure_text
from nasface.reports.page import Page
from nasface.reports.svg import Series, chart
from nasface.runs import write_rows

CSV, PAGE = "sweep.csv", "sweep.html"
FIGURES = 3
"""Of a run in its line."""


def write_sweep(folder: Path, sweep: Sweep, console: Console) -> None:
    """Write both files into the folder, and show the table."""
    write_rows(folder / CSV, sweep.columns, sweep.rows)
    _page(folder, sweep)
    _show(console, sweep)
    console.print(f"table: {folder / CSV} and {folder / PAGE}", soft_wrap=True)


def job_line(job: Job) -> str:
    """What one run was and found, e.g. "job 3: ok: seed=1: predicted 0.9402 (estimated), latency sd865 6.786"."""
    found = [
        f"{name} {cell_text(job.values[name])}{' (estimated)' if name in job.estimated else ''}"
        for name in job.figures[:FIGURES]
    ]
    return ": ".join(
        part for part in (f"job {job.name}", job.status, " ".join(job.overrides), ", ".join(found)) if part
    )


def _picture(page: Page, sweep: Sweep) -> None:
    """Accuracy over the first latency, where runs found networks."""
    cost = next((name for name in sweep.differing if name.startswith("latency")), None)
    figure = next((name for name in ("auc", "predicted") if name in sweep.columns), None)
    if cost is None or figure is None:
        return
    values = {f"job {job.name}": (job.values.get(cost), job.values.get(figure)) for job in sweep.jobs}
    found = {job: (x, y) for job, (x, y) in values.items() if isinstance(x, float) and isinstance(y, float)}
    if found:
        drawn = chart(
            [Series("", list(found.values()), "found", list(found))], _titled(sweep, cost), _titled(sweep, figure)
        )
        page.picture(drawn, "runs that found a network; predictions of different predictors are not on one scale")


def _titled(sweep: Sweep, column: str) -> str:
    return f"{column} (estimated)" if column in sweep.estimated else column


def _page(folder: Path, sweep: Sweep) -> None:
    """What differs between the runs, what does not, and why runs failed; the job's number leads to its report."""
    jobs, rows, shown = sweep.jobs, sweep.rows, sweep.differing
    ok = sum(job.status == "ok" for job in jobs)
    page = Page("nasface sweep", f"{len(jobs)} runs, {ok} ok, {len(jobs) - ok} infeasible or failed")
    reports = [f"{job.name}/report.html" for job in jobs]
    page.table(
        [figure_text(column) + (" (estimated)" if column in sweep.estimated else "") for column in shown],
        [[row.get(column) for column in shown] for row in rows],
        links=[report if (folder / report).exists() else "" for report in reports],
    )
    _picture(page, sweep)
    same = ", ".join(f"{column} {cell_text(rows[0].get(column))}" for column in sweep.same)
    page.text(f"The same in all runs: {same}.", "note")
    failed = [[job.name, job.status, job.message] for job in jobs if job.message]
    if failed:
        page.heading("Infeasible or failed")
        page.table(["job", "status", "message"], failed)
    page.write(folder / PAGE)


def _show(console: Console, sweep: Sweep) -> None:
    ends = np.cumsum([_width(sweep, column) + 3 for column in sweep.differing]) + 1
    room = int((ends <= console.width).sum())
    shown, left_out = sweep.differing[:room], sweep.differing[room:]
    table = Table(*["\n".join(_words(column)) for column in shown], title=f"{len(sweep.jobs)} runs")
    for row in sweep.rows:
        table.add_row(*[cell_text(row.get(column)) for column in shown])
    console.print(table)
    if left_out:
        console.print(f"also in {CSV}: {', '.join(left_out)}", soft_wrap=True)
    if sweep.estimated:
        console.print(f"estimated: {', '.join(sweep.estimated)}", soft_wrap=True)
    for job in sweep.jobs:
        if job.message:
            console.print(f"job {job.name}: {job.status}: {job.message}", markup=False, soft_wrap=True)


def _width(sweep: Sweep, column: str) -> int:
    return max(map(len, [*_words(column), *(cell_text(row.get(column)) for row in sweep.rows)]))


def _words(column: str) -> list[str]:
    """The lines of a column's heading."""
    return column.removeprefix("constraints.").split()
