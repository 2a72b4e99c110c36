"""Small pictures as inline SVG: scatter, lines, bars. No dependency, readable in any browser, sharp in print."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, NamedTuple

LEFT, RIGHT, TOP, BOTTOM = 62, 16, 14, 44
RADIUS = 5
LETTER, LINE = 6.8, 13.0
"""Width of a letter and height of a line, about."""

LINES: Final = {"smallest": "line1", "middle": "line2", "largest": "line3", "found": "found"}
"""The colour of a network's line, the same on all pages."""


class Frame(NamedTuple):
    """The size of a picture; text in it has the size that it has at this width."""

    width: int
    height: int

    def x(self, axis: Axis, value: float) -> float:
        """Pixel of a value from the left."""
        return axis.place(value, LEFT, self.width - RIGHT)

    def y(self, axis: Axis, value: float) -> float:
        """Pixel of a value from the top."""
        return axis.place(value, self.height - BOTTOM, TOP)


WIDE: Final = Frame(640, 320)
SQUARE: Final = Frame(440, 420)
"""Of pictures whose axes are alike."""

WIDTH: Final = WIDE.width


@dataclass(frozen=True)
class Series:
    """Points of one kind.

    Attributes:
        label: For the legend; empty for none.
        points: (x, y) pairs.
        style: CSS class: "cloud", "found", "other", "reference", "line0" to "line7".
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
    """A vertical line with a label: a bound ("limit"), or the cost of something whose accuracy is unknown ("known")."""

    value: float
    label: str
    style: str = "limit"

    @classmethod
    def budget(cls, bound: float | None) -> tuple[Limit, ...]:
        """The bound on a latency in ms, if there is one."""
        return () if bound is None else (cls(bound, f"budget {bound:.2f} ms"),)


@dataclass(frozen=True)
class Axis:
    """An axis with round ticks, linear or logarithmic."""

    label: str
    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, label: str, values: Sequence[float], *, log: bool = False) -> Axis:
        """An axis that covers the values (positive ones, if it is logarithmic) with a little room."""
        scaled = [math.log10(value) for value in values] if log else values
        low, high = min(scaled), max(scaled)
        room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
        low, high = low - room, high + room
        return cls(label, 10**low, 10**high, log=True) if log else cls(label, low, high)

    def ticks(self, most: int = 6) -> list[float]:
        """Round numbers inside the axis."""
        if self.log:
            return self._decades()
        step = 10 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(f for f in (1, 2, 5, 10, 20) if (self.high - self.low) / (step * f) <= most)
        first = math.ceil(self.low / step)
        return [round(i * step, 10) for i in range(first, math.floor(self.high / step) + 1)]

    def _decades(self) -> list[float]:
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        parts = (1, 2, 5) if len(exponents) < 4 else (1,)
        values = (part * 10.0**exponent for exponent in exponents for part in parts)
        return [value for value in values if self.low <= value <= self.high]

    def place(self, value: float, start: float, end: float) -> float:
        """Pixel of a value."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        return start + (at - low) / (high - low) * (end - start)


def chart(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    limits: Sequence[Limit] = (),
    *,
    log: bool = False,
    square: bool = False,
    y_to: float | None = None,
) -> str:
    """A scatter or line chart for a page.

    Args:
        series: What is drawn.
        x_label: Of the axis.
        y_label: Of the axis.
        limits: Vertical lines.
        log: Whether the axis of x is logarithmic; with `square` both are.
        square: Whether both axes have the same range and length.
        y_to: A value that the axis of y reaches.
    """
    frame = SQUARE if square else WIDE
    body = _plot(frame, *_scales(series, x_label, y_label, limits, _Look(log, square, y_to)), series, limits)
    name = html.escape(f"{y_label} over {x_label}")
    css = "square" if square else "wide"
    opening = f'<svg class="{css}" viewBox="0 0 {frame.width} {frame.height}" role="img" aria-label="{name}">'
    return f"{opening}{body}</svg>{_legend(series)}"


