"""The page of a search: what stands in it is what was found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from nasface.analysis import SearchFacts, SearchOutcome, Seconds, compare, standing
from nasface.reports.search_page import write_page


@pytest.fixture(scope="module")
def outcome(facts: SearchFacts) -> SearchOutcome:
    return SearchOutcome(facts, compare(facts), standing(facts), (), None, Seconds(1.0, 2.0))


def test_figures_stand_in_the_page(outcome: SearchOutcome, tmp_path: Path) -> None:
    write_page(tmp_path / "report.html", outcome)
    html = (tmp_path / "report.html").read_text()
    found, (first, second) = outcome.comparison.found, outcome.facts.devices
    assert found.predicted is not None
    assert f"{found.predicted:.4f}" in html
    for entry in (first, second):
        latency = float(entry.latency.predict(outcome.facts.result.best[None])[0])
        assert f"{latency:.2f} ms" in html, entry.device.name
    assert f"budget {outcome.facts.bound(first.latency):.2f} ms" in html
    assert "estimated by ridge" in html
    assert "Note: a note" in html
    assert "Nothing was measured" in html, "no photos were given, and the page says so"
    assert html.count("<circle") > len(outcome.facts.table), "a dot for every measured subnet, and the named networks"


def test_what_users_write_stays_text(outcome: SearchOutcome, tmp_path: Path) -> None:
    facts = dataclasses.replace(outcome.facts, supernet="<script>alert(1)</script>", notes=("a < b & c",))
    write_page(tmp_path / "report.html", dataclasses.replace(outcome, facts=facts))
    html = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in html
    assert "a &lt; b &amp; c" in html


def test_a_worse_network_is_not_shown_as_the_found_one(outcome: SearchOutcome, tmp_path: Path) -> None:
    facts = outcome.facts
    smallest = facts.space.canonical(np.array(facts.table.genotypes[:1]))
    worse = dataclasses.replace(facts, result=dataclasses.replace(facts.result, best=smallest[0]))
    other = dataclasses.replace(outcome, facts=worse, comparison=compare(worse), standing=standing(worse))
    pages = []
    for each in (outcome, other):
        write_page(tmp_path / "report.html", each)
        pages.append((tmp_path / "report.html").read_text())
    cards = [page.split("How it compares")[0] for page in pages]
    found, replaced = (f"{each.comparison.found.predicted:.4f}" for each in (outcome, other))
    assert found != replaced
    assert found in cards[0]
    assert replaced in cards[1]
    assert found not in cards[1]
