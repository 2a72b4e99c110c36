"""The last lines on the terminal after a search: what was found, where it lies, how it compares."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from nasface.analysis import Beside, Delivered, SearchFacts, SearchOutcome, Standing
from nasface.jobs import Run
from nasface.predictors.quality import PREDICTOR, Metrics
from nasface.reports.cells import (
    bound_text,
    cell_text,
    comparison_cells,
    comparison_header,
    difference_text,
    ends_text,
    figure_text,
)
from nasface.reports.use_of_model import threshold_lines, thresholds, use_rows


def print_summary(run: Run, found: SearchOutcome) -> None:
    """The last lines on the terminal."""
    facts, delivered = found.facts, found.delivered
    run.console.print(_table(found))
    lines: list[str | Text] = [f"bound: {bound_text(constraint)}" for constraint in facts.constraints]
    lines += [Text.assemble(("note:", "yellow"), " ", note) for note in facts.notes]
    lines += [_quality_line(facts), _confidence_line(facts, found.standing), _search_line(found)]
    if delivered is not None:
        lines += [*_measured_lines(delivered), _model_line(run, delivered), *_use_lines(delivered)]
    lines.append(f"report: {run.shown(run.folder / 'report.html')}")
    for line in lines:
        run.console.print(line, soft_wrap=True)


def _table(found: SearchOutcome) -> Table:
    facts = found.facts
    title = f"{facts.supernet} at {facts.space.resolution} x {facts.space.resolution}"
    table = Table(*comparison_header(found.comparison, facts.metric), title=title)
    for i, row in enumerate(comparison_cells(found.comparison)):
        table.add_row(*map(cell_text, row), style=None if i else "bold")
    return table


def _quality_line(facts: SearchFacts) -> str:
    """E.g. "ridge, learned from 1,508 subnets, ranks 93 % of unseen pairs right (counting MACs 74 %); ..."."""
    everywhere, near = facts.quality.everywhere, facts.quality.near_budget
    text = f"{facts.predictor}, learned from {len(facts.table):,} measured subnets, ranks {_right(everywhere)}"
    return text + (f"; beside the budget {_right(near)}" if near else "")


def _right(metrics: Mapping[str, Metrics]) -> str:
    """The share of pairs that a predictor has not seen and ranks right, and that of counting."""
    shares = {name: row["pair_accuracy"] for name, row in metrics.items() if row["pair_accuracy"] is not None}
    counted = f" (counting MACs {shares['macs_only']:.0%})" if "macs_only" in shares else ""
    known = f"{shares[PREDICTOR]:.0%} of unseen pairs right" if PREDICTOR in shares else "too few pairs to say"
    return (known + counted).replace("%", " %")


def _confidence_line(facts: SearchFacts, place: Standing) -> str:
    """E.g. "auc 0.9432 ± 0.0010; it cannot be told apart from 9 other finalists, «largest», «Subnet 1, 865»"."""
    expected = f"{facts.metric} {place.expected.value:.4f} ± {place.expected.half:.4f}"
    finalists = sum(rival.rank is not None for rival in place.inseparable)
    names = [f"{finalists} other finalists"] * (finalists > 0)
    names += [f"«{rival.label}»" for rival in place.inseparable if rival.rank is None]
    text = f"it cannot be told apart from {', '.join(names)}" if names else "it stands apart from all compared networks"
    reach = place.reach
    cost = f"; the budget costs {reach.given_up:.4f} {facts.metric} by {reach.opinion}" if reach else ""
    return f"confidence (estimated, 95 %): {expected}; {text}{cost}"


def _search_line(found: SearchOutcome) -> str:
    counters = found.facts.result.counters
    compared = f", {counters['pairs']:,} comparisons" if counters["pairs"] else ""
    return (
        f"search: {found.seconds.search:.1f} s, {counters.get('generations', 1)} generations, "
        f"{counters['distinct']:,} distinct networks{compared}"
    )


def _measured_lines(delivered: Delivered) -> list[Text]:
    if delivered.measured is None:
        return []
    text = ", ".join(f"{figure_text(name)} {value:.4f}" for name, value in delivered.measured.judgement.row().items())
    label = f" on report people ({delivered.calibration} for calibration): {text}"
    lines = [Text.assemble(("measured", "bold"), label)]
    if caveat := delivered.measured.judgement.caveat:
        lines.append(Text(f"note: {caveat}"))
    if (float32 := delivered.measured.float32) is not None:
        auc = delivered.measured.difference.get("auc")
        interval = f"; AUC of the file less that: {ends_text(auc)}" if auc else ""
        figures = ", ".join(f"{figure_text(name)} {value:.4f}" for name, value in float32.row().items())
        lines.append(Text(f"in float32: {figures}{interval}"))
    lines += [Text(text) for other in delivered.measured.beside if (text := _won_text(other))]
    return lines


def _won_text(other: Beside) -> str:
    """The found network less another, by the first figure that has an interval."""
    if not other.difference:
        return ""
    name, ends = next(iter(other.difference.items()))
    return f"measured, found less {other.name}: {figure_text(name)} {difference_text(ends)}"


def _model_line(run: Run, delivered: Delivered) -> Text:
    file, timing = delivered.model.file, delivered.timing
    checks = list(delivered.model.parity.values())
    text = f" ({file.bytes / 1e6:.2f} MB"
    text += f", {checks[-1].text}" if checks else f", not checked: no runtime reads {file.path.suffix} files"
    if timing is not None:
        text += f", {timing.mean_ms:.2f} ± {timing.std_ms:.2f} ms here"
        text += f", {timing.runs} runs, {timing.threads} thread(s)"
    return Text.assemble((f"model: {run.shown(run.folder / file.path.name)}", "bold"), f"{text})")


def _use_lines(delivered: Delivered) -> list[str]:
    """What an app needs: what to do with a photo, and from which distance on two photos show two people."""
    if delivered.description is None:
        return []
    needed = {name: f"{name}: {text}" for name, text in use_rows(delivered.description)}
    said = [needed[name] for name in ("preprocessing", "thresholds") if name in needed]
    return said + threshold_lines(thresholds(delivered.description))
