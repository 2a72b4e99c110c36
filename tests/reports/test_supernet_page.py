"""The page of a supernet: the last step on top, curves only where there is a training."""

from __future__ import annotations

import re
from pathlib import Path

from nasface.analysis import Row
from nasface.reports.supernet_page import write_supernet_page


def row(network: str, auc: float, step: int | None = None, hours: float | None = None) -> Row:
    own: Row = {"network": network, "weights": "average", "auc": auc, "tar@0.01": 0.5, "tar@0.001": 0.25}
    return own if step is None else own | {"step": step, "cpu_hours": hours}


def test_one_state_needs_no_curve(tmp_path: Path) -> None:
    files = write_supernet_page(tmp_path, "lfw", [row("smallest", 0.9), row("largest", 0.95)], "nasface")
    assert [file.name for file in files] == ["report.html"]
    html = files[0].read_text()
    assert "0.9000" in html
    assert "0.9500" in html
    assert "Over the training" not in html


def test_a_training_has_a_point_for_every_step_and_its_last_figures_on_top(tmp_path: Path) -> None:
    rows = [row("smallest", 0.80, 100, 0.5), row("largest", 0.82, 100, 0.5), row("smallest", 0.90, 200, 1.0)]
    rows.append(row("largest", 0.93, 200, 1.0))
    files = write_supernet_page(tmp_path, "lfw", rows, "nasface")
    assert [file.name for file in files] == ["auc.svg", "tar.svg", "report.html"]
    cards = files[-1].read_text().split("Over the training")[0]
    assert "0.9300" in cards
    assert "0.8200" not in cards, "of the step before"
    assert "TAR at FAR 0.1 %" in files[1].read_text(), "at the lowest false accept rate"
    lines = re.findall(r'<polyline class="line\d" points="([^"]+)"', files[0].read_text())
    assert [len(points.split()) for points in lines[:2]] == [2, 2], "a line a network, a point a step"
