"""`report.html` of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasface.reports.comparison import FOUND, SearchFacts, columns, header, latency_column, mark
from nasface.reports.layer_times import layer_times
from nasface.reports.page import Page
from nasface.reports.standing import Standing, write_standing
from nasface.reports.svg import Series, chart

if TYPE_CHECKING:
    from pathlib import Path

COUNTERS = {"calls": "comparator calls", "pairs": "pairs compared", "distinct": "distinct networks"}
"""What a reader calls a search's counters, where it differs."""


def write_page(
    path: Path,
    facts: SearchFacts,
    rows: list[dict[str, Any]],
    place: Standing,
    decision: dict[str, Any],
    measurements: dict[str, Any],
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
    page.table(header(facts), [[row.get(column) for column in columns(facts)] for row in rows], highlight=0)
    page.picture(
        _scatter(facts, rows),
        "Every measured subnet of the accuracy table, and predictions (estimated) for named networks.",
    )
    _measured_section(page, measurements)
    write_standing(page, facts, place)
    layer_times(page, facts)
    page.heading(f"How good the predictor is ({facts.predictor})")
    _quality_tables(page, facts)
    page.heading("The search")
    counted = {COUNTERS.get(name, name): count for name, count in facts.result.counters.items() if count}
    page.facts(counted | {"seconds": measurements["search_seconds"]})
    page.heading("Provenance")
    page.facts(_provenance(facts, decision, measurements))
    page.write(path)


def _cards(
    facts: SearchFacts, rows: list[dict[str, Any]], decision: dict[str, Any], measurements: dict[str, Any]
) -> list[tuple[str, str, str]]:
    found, cards = rows[0], []
    for entry in facts.devices:
        column = latency_column(entry)
        bound = next((c for c in facts.constraints if c.cost is entry.latency), None)
        note = f"budget {bound.bound:.2f} ms{mark(entry)}" if bound else f"no budget{mark(entry)}"
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
    return chart(series, f"latency on {entry.device.name}, ms{mark(entry)}", facts.metric, limit)


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
