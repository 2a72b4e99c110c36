"""`task=report sweep=FOLDER`: one table over the runs of a multirun, which calls it at its end, as CSV and HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from nasface.errors import InvalidInput
from nasface.jobs import Outcome, Run
from nasface.reports import Page
from nasface.reports.cells import cell_text
from nasface.runs import write_rows

_TEXTS = ("overrides", "message", "estimated")
_CHOICES = ("status", "predictor", "selector", "search", "exporter", "device", "seed")
"""Columns that the terminal leaves out, and those that it shows where the runs differ in them; the files have all."""

_FIRST = ("job", *_CHOICES, "constraints.", "predicted", "auc", "latency", "tar@")
"""Beginnings of the names of columns that come first on the terminal, which has no room for all."""


def run(run: Run) -> Outcome:
    """Collect `*/result.json` below `sweep=`."""
    if run.settings.sweep is None:
        raise InvalidInput("task=report needs sweep=FOLDER, the folder of a multirun (runs/..._sweep).")
    rows = summarise(run.path(run.settings.sweep), run.console)
    return Outcome(decision={"rows": rows})


class SweepReport(Callback):
    """Hydra callback: the same at the end of every multirun."""

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Called by Hydra after the last job."""
        summarise(Path(config.hydra.sweep.dir), Console(highlight=False))


def summarise(folder: Path, console: Console) -> list[dict[str, Any]]:
    """Write `sweep.csv` and `sweep.html` into the folder and show the table.

    Returns:
        One row per job, in job order: components, status, what was found; failed jobs have their message.
    """
    if not folder.is_dir():
        raise InvalidInput(f"sweep={folder} is not a folder; give the folder of a multirun.")
    rows = [_row(path.parent, folder) for path in sorted(folder.glob("*/result.json"), key=_job_order)]
    if not rows:
        raise InvalidInput(f"{folder} holds no */result.json; give the folder of a multirun.")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    write_rows(folder / "sweep.csv", columns, rows)
    _page(folder, columns, rows)
    _show(console, columns, rows)
    console.print(f"table: {folder / 'sweep.csv'} and {folder / 'sweep.html'}", soft_wrap=True)
    return rows


def _job_order(path: Path) -> tuple[int, str]:
    name = path.parent.name
    return (int(name) if name.isdigit() else 10**9, name)


def _row(job: Path, sweep: Path) -> dict[str, Any]:
    result = json.loads((job / "result.json").read_text(encoding="utf-8"))
    components = result.get("components", {})
    decision, measurements = result.get("decision", {}), result.get("measurements", {})
    row: dict[str, Any] = {"job": str(job.relative_to(sweep)), "status": result["status"]}
    row |= {kind: components.get(kind) for kind in ("predictor", "selector", "search", "exporter")}
    row |= {"device": "+".join(components.get("device", [])), "seed": result.get("seed")}
    row |= _values(result.get("overrides", []))
    row |= decision.get("summary", {}) | measurements.get("summary", {})
    row |= {"estimated": ", ".join(decision.get("estimated", ()))}
    return row | {"overrides": " ".join(result.get("overrides", [])), "message": result.get("message") or ""}


def _values(overrides: list[str]) -> dict[str, str]:
    """Overrides of single values, e.g. `search.population=50`, by key."""
    pairs = (override.lstrip("+").partition("=") for override in overrides)
    return {key: value for key, _, value in pairs if "." in key}


def _page(folder: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    """What differs between the runs, what does not, and why runs failed; the job's number leads to its report."""
    ok = sum(row["status"] == "ok" for row in rows)
    page = Page("nasface sweep", f"{len(rows)} runs, {ok} ok, {len(rows) - ok} infeasible or failed")
    shown = _differing(columns, rows)
    reports = [f"{row['job']}/report.html" for row in rows]
    page.table(
        [f"{column} (estimated)" if column in _estimated(rows) else column for column in shown],
        [[row.get(column) for column in shown] for row in rows],
        links=[report if (folder / report).exists() else "" for report in reports],
    )
    same = [column for column in columns if column not in (*shown, *_TEXTS)]
    page.text(f"The same in all runs: {', '.join(f'{c} {cell_text(rows[0].get(c))}' for c in same)}.", "note")
    failed = [[row["job"], row["status"], row["message"]] for row in rows if row["message"]]
    if failed:
        page.heading("Infeasible or failed")
        page.table(["job", "status", "message"], failed)
    page.write(folder / "sweep.html")


def _show(console: Console, columns: list[str], rows: list[dict[str, Any]]) -> None:
    shown, left_out = _fitting(columns, rows, console.width)
    table = Table(*["\n".join(_words(column)) for column in shown], title=f"{len(rows)} runs")
    for row in rows:
        table.add_row(*[cell_text(row.get(column)) for column in shown])
    console.print(table)
    if left_out:
        console.print(f"also in sweep.csv: {', '.join(left_out)}", soft_wrap=True)
    if estimated := _estimated(rows):
        console.print(f"estimated: {', '.join(estimated)}", soft_wrap=True)
    for row in rows:
        if row["message"]:
            console.print(f"job {row['job']}: {row['status']}: {row['message']}", markup=False, soft_wrap=True)


def _estimated(rows: list[dict[str, Any]]) -> list[str]:
    """Columns that hold estimates in any run."""
    return sorted({name for row in rows for name in row["estimated"].split(", ") if name})


def _differing(columns: list[str], rows: list[dict[str, Any]]) -> list[str]:
    """The columns of numbers, and of choices in which the runs differ, in the order of `_FIRST`."""
    overrides = {key for row in rows for key in _values(row["overrides"].split())}
    same = {c for c in overrides.union(_CHOICES) if len({row.get(c) for row in rows}) == 1}
    wanted = [column for column in columns if column not in _TEXTS and column not in same]
    order = {
        column: next((i for i, start in enumerate(_FIRST) if column.startswith(start)), len(_FIRST))
        for column in wanted
    }
    return sorted(wanted, key=order.__getitem__)


def _fitting(columns: list[str], rows: list[dict[str, Any]], width: int) -> tuple[list[str], list[str]]:
    """The columns for which the terminal has room, and the others."""
    wanted = _differing(columns, rows)
    ends = np.cumsum([_width(column, rows) + 3 for column in wanted]) + 1
    room = int((ends <= width).sum())
    return wanted[:room], wanted[room:]


def _width(column: str, rows: list[dict[str, Any]]) -> int:
    return max(map(len, [*_words(column), *(cell_text(row.get(column)) for row in rows)]))


def _words(column: str) -> list[str]:
    """The lines of a column's heading."""
    return column.removeprefix("constraints.").split()
