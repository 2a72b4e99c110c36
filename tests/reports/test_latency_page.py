"""The page of a check says what its figures mean, and which networks are farthest off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.analysis import SearchFacts
from nasface.devices.check import MEDIAN, LatencyCheck
from nasface.reports.latency_page import verdict, write_latency_page

PREDICTED = np.linspace(5, 20, 30)


def check(factor: float, shuffled: bool = False) -> LatencyCheck:
    rng = np.random.default_rng(0)
    measured = PREDICTED * factor * rng.normal(1, 0.01, 30)
    return LatencyCheck.of(PREDICTED, rng.permutation(measured) if shuffled else measured, rng)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (check(1.0), ("to both sides", "in the right order")),
        (check(1.3), ("mostly too low", "in the right order")),
        (check(0.7), ("mostly too high", "in the right order")),
        (check(1.0, shuffled=True), ("in an order that is of no use",)),
    ],
)
def test_the_verdict_follows_the_figures(found: LatencyCheck, words: tuple[str, ...]) -> None:
    assert all(word in verdict(found) for word in words), verdict(found)


def test_the_worst_networks_and_the_warnings_stand_on_the_page(facts: SearchFacts, tmp_path: Path) -> None:
    measured = PREDICTED.copy()
    measured[7] *= 2
    found = LatencyCheck.of(PREDICTED, measured, np.random.default_rng(0))
    names = [f"network {i}" for i in range(30)]
    path = tmp_path / "report.html"
    write_latency_page(path, facts.devices[0], "a phone", {MEDIAN: found}, names, 0.1, ["The phone was busy."], "again")
    html = path.read_text()
    worst = html.split("farthest off")[1]
    assert worst.index("network 7<") < min(worst.index(name) for name in ("network 0<", "network 1<"))
    assert "-50.0%" in worst
    assert "Note: The phone was busy." in html
    assert "The margin: " in html
