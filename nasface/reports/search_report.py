"""What a search tells its user: the comparison, the last lines on the terminal, and `report.html`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from nasface.accuracy.table import AccuracyTable
from nasface.composition import DeviceCosts, counts, published_subnets
from nasface.costs import Cost, LayerCost
from nasface.devices.references import REFERENCES
from nasface.errors import InvalidGenotype, NasfaceError
from nasface.predictors import QualityReport, Ranker
from nasface.reports.page import Page, cell_text
from nasface.reports.svg import Series, bars, chart
from nasface.search import Constraint, SearchResult
from nasface.spaces import Population, SearchSpace

if TYPE_CHECKING:
    from pathlib import Path

    from nasface.tasks import Run

FOUND, SMALLEST, LARGEST = "found", "smallest", "largest"
REFERENCE = "efficientnet_b0"


@dataclass(frozen=True)
class SearchFacts:
    """All that a report is made from."""

    supernet: str
    space: SearchSpace
    devices: list[DeviceCosts]
    constraints: list[Constraint]
    notes: list[str]
    table: AccuracyTable
    targets: npt.NDArray[np.float64]
    metric: str
    ranker: Ranker
    quality: QualityReport
    result: SearchResult
    predictor: str


def compare(facts: SearchFacts) -> list[dict[str, Any]]:
    """One row per network: found, smallest, largest, published, and the reference (which has no accuracy here)."""
    named = _named(facts)
    population = np.stack(list(named.values()))
    predicted = facts.ranker.predicted_accuracy(population)
    costs = counts(facts.space)
    params, macs = costs["params_m"].predict(population), costs["macs_m"].predict(population)
    latencies = {latency_column(entry): entry.latency.predict(population) for entry in facts.devices}
    latencies |= {cost.name: cost.predict(population) for cost in _other_costs(facts)}
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(named):
        row = {
            "network": name,
            "predicted": float(predicted[i]),
            "params_m": float(params[i]),
            "macs_m": float(macs[i]),
        }
        rows.append(row | {column: float(values[i]) for column, values in latencies.items()})
    return [*rows, _reference_row(facts)]


def _other_costs(facts: SearchFacts) -> list[Cost]:
    """Bounded costs that have no column otherwise."""
    shown = {"latency_ms", "params_m", "macs_m"}
    return [constraint.cost for constraint in facts.constraints if constraint.cost.name not in shown]


def latency_column(entry: DeviceCosts) -> str:
    """Name of a device's latency in tables and results."""
    return f"latency {entry.device.name}"