def picture(
    series: Sequence[Series], x_label: str, y_label: str, limits: Sequence[Limit] = (), *, y_to: float | None = None
) -> str:
    """The same as a file of its own: colours, background and legend inside."""
    lines = (resources.files("nasface.reports") / "page.css").read_text(encoding="utf-8").splitlines()
    style = "\n".join(line for line in lines if line.startswith((":root", "svg")))
    shown = [entry for entry in series if entry.label]
    width, height = WIDE.width, WIDE.height + 16 * len(shown) + 6
    keys = [_key(entry, WIDE.height + 16 * i + 8) for i, entry in enumerate(shown)]
    body = _plot(WIDE, *_scales(series, x_label, y_label, limits, _Look(y_to=y_to)), series, limits)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"><style>{style}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{body}{"".join(keys)}</svg>\n'
    )


def inside_page(svg: str) -> str:
    """A `picture` as a part of a page, which brings its own colours and background."""
    return re.sub(r"<style>.*?</style><rect [^>]*/>", "", svg, count=1, flags=re.DOTALL)


def line_style(name: str, number: int) -> str:
    """The colour of a line: a network's own, else by number."""
    return LINES.get(name, f"line{(number + len(LINES)) % 8}")


class _Look(NamedTuple):
    """See `chart`."""

    log: bool = False
    square: bool = False
    y_to: float | None = None


def _scales(
    series: Sequence[Series], x_label: str, y_label: str, limits: Sequence[Limit], look: _Look
) -> tuple[Axis, Axis]:
    points = [p for s in series for p in s.points]
    ends = [y + sign * e for s in series for (_, y), e in zip(s.points, s.errors, strict=False) for sign in (-1, 1)]
    xs = [x for x, _ in points] + [limit.value for limit in limits]
    ys = [y for _, y in points] + ends + ([] if look.y_to is None else [look.y_to])
    if look.square:
        return Axis.around(x_label, xs + ys, log=look.log), Axis.around(y_label, xs + ys, log=look.log)
    return Axis.around(x_label, xs, log=look.log), Axis.around(y_label, ys)


def _plot(frame: Frame, x: Axis, y: Axis, series: Sequence[Series], limits: Sequence[Limit]) -> str:
    body = [_axes(frame, x, y)]
    dots = [point for s in series if s.style != "cloud" and not s.line for point in _pixels(frame, s, x, y)]
    labels = _Labels(frame, dots)
    for i, limit in enumerate(limits):
        px, top = frame.x(x, limit.value), TOP + 10 + LINE * i
        line = f'x1="{px:.1f}" x2="{px:.1f}" y1="{TOP}" y2="{frame.height - BOTTOM}"'
        body.append(f'<line class="{limit.style}" {line}/>')
        body.append(labels.beside_line(limit, px, top))
    return "".join([*body, *(_series(frame, s, x, y, labels) for s in series)])


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
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(unit)}">{"".join(parts)}</svg>'


