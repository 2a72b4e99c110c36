"""Charts keep names readable."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import pytest

from nasface.reports.svg import Axis, Limit, Series, chart

NAME = re.compile(r'<text class="name" x="([\d.]+)" y="([\d.]+)"( text-anchor="end")?>([^<]*)</text>')


def test_names_of_crowded_points_do_not_lie_over_one_another() -> None:
    crowd = [(5.54, 0.9342), (5.63, 0.9343), (5.80, 0.9347), (7.71, 0.9340), (8.28, 0.9340)]
    names = ["smallest", "Subnet 2, 765", "Subnet 2, 865", "Subnet 1, 865", "Subnet 1, 765"]
    wide = [Series("all", [(20.0, 0.95)], "cloud"), Series("named", crowd, "other", names)]
    found = NAME.findall(chart(wide, "ms", "auc"))
    assert [name for *_, name in found] == names
    boxes = []
    for x, y, end, name in found:
        left = float(x) - (6 * len(name) if end else 0)
        boxes.append((left, float(y) - 9, left + 6 * len(name), float(y)))
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def test_a_name_that_stands_away_from_its_point_is_led_to() -> None:
    crowd = [(1.0 + i / 50, 1.0) for i in range(6)]
    html = chart([Series("named", crowd, "other", [f"network {i}" for i in range(6)])], "ms", "auc")
    away = re.findall(r'<line class="leader" x1="([\d.]+)" y1="([\d.]+)"', html)
    dots = re.findall(r'<circle class="other" cx="([\d.]+)" cy="([\d.]+)"', html)
    assert away
    assert set(away) <= set(dots)


def test_what_has_no_accuracy_is_a_line() -> None:
    html = chart([Series("a", [(1, 2), (2, 3)], "other")], "x", "y", [Limit(5, "EfficientNet-B0", "known")])
    assert html.count("<circle") == 2
    assert re.search(r'<line class="known" x1="([\d.]+)" x2="\1"', html)


def test_axes_of_rates_have_a_tick_for_every_decade() -> None:
    axis = Axis.around("far", [1e-4, 1.0], log=True)
    assert axis.ticks() == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    places = [axis.place(tick, 0, 100) for tick in axis.ticks()]
    assert [b - a for a, b in pairwise(places)] == pytest.approx([places[1] - places[0]] * 4)


def test_square_axes_are_alike() -> None:
    html = chart([Series("a", [(1, 2), (4, 3)], "other")], "x", "y", square=True)
    across, down = (re.findall(rf'<text class="tick {axis}"[^>]*>([^<]+)<', html) for axis in "xy")
    assert across == down
