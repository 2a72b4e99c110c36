"""Rows over seeds become means; predictors are compared on the same splits only."""

from __future__ import annotations

import pytest

from nasface.analysis import PredictorComparison, Row, summarise
from nasface.analysis.predictor_trials import Difference, paired_differences
from nasface.analysis.summaries import numbers
from nasface.reports.curves import curve


def trial(predictor: str, size: int, seed: int, tau: float | None, region: str = "all") -> Row:
    return {"predictor": predictor, "size": size, "seed": seed, "region": region, "kendall_tau": tau}


ROWS = [
    *(trial("a", 50, seed, 0.2 + 0.1 * seed) for seed in range(3)),
    *(trial("a", 200, seed, 0.6 + 0.1 * seed) for seed in range(3)),
    *(trial("b", 200, seed, 0.7 + 0.1 * seed) for seed in (1, 2)),
    trial("b", 200, 9, 0.1),
    trial("c", 200, 0, 0.9, "near"),
]


def test_groups_keep_their_order_and_leave_out_what_has_no_value() -> None:
    first, second = summarise([{"k": "b", "v": 1}, {"k": "a", "v": None}, {"k": "b", "v": 3}], ["k"], ["v"])
    assert (first.at, first.mean) == ({"k": "b"}, {"v": 2.0})
    assert (second.at, second.mean) == ({"k": "a"}, {})
    assert numbers([{"v": 1}, {}, {"v": None}, {"v": 0}], "v") == [1.0, 0.0]


def test_a_curve_runs_along_the_abscissa() -> None:
    rows: list[Row] = [{"x": x, "y": y} for x, y in ((10, 1.0), (2, 3.0), (10, 2.0))]
    series = curve(summarise(rows, ["x"], ["y"]), "x", "y", "line")
    assert list(series.points) == [(2.0, 3.0), (10.0, 1.5)]
    assert series.errors[0] == 0.0, "one value has no interval"


def test_differences_are_of_common_splits() -> None:
    found = paired_differences(ROWS, "a", 200)
    assert set(found) == {("all", "b")}, "the baseline itself and a predictor without a common split have none"
    assert found["all", "b"].mean == pytest.approx(0.1), "seed 9 has no partner"
    assert found["all", "b"].sure
    assert not Difference(0.1, float("nan")).sure, "one split is never sure"


def test_the_best_at_the_largest_size_comes_first() -> None:
    comparison = PredictorComparison.of(ROWS, "a")
    assert comparison.sizes == (50, 200)
    assert [entry.at["predictor"] for entry in comparison.ranked("all")] == ["a", "b"]
    assert [entry.at["size"] for entry in comparison.by_size("a", "all")] == [50, 200]
    assert comparison.by_size("c", "all") == []
