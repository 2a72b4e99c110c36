"""Where a network's time goes, layer by layer, beside the alternatives: a section of the page."""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from nasface.analysis import LayerTime, LayerTimes, stage_times
from nasface.reports.cells import mark
from nasface.reports.page import Page
from nasface.reports.svg import bars

WIDTH: Final = 640
LEFT: Final = 130
RIGHT: Final = 80
ROW: Final = 24
GENES: Final = 300
HUES: Final = 8
"""Stages beyond these share a colour with an earlier one."""


def write_layer_times(page: Page, devices: Sequence[LayerTimes]) -> None:
    """The section: per device the found network's layers, all networks' layers as strips, and stages as a table."""
    page.heading("Where the time goes")
    for times in devices:
        _device(page, times)


def _device(page: Page, times: LayerTimes) -> None:
    where = f"{times.device.device.name}{mark(times.device.latency)}"
    layers = [(layer.text, layer.ms) for layer in times.found]
    page.picture(bars(layers, "ms"), f"ms per layer of the found network on {where}")
    page.picture(
        strips(times.networks, times.bound),
        f"Every layer of every network on {where}, in order; one colour a stage, grey for the fixed parts; the line is "
        "the budget. Point at a layer to read it.",
    )
    stages = stage_times(times.networks)
    header = ["network", "before", *[f"stage {i}" for i, _ in enumerate(stages[0].stages, 1)], "after", "all"]
    rows = [[row.network, row.before, *row.stages, row.after, row.total] for row in stages]
    page.table(header, rows, highlight=0)
    page.text(f"ms per stage on {where}, beside the alternatives", "note")


def strips(networks: Mapping[str, Sequence[LayerTime]], limit: float | None) -> str:
    """One horizontal strip a network, one segment a layer, all on one scale; `limit` draws a vertical line."""
    totals = {name: sum(layer.ms for layer in layers) for name, layers in networks.items()}
    scale = (WIDTH - LEFT - RIGHT) / max(*totals.values(), limit or 0.0, 1e-9)
    height = ROW * len(networks) + 4
    body = []
    for row, (name, layers) in enumerate(networks.items()):
        y, x = ROW * row + 4, float(LEFT)
        body.append(f'<text class="bar" x="{LEFT - 8}" y="{y + 12}">{html.escape(name)}</text>')
        for layer in layers:
            body.append(_segment(layer, x, y, layer.ms * scale))
            x += layer.ms * scale
        body.append(f'<text x="{x + 5:.1f}" y="{y + 12}">{totals[name]:.2f} ms</text>')
    if limit is not None:
        at = LEFT + limit * scale
        body.append(f'<line class="limit" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{height}"/>')
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="ms by layer">{"".join(body)}</svg>'


def gene_blocks(layers: Sequence[LayerTime]) -> str:
    """The layers of one network as blocks in a cell, wide as they take time; one colour a stage."""
    scale = GENES / max(sum(layer.ms for layer in layers), 1e-9)
    starts = itertools.accumulate((layer.ms * scale for layer in layers), initial=0.0)
    body = (_segment(layer, x, 0, layer.ms * scale) for layer, x in zip(layers, starts, strict=False))
    return f'<svg class="genes" viewBox="0 0 {GENES} 16" role="img" aria-label="layers">{"".join(body)}</svg>'


def _segment(layer: LayerTime, x: float, y: int, width: float) -> str:
    css = "fixed" if layer.stage is None else f"stage{layer.stage % HUES}"
    title = html.escape(f"{layer.text}: {layer.ms:.3f} ms")
    return (
        f'<rect class="strip {css}" x="{x:.2f}" y="{y}" width="{max(width, 0.1):.2f}" height="16">'
        f"<title>{title}</title></rect>"
    )
