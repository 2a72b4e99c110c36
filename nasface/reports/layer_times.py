"""Where a network's time goes, layer by layer, beside the alternatives."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from nasface.composition import DeviceCosts
from nasface.costs import LayerCost
from nasface.netspec import Layer, shape_text
from nasface.reports.comparison import SearchFacts, mark, named_networks
from nasface.reports.page import Page
from nasface.reports.svg import bars

WIDTH: Final = 640
LEFT: Final = 130
RIGHT: Final = 80
ROW: Final = 24
HUES: Final = 8
"""Stages beyond these share a colour with an earlier one."""


class Part(NamedTuple):
    """A layer of one network: its description, its stage from 0 (None for a fixed part), its milliseconds."""

    text: str
    stage: int | None
    ms: float


def layer_times(page: Page, facts: SearchFacts) -> None:
    """The section: per device the found network's layers, all networks' layers as strips, and stages as a table."""
    page.heading("Where the time goes")
    for entry in facts.devices:
        if isinstance(entry.latency, LayerCost):
            _device(page, facts, entry, entry.latency)


def _device(page: Page, facts: SearchFacts, entry: DeviceCosts, latency: LayerCost) -> None:
    networks = _parts(facts, latency)
    found = next(iter(networks.values()))
    bound = next((c.bound for c in facts.constraints if c.cost is latency), None)
    where = f"{entry.device.name}{mark(entry)}"
    page.picture(bars([(part.text, part.ms) for part in found], "ms"), f"ms per layer of the found network on {where}")
    page.picture(
        strips(networks, bound),
        f"Every layer of every network on {where}, in order; one colour a stage, grey for the fixed parts; the line is "
        "the budget. Point at a layer to read it.",
    )
    page.table(*_stage_times(networks), highlight=0)
    page.text(f"ms per stage on {where}, beside the alternatives", "note")


def _parts(facts: SearchFacts, latency: LayerCost) -> dict[str, list[Part]]:
    """The layers of the networks of the comparison."""
    named = named_networks(facts)
    layers = facts.space.layers()
    rows = facts.space.layer_indices(np.stack(list(named.values())))
    return {
        name: [Part(_text(layers[i]), layers[i].stage, float(latency.values[i])) for i in row if i >= 0]
        for name, row in zip(named, rows, strict=True)
    }


def _text(layer: Layer) -> str:
    words = "".join(f" {short}{value}" for short, value in (("e", layer.expand), ("k", layer.kernel)) if value)
    return f"{layer.kind}{words} → {shape_text(layer.output_shape)}"


def strips(networks: Mapping[str, Sequence[Part]], limit: float | None) -> str:
    """One horizontal strip a network, one segment a layer, all on one scale; `limit` draws a vertical line."""
    totals = {name: sum(part.ms for part in parts) for name, parts in networks.items()}
    scale = (WIDTH - LEFT - RIGHT) / max(*totals.values(), limit or 0.0, 1e-9)
    height = ROW * len(networks) + 4
    body = []
    for row, (name, parts) in enumerate(networks.items()):
        y, x = ROW * row + 4, float(LEFT)
        body.append(f'<text class="bar" x="{LEFT - 8}" y="{y + 12}">{html.escape(name)}</text>')
        for part in parts:
            body.append(_segment(part, x, y, part.ms * scale))
            x += part.ms * scale
        body.append(f'<text x="{x + 5:.1f}" y="{y + 12}">{totals[name]:.2f} ms</text>')
    if limit is not None:
        at = LEFT + limit * scale
        body.append(f'<line class="limit" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{height}"/>')
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(body)}</svg>'


def _segment(part: Part, x: float, y: int, width: float) -> str:
    css = "fixed" if part.stage is None else f"stage{part.stage % HUES}"
    title = html.escape(f"{part.text}: {part.ms:.3f} ms")
    return (
        f'<rect class="strip {css}" x="{x:.2f}" y="{y}" width="{max(width, 0.1):.2f}" height="16">'
        f"<title>{title}</title></rect>"
    )


def _stage_times(networks: Mapping[str, Sequence[Part]]) -> tuple[list[str], list[list[Any]]]:
    """Header and rows: milliseconds of every network by stage of the space; fixed layers before and after apart."""
    stages = sorted({part.stage for parts in networks.values() for part in parts if part.stage is not None})
    header = ["network", "before", *[f"stage {stage + 1}" for stage in stages], "after", "all"]
    return header, [[name, *_sums(parts, stages)] for name, parts in networks.items()]


def _sums(parts: Sequence[Part], stages: Sequence[int]) -> list[float]:
    first = next((i for i, part in enumerate(parts) if part.stage is not None), len(parts))
    before = sum(part.ms for part in parts[:first])
    after = sum(part.ms for part in parts[first:] if part.stage is None)
    inside = [sum(part.ms for part in parts if part.stage == stage) for stage in stages]
    return [before, *inside, after, sum(part.ms for part in parts)]
