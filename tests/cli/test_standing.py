"""Where the found network stands: the front is exact, what is given up is counted from it, neighbours are near."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ._command import Command


def standing(done: Any) -> dict[str, Any]:
    assert done.code == 0, done.err
    found: dict[str, Any] = done.result["decision"]["standing"]
    return found


def test_the_exact_optimum_misses_nothing(cli: Command, make_table: Callable[..., Path]) -> None:
    given = ("exporter=none", f"accuracy.table={make_table()}", "predictor=ridge")
    exact = cli(*given, "search=exact")
    found = standing(exact)
    assert found["given_up"]["by"] == "ridge"
    assert found["given_up"]["to_optimum_at_budget"] == pytest.approx(0.0, abs=1e-9)
    assert found["given_up"]["to_unconstrained"] > 0
    weak = standing(cli(*given, "search=random", "search.samples=5"))
    assert weak["given_up"]["to_optimum_at_budget"] > 0
    page = (exact.folder / "report.html").read_text(encoding="utf-8")
    for heading in ("What is reachable at every budget", "How sure the choice is", "The nearest measured networks"):
        assert heading in page
    assert "cannot be told apart" in exact.out
    expected, predicted = found["expected"], exact.result["decision"]["summary"]["predicted"]
    assert expected["low"] < predicted < expected["high"]
    assert 0.8 < expected["held_out_within"] < 1
    half = predicted - expected["low"]
    assert f"confidence (estimated, 95 %): auc {predicted:.4f} ± {half:.4f}; it" in exact.out
    assert f"is expected to be {predicted:.4f} ± {half:.4f} (estimated, 95%)" in page


def test_without_a_budget_nothing_is_given_up(cli: Command, make_table: Callable[..., Path]) -> None:
    free = "constraints.default_latency_ratio=null"
    given = ("exporter=none", f"accuracy.table={make_table()}", "predictor=ridge", "search=exact", free)
    found = standing(cli(*given))
    assert found["given_up"]["to_unconstrained"] == pytest.approx(0.0, abs=1e-9)
    assert found["given_up"]["to_optimum_at_budget"] is None


def test_neighbours_and_rivals(cli: Command, make_table: Callable[..., Path]) -> None:
    small = ("predictor.n_pairs=200", "predictor.trees=10", "search.generations=2", "search.population=8")
    given = ("exporter=none", f"accuracy.table={make_table()}", "predictor=lightgbm_nac")
    found = standing(cli(*given, *small))
    apart = [row["genes_apart"] for row in found["nearest"]]
    assert apart == sorted(apart)
    assert len(apart) == 5
    assert {"smallest", "largest", "finalist 2"} <= {rival["network"] for rival in found["rivals"]}
    for rival in found["rivals"]:
        assert 0 <= rival["found_better"] <= 1
        assert rival["apart"] == (max(rival["found_better"], 1 - rival["found_better"]) >= 0.95)
