"""The finalists are measured and the measured best wins; what measuring gives is made up here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.accuracy import estimator
from nasface.accuracy.table import AccuracyTable, read_table
from nasface.errors import EXIT_INVALID, EXIT_OK
from nasface.supernets import Supernet

from ._command import Command

GIVEN = ("predictor=ridge", "search=exact", "exporter=none", "data=procedural", "data.people=12", "data.photos=4")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, make_table: Callable[..., Path]) -> list[int]:
    """Measuring looks the accuracy up in a made-up order; the sizes of the batches that were asked for."""
    asked: list[int] = []

    def measure(supernet: Supernet, faces: Any, networks: np.ndarray, *_: Any) -> AccuracyTable:
        asked.append(len(networks))
        values = 0.9 + 0.01 * np.modf(networks.astype(float) @ np.sqrt(np.arange(2, 47)))[0]
        notes = {name: ("made-up",) * len(networks) for name in ("seed", "calibration", "origin")}
        return AccuracyTable(networks, {"auc": values}, read_table(make_table(), supernet.space).shared, notes)

    monkeypatch.setattr(estimator, "measure_networks", measure)
    monkeypatch.setattr("nasface.accuracy.faces.open_faces", lambda *_: None)  # too few photos for real figures
    return asked


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_measured_best_wins(
    cli: Command, make_table: Callable[..., Path], measured: list[int], rounds: int
) -> None:
    table = f"accuracy.table={make_table()}"
    done = cli(*GIVEN, table, "refine.verify_top=5", f"refine.rounds={rounds}")
    assert done.code == EXIT_OK, done.err
    decision = done.result["decision"]
    rows = decision["verified"]
    assert measured == [5] * rounds
    assert [row["round"] for row in rows] == [number for number in range(1, rounds + 1) for _ in range(5)]
    assert len({row["genes"] for row in rows}) == len(rows), "none is measured twice"
    assert decision["genes"] == max(rows, key=lambda row: row["auc"])["genes"]
    assert f"{len(rows)} finalists were measured on validation people" in done.out
    within = sum(row["low"] <= row["auc"] <= row["high"] for row in rows)
    assert f"{within} of {len(rows)} lie within their intervals of 95 %" in done.out
    believed = cli(*GIVEN, table).result["decision"]
    assert believed["genes"] == rows[0]["genes"], "the favourite comes first"
    if rounds > 1:
        first = max(rows[:5], key=lambda row: row["auc"])["auc"]
        assert max(row["auc"] for row in rows) >= first


def test_rows_of_other_photos_do_not_join_the_table(
    cli: Command, make_table: Callable[..., Path], measured: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = estimator.measure_networks

    def of_others(*arguments: Any) -> AccuracyTable:
        table = measure(*arguments)
        return AccuracyTable(table.genotypes, table.metrics, dict(table.shared) | {"data": "others"}, table.notes)

    monkeypatch.setattr(estimator, "measure_networks", of_others)
    table = f"accuracy.table={make_table()}"
    assert cli(*GIVEN, table, "refine.verify_top=3").code == EXIT_OK
    refused = cli(*GIVEN, table, "refine.verify_top=3", "refine.rounds=2")
    assert refused.code == EXIT_INVALID
    assert "different data cannot be merged: the accuracy table and the measured finalists" in refused.text
    assert "Give refine.rounds=1, or with data= the photos that the table was measured on." in refused.text


@pytest.mark.parametrize(
    "choice",
    ["predictor=gp_stage refine.acquisition=ucb", "refine.acquisition=ucb", "refine.acquisition=random"],
)
def test_other_networks_are_worth_measuring_than_the_favourites(
    cli: Command, make_table: Callable[..., Path], measured: list[int], choice: str
) -> None:
    done = cli(*GIVEN, f"accuracy.table={make_table()}", "refine.verify_top=4", *choice.split())
    assert done.code == EXIT_OK, done.err
    assert measured == [4]
    predicted = [row["predicted"] for row in done.result["decision"]["verified"]]
    assert predicted != sorted(predicted, reverse=True), "not the predictor's favourites in their order"


def test_an_unknown_acquisition_is_refused(cli: Command, make_table: Callable[..., Path], measured: list[int]) -> None:
    options = (*GIVEN, f"accuracy.table={make_table()}", "refine.verify_top=3")
    unknown = cli(*options, "refine.acquisition=best")
    assert unknown.code == EXIT_INVALID
    assert "Unknown acquisition 'best'" in unknown.text
    assert not measured
