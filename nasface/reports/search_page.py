"""`report.html` of a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nasface.analysis import Compared, CostColumn, Measured, SearchFacts, SearchOutcome, layer_times
from nasface.analysis.facts import FOUND
from nasface.recognition import Judgement
from nasface.reports.cells import comparison_cells, comparison_header, ends_text, figure_text, mark, told
from nasface.reports.layer_section import write_layer_times
from nasface.reports.page import Card, Page
from nasface.reports.standing_section import vertical_lines, write_standing
from nasface.reports.svg import Series, chart
from nasface.reports.use_of_model import THRESHOLDS, threshold_cells, thresholds, use_rows

COUNTERS = {"calls": "comparator calls", "pairs": "pairs compared", "distinct": "distinct networks"}
"""What a reader calls a search's counters, where it differs."""


def write_page(path: Path, found: SearchOutcome, command: str = "", following: str = "") -> None:
    """Write `report.html`.

    Args:
        path: The file.
        found: What it shows.
        command: The command line that was run.
        following: One to go on with.
    """
    facts = found.facts
    devices = " and ".join(entry.device.name for entry in facts.devices)
    page = Page(
        f"The network for {devices}",
        f"cut out of {facts.supernet} by nasface; predictions and marked latencies are estimated",
        command,
    )
    page.cards(_cards(found))
    for note in facts.notes:
        page.text(f"Note: {note}", "note")
    page.heading("How it compares")
    page.table(comparison_header(found.comparison, facts.metric), comparison_cells(found.comparison), highlight=0)
    page.picture(
        _scatter(found),
        "Every measured subnet of the accuracy table, and predictions (estimated) for named networks.",
    )
    _measured_section(page, found)
    _use_section(page, found)
    write_standing(page, facts, found.standing)
    write_layer_times(page, layer_times(facts))
    page.heading(f"How good the predictor is ({facts.predictor})")
    _quality_tables(page, facts)
    page.heading("The search")
    counted = {COUNTERS.get(name, name): count for name, count in facts.result.counters.items() if count}
    page.facts(counted | {"seconds": found.seconds.search})
    page.heading("Provenance")
    page.facts(_provenance(found))
    if following:
        page.what_next(following)
    page.write(path)


def _cards(found: SearchOutcome) -> list[Card]:
    facts, network, delivered = found.facts, found.comparison.found, found.delivered
    columns = zip(found.comparison.columns, network.costs, strict=True)
    cards = [_latency_card(facts, column, ms) for column, ms in columns if column.device is not None]
    cards.append(Card(f"predicted {facts.metric}", f"{network.predicted:.4f}", f"estimated by {facts.predictor}"))
    if found.measured is not None:
        figure, value = next(iter(found.measured.judgement.row().items()))
        cards.append(Card(f"measured {figure_text(figure)}", f"{value:.4f}", "report people"))
    macs = f"{network.macs_m:.0f} M multiply-accumulates"
    cards.append(Card("size", f"{network.params_m:.2f} M parameters", macs))
    if delivered is not None:
        file, timing = delivered.model.file, delivered.timing
        note = f"{timing.mean_ms:.2f} ms on this machine" if timing else file.path.name
        cards.append(Card(file.path.name, f"{file.bytes / 1e6:.2f} MB", note))
    return cards


def _latency_card(facts: SearchFacts, column: CostColumn, ms: float | None) -> Card:
    bound = facts.bound(column.cost)
    budget = "no budget" if bound is None else f"budget {bound:.2f} ms"
    return Card(f"latency on {column.device}", f"{ms:.2f} ms", f"{budget}{mark(column.cost)}")


def _scatter(found: SearchOutcome) -> str:
    facts, entry = found.facts, found.facts.devices[0]
    cloud = list(zip(entry.latency.predict(facts.table.genotypes).tolist(), facts.targets.tolist(), strict=True))
    named = [(network.name, point) for network in found.comparison.networks if (point := _point(network))]
    series = [
        Series("measured subnets", cloud, "cloud"),
        Series(
            "published and extreme networks (predicted)", [p for _, p in named[1:]], "other", [n for n, _ in named[1:]]
        ),
        Series("found (predicted)", [named[0][1]], "found", [FOUND]),
    ]
    return chart(
        series, f"latency on {entry.device.name}, ms{mark(entry.latency)}", facts.metric, vertical_lines(facts)
    )


