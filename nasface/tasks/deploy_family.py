"""`task=deploy_family`: one network per latency budget, each in a folder of its own, and one table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from rich.table import Table

from nasface.analysis import SearchOutcome
from nasface.costs import LATENCY
from nasface.errors import InfeasibleConstraint, InvalidInput
from nasface.jobs import Outcome, Run
from nasface.reports.cells import cell_text
from nasface.runs import Json, write_json, write_rows
from nasface.settings import Bound, Budgets, Constraints
from nasface.strategies.constraints import notes
from nasface.tasks import search
from nasface.tasks._verification import check_options
from nasface.tasks.following import following, timed

FILE = "family.csv"


def run(run: Run) -> Outcome:
    """Fit the predictor once; then find, export and report a network for every budget."""
    runs = [(budget, _member(run, budget)) for budget in budgets(run.settings.budgets)]
    check_options(run)
    first = replace(run, settings=replace(run.settings, constraints=_without_latency(run)))
    task = search.prepare(first)
    ranker, judged = search.learn(first, task)
    rows: list[dict[str, Json]] = []
    decisions: dict[str, Json] = {}
    written: list[Path] = []
    last: InfeasibleConstraint | None = None  # what the largest budget lacks, if none can be met
    for budget, member in runs:
        name = budget.name
        run.console.rule(name)
        try:
            bounds = task.bench.within(member.settings.constraints)
            own = replace(task, constraints=bounds, notes=tuple(notes(bounds)))
            found = search.find(member, own, ranker, judged, time.perf_counter())
        except InfeasibleConstraint as error:
            last = error
            run.console.note(f"{name}:", str(error))
            rows.append({"budget": name, "status": "infeasible"})
            continue
        decisions[name] = found.to_json()["decision"]
        if found.delivered is not None:
            written.append(found.delivered.model.file.path)
        write_json(member.folder / "result.json", {"status": "ok", "decision": decisions[name]})
        rows.append({"budget": name, "status": "ok", **_row(found), "folder": member.folder.name})
    if not decisions and last is not None:
        raise last
    _show(run, rows)
    return Outcome({"family": rows, "members": decisions}, next=_next(run, written))


def _next(run: Run, written: Sequence[Path]) -> str:
    if not written:
        return following(run, "deploy_family", {"exporter": "tflite"})
    return timed(run, written)


class Budget(NamedTuple):
    """The bound on latency of one member: which option of `constraints.latency_ms` it is, and its value."""

    option: Literal["ratio", "max"]
    value: float

    @property
    def name(self) -> str:
        """For tables, e.g. "ratio=0.6"."""
        return f"{self.option}={self.value:g}"

    @property
    def folder(self) -> str:
        """Of the member, inside the family's."""
        return f"{self.option}_{self.value:g}"


def budgets(options: Budgets) -> list[Budget]:
    """The bound of every member, the smallest first.

    Raises:
        InvalidInput: There is none, or one is not positive.
    """
    option: Literal["ratio", "max"] = "ratio" if options.latencies is None else "max"
    values = options.ratios if options.latencies is None else options.latencies
    if not values or not all(value > 0 for value in values):
        raise InvalidInput(
            f"budgets.{'ratios' if option == 'ratio' else 'latencies'} is {list(values)}; give positive budgets, e.g. "
            "[0.5,0.6,0.8]."
        )
    return [Budget(option, value) for value in sorted(set(values))]


def _member(run: Run, budget: Budget) -> Run:
    """The run of one member: its bound, and a folder inside the family's."""
    constraints = run.settings.constraints
    free = replace(constraints.bound(LATENCY), max=None, ratio=None)
    bound = replace(free, **{budget.option: budget.value})
    settings = replace(run.settings, constraints=constraints.with_bound(LATENCY, bound))
    return Run(settings, run.folder / budget.folder, run.cwd, job=run.job)


def _without_latency(run: Run) -> Constraints:
    """The bounds that all members share."""
    return replace(run.settings.constraints.with_bound(LATENCY, Bound()), default_latency_ratio=None)


def _row(found: SearchOutcome) -> dict[str, Json]:
    summary = found.predicted_summary() | found.measured_summary()
    return {name: value for name, value in summary.items() if value is not None}


def _show(run: Run, rows: list[dict[str, Json]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*columns, title="family (predicted values are estimated)")
    for row in rows:
        table.add_row(*[cell_text(row.get(column)) for column in columns])
    run.console.print(table)
    write_rows(run.folder / FILE, columns, rows)
    run.console.print(f"table: {run.shown(run.folder / FILE)}", soft_wrap=True)
