"""Small pictures as inline SVG: scatter, lines, bars. No dependency, readable in any browser, sharp in print."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 44
RADIUS = 5


@dataclass(frozen=True)
class Series:
    """Points of one kind.

    Attributes:
        label: For the legend.
        points: (x, y) pairs.
        style: CSS class: "cloud", "found", "other", "reference".
        names: Tooltip of every point; also written beside it unless `style` is "cloud".
        line: Whether points are joined.
        errors: Half the height of every point's interval; empty for none.
    """

    label: str
    points: Sequence[tuple[float, float]]
    style: str
    names: Sequence[str] = ()
    line: bool = False
    errors: Sequence[float] = ()


class Limit(NamedTuple):
    """A vertical line with a label."""

    value: float
    label: str

    @classmethod
    def budget(cls, bound: float | None) -> Limit | None:
        """The bound on a latency in ms, if there is one."""
        return None if bound is None else cls(bound, f"budget {bound:.2f} ms")


@dataclass(frozen=True)
class Axis:
    """A linear axis with round ticks."""

    label: str
    low: float
    high: float

    @classmethod
    def around(cls, label: str, values: Sequence[float]) -> Axis:
        """An axis that covers the values with a little room."""
        low, high = min(values), max(values)
        room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
        return cls(label, low - room, high + room)

    def ticks(self, most: int = 6) -> list[float]:
        """Round numbers inside the axis."""
        step = 10 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(f for f in (1, 2, 5, 10, 20) if (self.high - self.low) / (step * f) <= most)
        first = math.ceil(self.low / step)
        return [round(i * step, 10) for i in range(first, math.floor(self.high / step) + 1)]

    def place(self, value: float, start: float, end: float) -> float:
        """Pixel of a value."""
        return start + (value - self.low) / (self.high - self.low) * (end - start)


def chart(series: Sequence[Series], x_label: str, y_label: str, limit: Limit | None = None) -> str:
    """A scatter or line chart for a page; `limit` draws a vertical line (a budget)."""
    body = _plot(series, x_label, y_label, limit)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{body}</svg>{_legend(series)}'


def picture(series: Sequence[Series], x_label: str, y_label: str, limit: Limit | None = None) -> str:
    """The same as a file of its own: colours, background and legend inside."""
    lines = (resources.files("nasface.reports") / "page.css").read_text(encoding="utf-8").splitlines()
    style = "\n".join(line for line in lines if line.startswith((":root", "svg")))
    height = HEIGHT + 16 * len(series) + 6
    keys = [_key(entry, HEIGHT + 16 * i + 8) for i, entry in enumerate(series)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><style>{style}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{_plot(series, x_label, y_label, limit)}'
        f"{''.join(keys)}</svg>\n"
    )


def _plot(series: Sequence[Series], x_label: str, y_label: str, limit: Limit | None) -> str:
    points = [p for s in series for p in s.points]
    ends = [y + sign * e for s in series for (_, y), e in zip(s.points, s.errors, strict=False) for sign in (-1, 1)]
    xs = [x for x, _ in points] + ([limit.value] if limit else [])
    x, y = Axis.around(x_label, xs), Axis.around(y_label, [v for _, v in points] + ends)
    body = [_axes(x, y)]
    if limit:
        px = x.place(limit.value, LEFT, WIDTH - RIGHT)
        body.append(f'<line class="limit" x1="{px:.1f}" x2="{px:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        body.append(f'<text class="limit" x="{px + 4:.1f}" y="{TOP + 10}">{html.escape(limit.label)}</text>')
    labels = _Labels([point for s in series if s.style != "cloud" and not s.line for point in _pixels(s, x, y)])
    return "".join([*body, *(_series(s, x, y, labels) for s in series)])


def bars(rows: Sequence[tuple[str, float]], unit: str) -> str:
    """Horizontal bars with a label and a value each."""
    top = max((value for _, value in rows), default=1.0) or 1.0
    height = 18 * len(rows) + 6
    parts = []
    for i, (label, value) in enumerate(rows):
        y, width = 18 * i + 4, value / top * (WIDTH - 330)
        parts.append(f'<text class="bar" x="238" y="{y + 11}">{html.escape(label)}</text>')
        parts.append(f'<rect class="bar" x="246" y="{y}" width="{max(width, 0.5):.1f}" height="13"/>')
        parts.append(f'<text x="{250 + width:.1f}" y="{y + 11}">{value:.3f} {html.escape(unit)}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'


def _axes(x: Axis, y: Axis) -> str:
    parts = []
    for tick in x.ticks():
        px = x.place(tick, LEFT, WIDTH - RIGHT)
        parts.append(f'<line class="grid" x1="{px:.1f}" x2="{px:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text class="tick x" x="{px:.1f}" y="{HEIGHT - BOTTOM + 15}">{tick:g}</text>')
    for tick in y.ticks():
        py = y.place(tick, HEIGHT - BOTTOM, TOP)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py:.1f}" y2="{py:.1f}"/>')
        parts.append(f'<text class="tick y" x="{LEFT - 6}" y="{py + 4:.1f}">{tick:g}</text>')
    parts.append(f'<text class="label" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}">{html.escape(x.label)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="label" transform="rotate(-90 14 {middle})" x="14" y="{middle}">{html.escape(y.label)}</text>'
    )
    return "".join(parts)


class _Labels:
    """Names beside points, none over another name or point where there is room.

    Args:
        points: Pixels of all points that have names.
    """

    LETTER, LINE, AWAY = 6.6, 13.0, 8.0
    LINES = (0.0, 1.3, -1.0, 2.3, -2.0, -3.0, 3.3, -4.0)

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._taken = [(px - RADIUS, py - RADIUS, px + RADIUS, py + RADIUS) for px, py in points]

    def place(self, name: str, px: float, py: float) -> str:
        """The label of the point at a pixel."""
        wide = self.LETTER * len(name)
        sides = (-1, 1) if px > WIDTH * 0.72 else (1, -1)
        tried = [(side, self.LINE * lines) for lines in self.LINES for side in sides]
        boxes = [(self._box(px, py - 6 + down, side * wide), side, down) for side, down in tried]
        box, side, down = next((choice for choice in boxes if self._free(choice[0])), boxes[0])
        self._taken.append(box)
        anchor = ' text-anchor="end"' if side < 0 else ""
        x, y = px + side * self.AWAY, py - 6 + down
        return f'<text class="name" x="{x:.1f}" y="{y:.1f}"{anchor}>{html.escape(name)}</text>'

    def _box(self, px: float, baseline: float, wide: float) -> tuple[float, float, float, float]:
        start = px + math.copysign(self.AWAY, wide)
        return min(start, start + wide), baseline - self.LINE + 3, max(start, start + wide), baseline + 3

    def _free(self, box: tuple[float, float, float, float]) -> bool:
        left, top, right, bottom = box
        inside = left >= LEFT and right <= WIDTH and top >= 0 and bottom <= HEIGHT - BOTTOM
        return inside and not any(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom for other in self._taken
        )


def _pixels(series: Series, x: Axis, y: Axis) -> list[tuple[float, float]]:
    return [(x.place(a, LEFT, WIDTH - RIGHT), y.place(b, HEIGHT - BOTTOM, TOP)) for a, b in series.points]


def _series(series: Series, x: Axis, y: Axis, labels: _Labels) -> str:
    placed, parts = _pixels(series, x, y), []
    if series.line:
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in placed)
        return f'<polyline class="{series.style}" points="{path}"/>{_intervals(series, x, y)}'
    for i, (px, py) in enumerate(placed):
        name = series.names[i] if series.names else ""
        title = f"<title>{html.escape(name)}</title>" if name else ""
        radius = 2.2 if series.style == "cloud" else RADIUS
        parts.append(f'<circle class="{series.style}" cx="{px:.1f}" cy="{py:.1f}" r="{radius}">{title}</circle>')
        if name and series.style != "cloud":
            parts.append(labels.place(name, px, py))
    return "".join(parts)


def _intervals(series: Series, x: Axis, y: Axis) -> str:
    parts = []
    for (a, b), half in zip(series.points, series.errors, strict=False):
        px, low, high = x.place(a, LEFT, WIDTH - RIGHT), *(y.place(b + s * half, HEIGHT - BOTTOM, TOP) for s in (-1, 1))
        parts.append(f'<polyline class="{series.style}" points="{px:.1f},{low:.1f} {px:.1f},{high:.1f}"/>')
    return "".join(parts)


def _key(series: Series, y: int) -> str:
    """One line of a legend inside the picture."""
    mark = (
        f'<polyline class="{series.style}" points="{LEFT},{y} {LEFT + 18},{y}"/>'
        if series.line
        else f'<circle class="{series.style}" cx="{LEFT + 9}" cy="{y}" r="4"/>'
    )
    return f'{mark}<text x="{LEFT + 26}" y="{y + 4}">{html.escape(series.label)}</text>'


def _legend(series: Sequence[Series]) -> str:
    items = [f'<span><i class="{s.style}"></i>{html.escape(s.label)}</span>' for s in series]
    return f'<p class="legend">{"".join(items)}</p>'
