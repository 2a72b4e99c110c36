"""`task=deploy_family`: one network per latency budget, each in a folder of its own, and one table."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from rich.table import Table

from nasface.errors import InfeasibleConstraint, InvalidInput
from nasface.jobs import Outcome, Run
from nasface.reports.page import cell_text
from nasface.runs import write_json, write_rows
from nasface.settings import Family
from nasface.strategies.constraints import notes
from nasface.tasks import search
from nasface.tasks._verification import Options

FILE = "family.csv"


def run(run: Run) -> Outcome:
    """Fit the predictor once; then find, export and report a network for every budget."""
    runs = [(budget, _member(run, budget)) for budget in budgets(run.settings.family)]
    Options.of(run)
    first = replace(run, settings=replace(run.settings, constraints=_without_latency(run)))
    task = search.prepare(first)
    ranker, judged = search.learn(first, task)
    rows: list[dict[str, Any]] = []
    decisions: dict[str, Any] = {}
    last: InfeasibleConstraint | None = None  # what the largest budget lacks, if none can be met
    for (key, value), member in runs:
        name = f"{key}={value:g}"
        run.console.rule(name)
        try:
            bounds = task.bench.within(member.settings.constraints)
            own = replace(task, constraints=bounds, notes=notes(bounds))
            outcome = search.find(member, own, ranker, judged, time.perf_counter())
        except InfeasibleConstraint as error:
            last = error
            run.console.print(f"[yellow]{name}:[/yellow] {error}", soft_wrap=True)
            rows.append({"budget": name, "status": "infeasible"})
            continue
        write_json(member.folder / "result.json", {"status": "ok", "decision": outcome.decision})
        decisions[name] = outcome.decision
        rows.append({"budget": name, "status": "ok", **_row(outcome), "folder": member.folder.name})
    if not decisions and last is not None:
        raise last
    _show(run, rows)
    return Outcome({"family": rows, "members": decisions})


def budgets(family: Family) -> list[tuple[str, float]]:
    """("ratio" or "max", value) of every member, the smallest budget first.

    Raises:
        InvalidInput: There is none, or one is not positive.
    """
    key, values = ("ratio", family.ratios) if family.latencies is None else ("max", family.latencies)
    if not values or not all(value > 0 for value in values):
        raise InvalidInput(
            f"family.{'ratios' if key == 'ratio' else 'latencies'} is {list(values)}; give positive budgets, e.g. "
            "[0.5,0.6,0.8]."
        )
    return [(key, value) for value in sorted(set(values))]


def _member(run: Run, budget: tuple[str, float]) -> Run:
    """The run of one member: its bound, and a folder inside the family's."""
    key, value = budget
    constraints = run.settings.constraints
    none: dict[str, float | None] = {"max": None, "ratio": None}
    bound = replace(constraints.latency_ms, **(none | {key: value}))
    settings = replace(run.settings, constraints=replace(constraints, latency_ms=bound))
    return Run(settings, run.folder / f"{key}_{value:g}", run.cwd)


def _without_latency(run: Run) -> Any:
    """The bounds that all members share."""
    bounds = run.settings.constraints
    free = replace(bounds.latency_ms, max=None, ratio=None, confidence=None)
    return replace(bounds, latency_ms=free, default_latency_ratio=None)


def _row(outcome: Outcome) -> dict[str, Any]:
    summary = outcome.decision["summary"] | outcome.measurements["summary"]
    return {name: value for name, value in summary.items() if value is not None}


def _show(run: Run, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*columns, title="family (predicted values are estimated)")
    for row in rows:
        table.add_row(*[cell_text(row.get(column)) for column in columns])
    run.console.print(table)
    write_rows(run.folder / FILE, columns, rows)
    run.console.print(f"table: {run.shown(run.folder / FILE)}", soft_wrap=True)
