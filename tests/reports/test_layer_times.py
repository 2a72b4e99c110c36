"""Where the time goes, as strips."""

from __future__ import annotations

import re

import pytest

from nasface.analysis import LayerTime
from nasface.reports.layer_section import strips

NETWORKS = {
    "found": [
        LayerTime("Conv → 8x8x4", None, 1.0),
        LayerTime("expanded_conv e8 → 4x4x8", 0, 2.0),
        LayerTime("Conv_2", None, 0.5),
    ],
    "<largest>": [LayerTime("Conv → 8x8x4", None, 1.0), LayerTime("expanded_conv e24 → 4x4x8", 0, 6.0)],
}


def test_strips_have_a_segment_a_layer_on_one_scale() -> None:
    picture = strips(NETWORKS, 5.0)
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', picture)]
    assert len(widths) == 5
    assert widths[4] == pytest.approx(3 * widths[1], abs=0.05)
    assert picture.count("strip fixed") == 3
    assert "expanded_conv e24 → 4x4x8: 6.000 ms" in picture
    assert ">3.50 ms<" in picture
    assert "&lt;largest&gt;" in picture
    assert 'class="limit"' in picture
    assert "limit" not in strips(NETWORKS, None)
