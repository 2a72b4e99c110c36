"""The frame around every experiment: measure what is missing, keep it, write the page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.progress import TimeRemainingColumn

from nasface.accuracy.table import held_table
from nasface.analysis import Row
from nasface.errors import InfeasibleConstraint
from nasface.experiments._base import C, Experiment
from nasface.experiments.results import Results, key
from nasface.reading import read_text
from nasface.reports.page import write_markdown_page
from nasface.runs import write_text
from nasface.settings import WHOLE, Shard
from nasface.terminal import Terminal

INFEASIBLE = "infeasible"
"""Column with the reason why a cell has no values."""

READING = "## Reading"
"""Heading of what people write at the end of a page."""


class Conducted(NamedTuple):
    """What there is of an experiment.

    Attributes:
        rows: Of its cells, those of other processes included, in the order of the cells.
        missing: How many cells are still missing.
    """

    rows: list[Row]
    missing: int


def conduct(experiment: Experiment[C], results: Results, console: Terminal, shard: Shard = WHOLE) -> Conducted:
    """Measure this process's share of the cells that are missing.

    Args:
        experiment: What to measure.
        results: What is there; finished cells are added.
        console: Shows progress.
        shard: Which share of the cells is this process's.

    Raises:
        InvalidInput: Another process measures into the same file.
    """
    cells = experiment.cells()
    done = {key(row, experiment.keys) for row in results.rows}
    todo = [cell for cell in cells[shard.index :: shard.count] if key(cell.to_row(), experiment.keys) not in done]
    with held_table(results.path), console.progress(TimeRemainingColumn(), transient=True) as bar:
        shown = bar.add_task(experiment.name, total=len(todo))
        for cell in todo:
            bar.update(shown, description=", ".join(f"{name} {value}" for name, value in cell.to_row().items()))
            results.add(_measure(experiment, cell))
            bar.advance(shown)
    found: dict[tuple[str, ...], list[Row]] = {key(cell.to_row(), experiment.keys): [] for cell in cells}
    for row in results.rows:
        if (place := key(row, experiment.keys)) in found:
            found[place].append(row)
    rows = [row for members in found.values() for row in members]
    return Conducted(rows, sum(not members for members in found.values()))


def write_report(folder: Path, experiment: Experiment[C], rows: Sequence[Row], missing: int, command: str) -> Path:
    """Write NAME.md, its pictures, and NAME.html, all in one file, from the rows.

    A section "## Reading" that someone added to NAME.md is kept.

    Args:
        folder: Where to.
        experiment: Makes the page.
        rows: From `conduct`, at least one.
        missing: Cells that other processes have still to measure.
        command: What makes these results, for the reader.

    Returns:
        The page.
    """
    feasible = [row for row in rows if not row.get(INFEASIBLE)]
    refused = [row for row in rows if row.get(INFEASIBLE)]
    parts, pictures = [], {}
    if feasible:
        report = experiment.report(feasible)
        parts += [f"# {report.title}", f"    {command}", report.body]
        pictures = {f"{experiment.name}_{stem}.svg": svg for stem, svg in report.pictures.items()}
        for name, svg in pictures.items():
            write_text(folder / name, svg)
    else:
        parts += [f"# {experiment.name}", f"    {command}"]
    if refused:
        reasons = {" ".join(key(row, experiment.keys)): row[INFEASIBLE] for row in refused}
        parts.append("## Not feasible\n\n" + "\n".join(f"- {cell}: {why}" for cell, why in reasons.items()))
    if missing:
        parts.append(f"{missing} of the cells are still missing; the same command goes on.")
    path = folder / f"{experiment.name}.md"
    before = read_text(path) if path.exists() else ""
    parts.append("".join(before.partition(READING)[1:]))
    text = "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
    write_text(path, text)
    write_markdown_page(path.with_suffix(".html"), text, pictures)
    return path


def _measure(experiment: Experiment[C], cell: C) -> list[Row]:
    started = time.process_time()
    try:
        rows = experiment.measure(cell)
    except InfeasibleConstraint as error:
        return [{**cell.to_row(), INFEASIBLE: str(error)}]
    seconds = round(time.process_time() - started, 4)
    return [{**cell.to_row(), **row, "process_seconds": seconds} for row in rows]
