"""Charts keep names readable."""

from __future__ import annotations

import re
from itertools import combinations

from nasface.reports.svg import Series, chart

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