def _axes(frame: Frame, x: Axis, y: Axis) -> str:
    parts, right, bottom = [], frame.width - RIGHT, frame.height - BOTTOM
    for tick in x.ticks():
        px = frame.x(x, tick)
        parts.append(f'<line class="grid" x1="{px:.1f}" x2="{px:.1f}" y1="{TOP}" y2="{bottom}"/>')
        parts.append(f'<text class="tick x" x="{px:.1f}" y="{bottom + 15}">{tick:g}</text>')
    for tick in y.ticks():
        py = frame.y(y, tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{py:.1f}" y2="{py:.1f}"/>')
        parts.append(f'<text class="tick y" x="{LEFT - 6}" y="{py + 4:.1f}">{tick:g}</text>')
    parts.append(f'<text class="label" x="{(LEFT + right) / 2}" y="{frame.height - 8}">{html.escape(x.label)}</text>')
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text class="label" transform="rotate(-90 14 {middle})" x="14" y="{middle}">{html.escape(y.label)}</text>'
    )
    return "".join(parts)


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: _Box) -> float:
        """The area that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(wide, 0.0) * max(high, 0.0)


class _Labels:
    """Names beside points, none over another name or point where there is room; a line leads to one that is far.

    Args:
        frame: The picture's.
        points: Pixels of all points that have names.
    """

    AWAY = (8.0, 26.0, 52.0)
    LINES = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 5.0, -5.0)

    def __init__(self, frame: Frame, points: Sequence[tuple[float, float]]) -> None:
        self._frame = frame
        self._taken = [_Box(px - RADIUS, py - RADIUS, px + RADIUS, py + RADIUS) for px, py in points]

    def place(self, name: str, px: float, py: float) -> str:
        """The label of the point at a pixel."""
        wide = LETTER * len(name)
        sides = (-1, 1) if px > self._frame.width * 0.72 else (1, -1)
        tried = [(away * side, LINE * lines) for away in self.AWAY for lines in self.LINES for side in sides]
        boxes = [(self._box(px + along, py + 4 + down, along, wide), along, down) for along, down in tried]
        box, along, down = min(boxes, key=lambda choice: self._cost(choice[0]))  # the first of the least
        self._taken.append(box)
        x, y, side = px + along, py + 4 + down, math.copysign(1.0, along)
        far = down or abs(along) > self.AWAY[0]
        leader = f'<line class="leader" x1="{px:.1f}" y1="{py:.1f}" x2="{x - 2 * side:.1f}" y2="{y - 4:.1f}"/>'
        return f"{leader if far else ''}{_name(name, x, y, side < 0)}"

    def beside_line(self, limit: Limit, px: float, y: float) -> str:
        """The label of a vertical line, on the side where there is room."""
        wide = LETTER * len(limit.label)
        left = px + 4 + wide > self._frame.width
        x = px - 4 if left else px + 4
        self._taken.append(self._box(x, y, -1.0 if left else 1.0, wide))
        return _name(limit.label, x, y, left, limit.style)

    def _box(self, x: float, baseline: float, side: float, wide: float) -> _Box:
        end = x + math.copysign(wide, side)
        return _Box(min(x, end), baseline - LINE + 3, max(x, end), baseline + 3)

    def _cost(self, box: _Box) -> float:
        inside = _Box(LEFT, 0, self._frame.width, self._frame.height - BOTTOM)
        size = (box.right - box.left) * (box.bottom - box.top)
        outside = size - box.overlap(inside)
        return 10 * outside + sum(box.overlap(other) for other in self._taken)


def _name(text: str, x: float, y: float, ends_there: bool, style: str = "name") -> str:
    anchor = ' text-anchor="end"' if ends_there else ""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}"{anchor}>{html.escape(text)}</text>'


def _pixels(frame: Frame, series: Series, x: Axis, y: Axis) -> list[tuple[float, float]]:
    return [(frame.x(x, a), frame.y(y, b)) for a, b in series.points]


def _series(frame: Frame, series: Series, x: Axis, y: Axis, labels: _Labels) -> str:
    placed, parts = _pixels(frame, series, x, y), []
    if series.line:
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in placed)
        return f'<polyline class="{series.style}" points="{path}"/>{_intervals(frame, series, x, y)}'
    for i, (px, py) in enumerate(placed):
        name = series.names[i] if series.names else ""
        title = f"<title>{html.escape(name)}</title>" if name else ""
        radius = 2.2 if series.style == "cloud" else RADIUS
        parts.append(f'<circle class="{series.style}" cx="{px:.1f}" cy="{py:.1f}" r="{radius}">{title}</circle>')
        if name and series.style != "cloud":
            parts.append(labels.place(name, px, py))
    return "".join(parts)


def _intervals(frame: Frame, series: Series, x: Axis, y: Axis) -> str:
    parts = []
    for (a, b), half in zip(series.points, series.errors, strict=False):
        px, low, high = frame.x(x, a), *(frame.y(y, b + s * half) for s in (-1, 1))
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
    items = [f'<span><i class="{s.style}"></i>{html.escape(s.label)}</span>' for s in series if s.label]
    return f'<p class="legend">{"".join(items)}</p>'