def print_summary(
    run: Run, facts: SearchFacts, rows: list[dict[str, Any]], decision: dict[str, Any], measurements: dict[str, Any]
) -> None:
    """The last lines on the terminal: what was found, where it lies, how it compares, what to do next."""
    say = run.console.print
    table = Table(*_header(facts), title=f"{facts.supernet} at {facts.space.resolution} x {facts.space.resolution}")
    for row in rows:
        table.add_row(
            *[cell_text(row.get(column)) for column in _columns(facts)], style="bold" if row is rows[0] else None
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


def write_page(
    path: Path, facts: SearchFacts, rows: list[dict[str, Any]], decision: dict[str, Any], measurements: dict[str, Any]
) -> None:
    """Write `report.html`."""
    devices = " and ".join(entry.device.name for entry in facts.devices)
    page = Page(
        f"The network for {devices}",
        f"cut out of {facts.supernet} by nasface; predictions and marked latencies are estimated",
    )
    page.cards(_cards(facts, rows, decision, measurements))
    for note in facts.notes:
        page.text(f"Note: {note}", "note")
    page.heading("How it compares")
    page.table(_header(facts), [[row.get(column) for column in _columns(facts)] for row in rows], highlight=0)
    page.picture(
        _scatter(facts, rows),
        "Every measured subnet of the accuracy table, and predictions (estimated) for named networks.",
    )
    _measured_section(page, measurements)
    page.heading("Where the time goes")
    for entry in facts.devices:
        if isinstance(entry.latency, LayerCost):
            page.picture(_layers(facts, entry.latency), f"ms per layer on {entry.device.name}{_mark(entry)}")
            page.table(*_stage_times(facts, entry.latency), highlight=0)
            page.text(f"ms per stage on {entry.device.name}{_mark(entry)}, beside the alternatives", "note")
    page.heading(f"How good the predictor is ({facts.predictor})")
    _quality_tables(page, facts)
    page.heading("The search")
    page.facts(facts.result.counters | {"seconds": measurements["search_seconds"]})
    page.heading("Provenance")
    page.facts(_provenance(facts, decision, measurements))
    page.write(path)


def _named(facts: SearchFacts) -> dict[str, npt.NDArray[np.int8]]:
    """The networks of the comparison: found, smallest, largest, published."""
    return {FOUND: facts.result.best} | _extremes(facts) | _published(facts.space)


def _extremes(facts: SearchFacts) -> dict[str, npt.NDArray[np.int8]]:
    """Smallest and largest network by MACs: exact where the space has stages, else of the measured ones."""
    macs, choices = counts(facts.space)["macs_m"], facts.space.stage_choices()
    tables = macs.decompose()
    if tables is None or choices is None:
        values = macs.predict(facts.table.genotypes)
        return {SMALLEST: facts.table.genotypes[values.argmin()], LARGEST: facts.table.genotypes[values.argmax()]}
    picked = {SMALLEST: tables.minimum()[1], LARGEST: tables.maximum()[1]}
    return {
        name: np.sum([stage[i] for stage, i in zip(choices, indices, strict=True)], axis=0).astype(np.int8)
        for name, indices in picked.items()
    }


def _published(space: SearchSpace) -> dict[str, Population]:
    """The published face networks that exist in this space."""
    found = {}
    for net in published_subnets():
        if net["measured_tflite_cpu_ms"] is not None:
            try:
                found[net["name"]] = space.from_dict(net["genotype"])
            except InvalidGenotype:
                continue
    return found


def _reference_row(facts: SearchFacts) -> dict[str, Any]:
    spec = REFERENCES[REFERENCE](facts.space.resolution)
    row: dict[str, Any] = {
        "network": "EfficientNet-B0",
        "predicted": None,
        "params_m": spec.params / 1e6,
        "macs_m": spec.macs / 1e6,
    }
    for entry in facts.devices:
        try:
            row[latency_column(entry)] = entry.latency.reference(REFERENCE)[0]
        except NasfaceError:  # the table has none at this resolution
            row[latency_column(entry)] = None
    return row | {cost.name: cost.reference(REFERENCE)[0] for cost in _other_costs(facts)}


def _columns(facts: SearchFacts) -> list[str]:
    latencies = [latency_column(entry) for entry in facts.devices]
    return ["network", "predicted", "params_m", "macs_m", *latencies, *[cost.name for cost in _other_costs(facts)]]


def _header(facts: SearchFacts) -> list[str]:
    latencies = [f"{entry.device.name} ms{_mark(entry)}" for entry in facts.devices]
    others = [f"{cost.label} {cost.unit}{' (estimated)' if cost.estimated else ''}" for cost in _other_costs(facts)]
    return ["network", f"{facts.metric} (estimated)", "params M", "MACs M", *latencies, *others]


def _mark(entry: DeviceCosts) -> str:
    return " (estimated)" if entry.latency.estimated else ""


def _quality_line(facts: SearchFacts) -> str:
    everywhere = facts.quality.everywhere
    text = ", ".join(f"{name} {values['kendall_tau']:.3f}" for name, values in everywhere.items())
    text = f"{facts.predictor} on {len(facts.table)} measured subnets, held out: Kendall tau {text}"
    if facts.quality.near_budget:
        near = ", ".join(f"{name} {values['kendall_tau']:.3f}" for name, values in facts.quality.near_budget.items())
        text += f"; near the budget {near}"
    return text


def _search_line(facts: SearchFacts, measurements: dict[str, Any]) -> str:
    counters = facts.result.counters
    return (
        f"search: {measurements['search_seconds']:.1f} s, {counters.get('generations', 1)} generations, "
        f"{counters['distinct']:,} distinct networks, {counters['pairs']:,} comparisons"
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


def _cards(
    facts: SearchFacts, rows: list[dict[str, Any]], decision: dict[str, Any], measurements: dict[str, Any]
) -> list[tuple[str, str, str]]:
    found, cards = rows[0], []
    for entry in facts.devices:
        column = latency_column(entry)
        bound = next((c for c in facts.constraints if c.cost is entry.latency), None)
        note = f"budget {bound.bound:.2f} ms{_mark(entry)}" if bound else f"no budget{_mark(entry)}"
        cards.append((f"latency on {entry.device.name}", f"{found[column]:.2f} ms", note))
    cards.append((f"predicted {facts.metric}", f"{found['predicted']:.4f}", f"estimated by {facts.predictor}"))
    measured = measurements.get("measured")
    if measured:
        figure, value = next(iter(measured["row"].items()))
        cards.append((f"measured {figure}", f"{value:.4f}", "report people"))
    cards.append(("size", f"{found['params_m']:.2f} M parameters", f"{found['macs_m']:.0f} M multiply-accumulates"))
    if "model" in decision:
        timing = measurements["host_timing"]
        note = f"{timing['mean_ms']:.2f} ms on this machine" if timing else decision["model"]["file"]
        cards.append((decision["model"]["file"], f"{decision['model']['bytes'] / 1e6:.2f} MB", note))
    return cards


def _scatter(facts: SearchFacts, rows: list[dict[str, Any]]) -> str:
    entry = facts.devices[0]
    column = latency_column(entry)
    cloud = list(zip(entry.latency.predict(facts.table.genotypes).tolist(), facts.targets.tolist(), strict=True))
    named = [(row["network"], (row[column], row["predicted"])) for row in rows if row["predicted"] is not None]
    series = [
        Series("measured subnets", cloud, "cloud"),
        Series(
            "published and extreme networks (predicted)", [p for _, p in named[1:]], "other", [n for n, _ in named[1:]]
        ),
        Series("found (predicted)", [named[0][1]], "found", [FOUND]),
    ]
    bound = next((c.bound for c in facts.constraints if c.cost is entry.latency), None)
    limit = None if bound is None else (bound, f"budget {bound:.2f} ms")
    return chart(series, f"latency on {entry.device.name}, ms{_mark(entry)}", facts.metric, limit)


def _layers(facts: SearchFacts, latency: LayerCost) -> str:
    indices = facts.space.layer_indices(facts.result.best[None])[0]
    layers = facts.space.layers()
    rows = []
    for i in indices[indices >= 0]:
        words = " ".join(f"{name[0]}{value}" for name, value in layers[i].attrs if name in ("expand", "kernel"))
        size = "x".join(str(side) for side in layers[i].output_shape)
        rows.append((f"{layers[i].kind} {words} → {size}", float(latency.values[i])))
    return bars(rows, "ms")


def _stage_times(facts: SearchFacts, latency: LayerCost) -> tuple[list[str], list[list[Any]]]:
    """Header and rows: milliseconds of every network by stage of the space; fixed layers before and after apart."""
    named = _named(facts)
    indices = facts.space.layer_indices(np.stack(list(named.values())))
    times = np.append(latency.values, 0.0)[indices]
    stages = np.array([-1 if layer.stage is None else layer.stage for layer in facts.space.layers()] + [-1])[indices]
    inside = (stages >= 0).any(axis=0)
    first = int(inside.argmax())
    place = np.where(stages >= 0, stages, np.where(np.arange(stages.shape[1]) < first, -1, stages.max() + 1))
    columns = range(-1, int(stages.max()) + 2)
    header = ["network", "before", *[f"stage {stage + 1}" for stage in columns[1:-1]], "after", "all"]
    return header, [
        [name, *[float(row[where == column].sum()) for column in columns], float(row.sum())]
        for name, row, where in zip(named, times, place, strict=True)
    ]


def _quality_tables(page: Page, facts: SearchFacts) -> None:
    everywhere = facts.quality.everywhere
    names = [name for name, value in everywhere["predictor"].items() if not isinstance(value, dict)]
    page.text(
        f"Held-out subnets of the table, {facts.quality.folds}-fold; macs_only and params_only rank by counting alone.",
        "note",
    )
    page.table(["", *names], [[row, *[values.get(name) for name in names]] for row, values in everywhere.items()])
    if facts.quality.near_budget:
        page.text("The same on subnets within 5 % of the budget.", "note")
        near = facts.quality.near_budget
        page.table(["", *names], [[row, *[values.get(name) for name in names]] for row, values in near.items()])


def _measured_section(page: Page, measurements: dict[str, Any]) -> None:
    measured = measurements.get("measured")
    if not measured:
        page.text(
            "Nothing was measured: no photos were given (data=lfw data.root=... measures the found network).", "note"
        )
        return
    page.heading("Measured on report people")
    intervals = {name: f"{low:.4f}–{high:.4f}" for name, (low, high) in measured["intervals"].items()}
    page.table(
        ["figure", "value", "95 % interval over people"], [[n, v, intervals.get(n)] for n, v in measured["row"].items()]
    )


def _provenance(facts: SearchFacts, decision: dict[str, Any], measurements: dict[str, Any]) -> dict[str, Any]:
    found = {
        "genotype": decision["genotype"],
        "supernet": f"{facts.supernet}, {facts.table.supernet[:16]}",
        "accuracy table": f"{len(facts.table)} subnets, metric {facts.metric}, data {facts.table.shared['data'][:16]}",
        "batch normalisation calibrated on": decision.get("calibration"),
        "model sha256": decision.get("model", {}).get("sha256"),
    }
    found |= {f"bound on {c.label}": f"{c.bound:.4g} {c.cost.unit} {c.basis}" for c in facts.constraints}
    found |= {
        f"parity on {name} inputs": p["max_difference_relative"] for name, p in measurements.get("parity", {}).items()
    }
    return found
