"""The page of a measured latency table: how good its rows are, what networks need by it, how it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from nasface.analysis import layer_text
from nasface.costs import LayerCost, sum_of_rows
from nasface.devices import LookupTable
from nasface.devices.measurements import Timed
from nasface.reports.page import Card, Page
from nasface.reports.svg import Series, bars, chart
from nasface.timing.lut_builder import OF_FASTEST, TablePlan

STEPS: Final = {
    "isolated": "layers alone",
    "in_place": "what layers add to others",
    "fitted": "fitted to whole networks",
    f"{OF_FASTEST}isolated": "fastest 5 % of runs, layers alone",
    f"{OF_FASTEST}in_place": "fastest 5 %, what layers add to others",
    f"{OF_FASTEST}fitted": "fastest 5 %, fitted to whole networks",
}
"""What the steps of `nasface.timing.lut_builder` are called."""

DEAREST: Final = 12
"""Layers that are drawn."""


def step_rows(table: LookupTable, sizes: Sequence[int]) -> list[list[str]]:
    """Errors of the sum of rows on networks that the step was not fitted on: a step a row, a column for each size."""
    steps = table.provenance.steps
    rows = [[words, *(step_text(steps[str(size)].get(step)) for size in sizes)] for step, words in STEPS.items()]
    return [row for row in rows if any(row[1:])]


def step_text(step: Mapping[str, float] | None) -> str:
    """Mean, bias and largest error, and the rank correlation."""
    if step is None:
        return ""
    errors = f"{step['mape']:.1%} (bias {step['bias']:+.1%}, largest {step['max']:.1%})"
    return f"{errors}, tau {step['kendall_tau']:.2f}"


def write_lut_page(
    path: Path,
    table: LookupTable,
    plans: Sequence[TablePlan],
    timed: Mapping[str, Timed],
    warnings: Sequence[str],
    command: str,
    following: str,
) -> None:
    """Write the page.

    Args:
        path: The file.
        table: What was built.
        plans: What was measured, by resolution.
        timed: The times by model.
        warnings: Sentences about rows that cannot be right.
        command: What made the table.
        following: A command that uses it.
    """
    known = table.provenance
    page = Page(f"Latency table {table.name}", f"{known.device}, {known.runtime}, {known.threads} thread(s)", command)
    costs = [sum_of_rows(table, plan.space) for plan in plans]
    page.cards([_range_card(cost) for cost in costs])
    for warning in warnings:
        page.text(f"Warning: {warning}", "note")
    sizes = [plan.space.resolution for plan in plans]
    if steps := step_rows(table, sizes):
        page.heading("How far the sum of its rows is off")
        page.table(["", *(f"{size} px" for size in sizes)], steps, words=True)
        page.text("On whole networks that the step was not fitted on: mean, bias and largest error, order.", "note")
    for plan, cost in zip(plans, costs, strict=True):
        _plan_section(page, table, plan, cost, timed)
    page.heading("How it was measured")
    page.facts({"method": known.method, "precision of the files": known.precision, "date": known.date, **known.system})
    page.what_next(following)
    page.write(path)


def _range_card(cost: LayerCost) -> Card:
    ends = cost.decompose()
    shown = "–" if ends is None else f"{ends.minimum().value:.3g} to {ends.maximum().value:.3g} ms"
    return Card(f"networks at {cost.space.resolution} px", shown, "by the sum of the rows")


def _plan_section(page: Page, table: LookupTable, plan: TablePlan, cost: LayerCost, timed: Mapping[str, Timed]) -> None:
    size, layers = plan.space.resolution, plan.space.layers()
    page.heading(f"At {size} pixels")
    names = [name for name in plan.net_models if name in timed]
    if names:
        predicted = cost.predict(np.stack([plan.net_models[name] for name in names])).tolist()
        points = [(value, timed[name].median_ms) for value, name in zip(predicted, names, strict=True)]
        ends = min(map(min, points)), max(map(max, points))
        texts = [plan.space.to_text(plan.net_models[name]) for name in names]
        series = [
            Series("whole networks, which the rows were fitted to", points, "cloud", texts),
            Series("equal", [(end, end) for end in ends], "equal", line=True),
        ]
        page.picture(chart(series, "sum of the rows, ms", "measured, ms", square=True), "Medians; not held out.")
    dearest = np.argsort(-cost.values, kind="stable")[:DEAREST].tolist()
    rows = [(layer_text(layers[i]), float(cost.values[i])) for i in dearest]
    page.picture(bars(rows, "ms"), "The dearest of all layers that a network can have.")
    references = table.references.get(size, {})
    if references:
        page.table(["reference network", "ms", ""], [[name, one.ms, one.kind] for name, one in references.items()])