def _point(network: Compared) -> tuple[float, float] | None:
    """Latency on the first device and predicted accuracy, where both are known."""
    latency = network.costs[0]
    return None if latency is None or network.predicted is None else (latency, network.predicted)


def _quality_tables(page: Page, facts: SearchFacts) -> None:
    everywhere = facts.quality.everywhere
    names = [name for name, value in everywhere["predictor"].items() if not isinstance(value, dict)]
    sampled = " Pair accuracies are of a random sample of the pairs." if facts.quality.sampled else ""
    page.text(
        f"Held-out subnets of the table, {facts.quality.folds}-fold; macs_only and params_only rank by counting alone."
        f"{sampled}",
        "note",
    )
    page.table(["", *names], [[row, *[values.get(name) for name in names]] for row, values in everywhere.items()])
    if facts.quality.near_budget:
        page.text("The same on subnets within 5 % of the budget.", "note")
        near = facts.quality.near_budget
        page.table(["", *names], [[row, *[values.get(name) for name in names]] for row, values in near.items()])


def _measured_section(page: Page, found: SearchOutcome) -> None:
    if found.measured is None:
        page.text(
            "Nothing was measured: no photos were given (data=lfw data.root=... measures the found network).", "note"
        )
        return
    judgement = found.measured.judgement
    page.heading("Measured on report people")
    page.table(
        ["figure", "value", "95 % interval over people"],
        [[figure_text(name), value, judgement.interval(name) or None] for name, value in judgement.row().items()],
    )
    if judgement.caveat:
        page.text(f"Note: {judgement.caveat}.", "note")
    if found.measured.float32 is not None:
        _float_section(page, found.measured, found.measured.float32)
    if found.measured.beside:
        _beside_section(page, found.measured)


def _beside_section(page: Page, measured: Measured) -> None:
    """What the search has won, measured."""
    mine = (measured.float32 or measured.judgement).row()
    page.heading("What the search has won, measured")
    page.table(
        ["found less", "figure", "found", "the other", "difference, 95 % interval over people", ""],
        [
            [
                other.name,
                figure_text(name),
                mine[name],
                other.judgement.row()[name],
                ends_text(ends),
                told(ends),
            ]
            for other in measured.beside
            for name, ends in other.difference.items()
        ],
    )
    page.text("The same people and photos, both networks in float32, people drawn together for both.", "note")


def _use_section(page: Page, found: SearchOutcome) -> None:
    if found.delivered is None or found.delivered.description is None:
        return
    description = found.delivered.description
    page.heading("Using the model")
    page.table(["", "what the file says"], use_rows(description), words=True)
    if measured := thresholds(description):
        page.table(THRESHOLDS, threshold_cells(measured))


def _float_section(page: Page, measured: Measured, float32: Judgement) -> None:
    """What the integers of the file cost."""
    page.heading("The same network in float32")
    intervals = {name: ends_text(ends) for name, ends in measured.difference.items()}
    file = measured.judgement.row()
    page.table(
        ["figure", "float32", "file", "file - float32, 95 % interval over people"],
        [[figure_text(name), value, file[name], intervals.get(name)] for name, value in float32.row().items()],
    )


def _provenance(found: SearchOutcome) -> Mapping[str, object]:
    facts, delivered = found.facts, found.delivered
    table = f"{len(facts.table)} subnets, metric {facts.metric}, data {facts.table.shared['data'][:16]}"
    rows: dict[str, object] = {
        "genotype": facts.space.to_dict(facts.result.best),
        "supernet": f"{facts.supernet}, {facts.table.supernet[:16]}",
        "accuracy table": table,
        "batch normalisation calibrated on": None if delivered is None else delivered.calibration,
        "model sha256": None if delivered is None else delivered.model.file.sha256,
    }
    rows |= {f"bound on {c.label}": f"{c.cost.text(c.bound)} {c.basis}" for c in facts.constraints}
    parities = {} if delivered is None else delivered.model.parity
    if delivered is not None and not parities:
        rows["file"] = f"not checked: no runtime reads {delivered.model.file.path.suffix} files"
    return rows | {f"file on {name} inputs": check.text for name, check in parities.items()}
