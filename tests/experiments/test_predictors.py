"""Trials of predictors: paired splits, floors beside them, and the page and tables made from them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

import nasface
from nasface.analysis import PredictorComparison, Row
from nasface.errors import InvalidInput
from nasface.experiments.predictors import (
    FLOORS,
    PredictorTrial,
    PredictorTrials,
    TrialDesign,
    fitting_sizes,
    near_budgets,
    within_budgets,
)
from nasface.reports.predictor_table import comparison_markdown, print_comparison, verdict


@pytest.fixture(scope="module")
def trials() -> PredictorTrials:
    bench = nasface.open_workbench()
    regions = within_budgets(bench, [0.8])
    return PredictorTrials(bench, TrialDesign({"ridge": {"name": "ridge"}}, [50, 200], 2, 0.2, regions, "macs_only"))


@pytest.fixture(scope="module")
def rows(trials: PredictorTrials) -> list[Row]:
    return [{**cell.to_row(), **row} for cell in trials.cells() for row in trials.measure(cell)]


def test_every_predictor_and_floor_is_tried_at_every_size_on_every_split(trials: PredictorTrials) -> None:
    cells = trials.cells()
    assert len(cells) == len(set(cells)) == 2 * 2 * (1 + len(FLOORS))
    assert trials.keys == ("predictor", "size", "seed")


def test_a_cell_depends_on_itself_alone(trials: PredictorTrials) -> None:
    first, second = (trials.measure(PredictorTrial("macs_only", 50, 1)) for _ in range(2))
    assert first == second
    assert first == trials.measure(PredictorTrial("macs_only", 200, 1)), (
        "a floor learns nothing: the split is the seed's"
    )
    assert first != trials.measure(PredictorTrial("macs_only", 50, 0))


def test_learning_pays(rows: list[Row]) -> None:
    comparison = PredictorComparison.of(rows, "macs_only")
    small, large = comparison.by_size("ridge", "all")
    assert large.mean["kendall_tau"] > small.mean["kendall_tau"]
    assert comparison.ranked("all")[0].at["predictor"] == "ridge"
    assert comparison.ranked("all")[-1].at["predictor"] == "random"
    assert comparison.differences["all", "ridge"].mean > 0


def test_tables_have_a_line_a_predictor(rows: list[Row]) -> None:
    comparison = PredictorComparison.of(rows, "macs_only")
    console = Console(width=200, record=True, file=io.StringIO())
    print_comparison(console, comparison)
    shown = console.export_text()
    page = comparison_markdown(comparison, "predictors")
    assert page.body.count("| ridge |") == len(comparison.regions) == 2
    assert list(page.pictures) == ["curves"]
    for text in ("All held-out networks", "Held-out networks within 0.8 on sd865"):
        assert text in shown
        assert f"## {text}" in page.body
    assert "tau, 50" not in shown, "the terminal shows the largest size alone"
    assert "tau, 50" in page.body


def test_regions_follow_the_budget() -> None:
    bench = nasface.open_workbench()
    reference = bench.devices[0].latency.reference("efficientnet_b0").value
    latency = bench.devices[0].latency.predict(bench.table.genotypes)
    within, near = (
        next(mask for name, mask in regions(bench, [0.6]).items() if name != "all")
        for regions in (within_budgets, near_budgets)
    )
    np.testing.assert_array_equal(within, latency <= 0.6 * reference)
    assert near.any()
    assert np.abs(latency[near] / (0.6 * reference) - 1).max() <= 0.05


def test_sizes_that_the_table_lacks_are_left_out() -> None:
    assert fitting_sizes([1, 50, 80, 500], 100, 0.2) == [50, 80]
    assert fitting_sizes([], 100, 0.2) == [80]
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        fitting_sizes([50], 100, 1.0)


def test_the_verdict_names_the_best_predictor(rows: list[Row]) -> None:
    comparison = PredictorComparison.of(rows, "macs_only")
    tau = comparison.ranked("all")[0].mean["kendall_tau"]
    text = verdict(comparison, "all")
    assert f"ridge orders {(1 + tau) / 2:.1%} of the pairs rightly (Kendall tau {tau:.3f})" in text
    assert "random" not in text, "chance is told apart"
