"""Predictors compared on one table; the same command goes on; results of another table are refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from nasface.errors import EXIT_INVALID, EXIT_OK

from ._command import Command

QUICK = (
    "task=compare_predictors",
    "compare.predictors=[ridge,lightgbm_nac]",
    "compare.sizes=[20]",
    "compare.ratios=[0.8]",
    "predictor=ridge",
)


@pytest.fixture
def table(make_table: Callable[..., Path]) -> Path:
    return make_table()


def test_comparison(cli: Command, table: Path, tmp_path: Path) -> None:
    results = tmp_path / "compare.csv"
    given = [*QUICK, f"accuracy.table={table}", f"compare.results={results}"]
    done = cli(*given, "compare.splits=1")
    assert done.code == EXIT_OK, done.err
    before = results.read_text()
    done = cli(*given, "compare.splits=2")
    assert done.code == EXIT_OK, done.err
    assert results.read_text().startswith(before), "what was there is kept"
    rows = list(csv.DictReader(results.read_text().splitlines()))
    keys = [(row["predictor"], row["size"], row["seed"], row["region"]) for row in rows]
    assert len(keys) == len(set(keys)), "nothing is done twice"
    assert {row["predictor"] for row in rows} == {"ridge", "lightgbm_nac", "macs_only", "params_only", "random"}
    assert all(-1 <= float(row["kendall_tau"]) <= 1 for row in rows)
    assert set(done.result["decision"]["kendall_tau"]) == {
        "ridge",
        "lightgbm_nac",
        "macs_only",
        "params_only",
        "random",
    }
    assert "minus ridge" in done.out
    assert "| ridge |" in (tmp_path / "predictors.md").read_text(encoding="utf-8")
    assert "noise ceiling is unknown" in done.out
    assert "svg" in (done.folder / "report.html").read_text(encoding="utf-8")


def test_results_of_another_table(cli: Command, table: Path, tmp_path: Path) -> None:
    results = tmp_path / "compare.csv"
    results.write_text("identity,predictor,size,seed,region,kendall_tau\nother,ridge,20,0,all,0.5\n")
    done = cli(*QUICK, f"accuracy.table={table}", f"compare.results={results}", "compare.splits=1")
    assert done.code == EXIT_INVALID
    assert "holds results on other inputs" in done.text


@pytest.mark.parametrize(
    ("override", "fragment"),
    [
        ("compare.predictors=[rigde]", "Unknown predictor 'rigde'. Did you mean 'ridge'"),
        ("compare.held_out=1.5", "held out is 1.5; give a number between 0 and 1"),
    ],
)
def test_refused(cli: Command, table: Path, override: str, fragment: str) -> None:
    done = cli(*QUICK, f"accuracy.table={table}", override)
    assert done.code == EXIT_INVALID
    assert fragment in done.text
