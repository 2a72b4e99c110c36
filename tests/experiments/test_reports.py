"""Pages of experiments: what they say follows from the rows."""

from __future__ import annotations

import dataclasses
import re

import pytest

import nasface
from nasface.analysis import Row
from nasface.errors import InvalidInput
from nasface.experiments.optimality_gap import GapOptions, OptimalityGap
from nasface.experiments.paper_ablation import AblationOptions, PaperAblation
from nasface.experiments.paper_table5 import ANY, PaperTable5, SupernetEntry, Table5Options
from nasface.experiments.verification import RANDOM, WAYS, Verification, VerificationOptions
from nasface.jobs import Run
from nasface.settings import Evaluation


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    settings = nasface.open_workbench().settings
    changed = dataclasses.replace(
        settings,
        data={"name": "procedural", "people": 16, "photos": 4},
        evaluation=Evaluation(far=None, bootstrap=20, output=None),
        accuracy=dataclasses.replace(settings.accuracy, calibration_photos=16),
    )
    return Run(changed, folder, folder)


def cells_of(page: str, first: str) -> list[str]:
    """The cells of the first line of a Markdown table that begins with this text."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture(scope="module")
def gaps(run: Run) -> OptimalityGap:
    return OptimalityGap(run, GapOptions(1, [0.6, 1e-6], {"exact": {}, "random": {"samples": 64}}))


@pytest.fixture(scope="module")
def verification(run: Run) -> Verification:
    return Verification(run, VerificationOptions(2, ["ridge"], list(WAYS)[:-1], [80], 4, 2, 0.6))


class TestOptimalityGap:
    def test_the_exact_search_has_no_gap_and_a_random_one_has(self, gaps: OptimalityGap) -> None:
        rows: list[Row] = [{**cell.to_row(), **row} for cell in gaps.cells() for row in gaps.measure(cell)]
        by_search = {row["search"]: row["gap_percent"] for row in rows}
        assert by_search["exact"] == 0
        assert by_search["random"] > 0
        page = gaps.report(rows).body
        assert cells_of(page, "exact")[4] == "100 %"
        assert cells_of(page, "random")[4] == "0 %"
        assert "## Not feasible\n\n- sd865 at 1e-06: " in page, "a budget that nothing meets is no empty line"

    def test_shares_and_means_are_those_of_the_rows(self, gaps: OptimalityGap) -> None:
        rows: list[Row] = [
            {"device": "sd865", "ratio": 0.6, "search": "exact", "seed": seed, "gap_percent": gap}
            | {"search_seconds": 1.0}
            for seed, gap in enumerate([0.0, 0.5, 3.5, 4.0])
        ]
        mean, _, worst, exact, within = cells_of(gaps.report(rows).body, "exact")[1:6]
        assert (float(mean), float(worst), exact, within) == (2.0, 4.0, "25 %", "50 %")


class TestVerification:
    def test_measuring_pays_no_more_than_the_best_of_the_pool(self, verification: Verification) -> None:
        rows: list[Row] = [
            {**cell.to_row(), **row} for cell in verification.cells() for row in verification.measure(cell)
        ]
        assert all(row["regret_seen"] >= 0 for row in rows), "nothing within the budget is better than the best"
        page = verification.report(rows)
        assert page.pictures.keys() == {"regret"}
        assert cells_of(page.body, RANDOM)[1] == "random"

    def test_means_are_those_of_the_rows(self, verification: Verification) -> None:
        rows: list[Row] = [
            {
                "budget": 80,
                "predictor": "ridge",
                "way": "believed",
                "seed": s,
                "regret": r,
                "regret_seen": 0,
                "optimism": 0,
            }
            for s, r in enumerate([0.25, 0.75])
        ]
        assert cells_of(verification.report(rows).body, "ridge")[2].startswith("0.5 ±")

    def test_a_budget_too_small_for_its_rounds_is_refused(self, run: Run) -> None:
        with pytest.raises(InvalidInput, match=r"experiment\.budgets has 17; give 18"):
            Verification(run, VerificationOptions(1, ["ridge"], ["rounds"], [17], 4, 2, 0.6))


def test_table5_measures_on_report_people_and_marks_what_is_estimated(run: Run) -> None:
    options = Table5Options([SupernetEntry("demo")], [ANY, "ridge"], [0.6], 1)
    experiment = PaperTable5(run, options)
    cells = experiment.cells()
    assert [cell.predictor for cell in cells] == [ANY, "ridge"]
    drawn, found = rows = [{**cell.to_row(), **row} for cell in cells for row in experiment.measure(cell)]
    assert drawn["predicted"] is None, "nobody predicts a network that was drawn"
    assert found["latency_ms"] <= found["budget_ms"]
    assert 0 <= found["auc"] <= 1
    page = experiment.report(rows)
    assert "predicted (estimated)" in page.body
    assert cells_of(page.body, "demo")[3] == ANY
    assert page.pictures["auc"].count("<circle") == 2 + 2, "two networks, and the legend"
    twice = dataclasses.replace(options, supernets=[SupernetEntry("demo"), SupernetEntry("demo")])
    with pytest.raises(InvalidInput, match="name twice"):
        PaperTable5(run, twice)


def test_ablation_changes_one_parameter_at_a_time(run: Run) -> None:
    experiment = PaperAblation(run, AblationOptions("ridge", 1, {"generations": [1, 20], "population": [100]}))
    cells = experiment.cells()
    assert [(cell.parameter, cell.value) for cell in cells] == [
        ("generations", 1),
        ("generations", 20),
        ("population", 100),
    ]
    rows: list[Row] = [{**cell.to_row(), **row} for cell in cells for row in experiment.measure(cell)]
    assert rows[0]["distinct"] < rows[1]["distinct"], "more generations see more networks"
    assert rows[0]["predicted"] <= rows[1]["predicted"], "and the same draws lead no lower"
    page = experiment.report(rows).body
    assert re.search(r"^\| 100 \* \|", page, re.M), "the paper's choice is marked"
    assert page.index("`search.generations`") < page.index("`search.population`")
