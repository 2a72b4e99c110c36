"""The last lines on the terminal after a search: what was found, where it lies, how it compares, what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from nasface.reports.comparison import SearchFacts, columns, header
from nasface.reports.page import cell_text
from nasface.reports.standing import FINALIST, Standing

if TYPE_CHECKING:
    from nasface.jobs import Run


def print_summary(
    run: Run,
    facts: SearchFacts,
    rows: list[dict[str, Any]],
    place: Standing,
    decision: dict[str, Any],
    measurements: dict[str, Any],
) -> None:
    """The last lines on the terminal: what was found, where it lies, how it compares, what to do next."""
    say = run.console.print
    table = Table(*header(facts), title=f"{facts.supernet} at {facts.space.resolution} x {facts.space.resolution}")
    for row in rows:
        table.add_row(
            *[cell_text(row.get(column)) for column in columns(facts)], style="bold" if row is rows[0] else None
        )
    say(table)
    for constraint in facts.constraints:
        say(
            f"bound: {constraint.label} <= {constraint.bound:.3g} {constraint.cost.unit}  {constraint.basis}".rstrip(),
            soft_wrap=True,
        )
    for note in facts.notes:
        say(f"[yellow]note:[/yellow] {note}", soft_wrap=True)
    say(_quality_line(facts), soft_wrap=True)
    say(_confidence_line(facts, place), soft_wrap=True)
    say(_search_line(facts, measurements), soft_wrap=True)
    measured = measurements.get("measured")
    if measured:
        text = ", ".join(f"{name} {value:.4f}" for name, value in measured["row"].items())
        say(
            f"[bold]measured[/bold] on report people ({decision['calibration']} for calibration): {text}",
            soft_wrap=True,
        )
    if "model" in decision:
        say(_model_line(run, decision, measurements), soft_wrap=True)
    say(f"report: {run.shown(run.folder / 'report.html')}", soft_wrap=True)
    say(_next(run, decision, measurements), soft_wrap=True)


def _quality_line(facts: SearchFacts) -> str:
    everywhere = facts.quality.everywhere
    text = ", ".join(f"{name} {values['kendall_tau']:.3f}" for name, values in everywhere.items())
    text = f"{facts.predictor} on {len(facts.table)} measured subnets, held out: Kendall tau {text}"
    if facts.quality.near_budget:
        near = ", ".join(f"{name} {values['kendall_tau']:.3f}" for name, values in facts.quality.near_budget.items())
        text += f"; near the budget {near}"
    return text


def _confidence_line(facts: SearchFacts, place: Standing) -> str:
    """E.g. "it cannot be told apart from 9 other finalists, «largest», «Subnet 1, 865»"."""
    alike = place.inseparable
    finalists = sum(name.startswith(FINALIST) for name in alike)
    names = [f"{finalists} other finalists"] * (finalists > 0)
    names += [f"«{name}»" for name in alike if not name.startswith(FINALIST)]
    text = f"it cannot be told apart from {', '.join(names)}" if names else "it stands apart from all compared networks"
    reach = place.reach
    cost = f"; the budget costs {reach.given_up:.4f} {facts.metric} by {reach.opinion}" if reach else ""
    return f"confidence (estimated, 95 %): {text}{cost}"


def _search_line(facts: SearchFacts, measurements: dict[str, Any]) -> str:
    counters = facts.result.counters
    compared = f", {counters['pairs']:,} comparisons" if counters["pairs"] else ""
    return (
        f"search: {measurements['search_seconds']:.1f} s, {counters.get('generations', 1)} generations, "
        f"{counters['distinct']:,} distinct networks{compared}"
    )


def _model_line(run: Run, decision: dict[str, Any], measurements: dict[str, Any]) -> str:
    model, parity, timing = decision["model"], measurements["parity"], measurements["host_timing"]
    worst = max((p["max_difference_relative"] for p in parity.values()), default=None)
    text = f"[bold]model: {run.shown(run.folder / model['file'])}[/bold] ({model['bytes'] / 1e6:.2f} MB"
    text += "" if worst is None else f", differs from torch by {worst:.1g} of the descriptor's norm"
    if timing:
        text += f", {timing['mean_ms']:.2f} ± {timing['std_ms']:.2f} ms here"
        text += f", {timing['runs']} runs, {timing['threads']} thread(s)"
    return text + ")"


def _next(run: Run, decision: dict[str, Any], measurements: dict[str, Any]) -> str:
    if "model" not in decision:
        return "next: the same command with exporter=tflite writes the model"
    if not measurements.get("measured"):
        return (
            f"next: python -m nasface task=evaluate model={run.shown(run.folder / decision['model']['file'])} data=lfw "
            "data.root=YOUR_PHOTOS  (measures it), or supernet.checkpoint=... accuracy.table=... for your own supernet"
        )
    return f"next: put {decision['model']['file']} into your app; thresholds and preprocessing are in its metadata"
