"""The page of an accuracy table's noise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nasface.accuracy.photo_study import CalibrationNoise, PeopleNeeded
from nasface.accuracy.reliability import Reliability, Validity
from nasface.analysis.table_reliability import PhotoNeeds, TableReliability
from nasface.reports.reliability_page import write_page

TABLE = TableReliability(
    "mine.csv",
    40,
    {"resolution": "112", "supernet": "a" * 64, "data": "b" * 64},
    (Reliability("auc", "people", "whole table", 40, 0.01, 0.005, 0.8, 0.7, 0.9, 0.5, 0.7),),
    (Validity("auc", "auc", 1.0, 0.9), Validity("tar", "auc", 0.9, 0.5), Validity("auc", "tar", 0.9, -0.95)),
    None,
)


def test_every_metric_that_counts_has_the_best_to_learn_from(tmp_path: Path) -> None:
    table = replace(TABLE, validities=(*TABLE.validities, Validity("tar", "tar", 1.0, 0.4)))
    write_page(tmp_path / "page.md", table)
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "## Whole table (40 subnets)" in text
    assert "| auc | people | 0.0100 | 0.0050 | 0.80 (0.70 to 0.90) | 0.50 | 0.70 |" in text
    assert "| auc | auc | +0.90 | +0.90 |" in text
    assert "| tar | auc | -0.95 | +0.40 |" in text
    assert "photos" not in text.partition("## Which metric")[2]
    assert "test_photos" not in table.to_json()


def test_photos_that_are_enough_are_named(tmp_path: Path) -> None:
    noise = [
        CalibrationNoise("auc", n, 40, 0.001, share, 0.9, 0.0) for n, share in ((64, 0.3), (256, 0.1), (512, 0.05))
    ]
    needs = PhotoNeeds(
        (*noise, CalibrationNoise("tar", 64, 40, 0.1, 0.9, 0.1, 0.0)), (PeopleNeeded("auc", 9, 0, 0, None),)
    )
    table = replace(TABLE, validities=TABLE.validities[:2], photos=needs)
    write_page(tmp_path / "page.md", table)
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "- auc: 256 photos (noise below 10% of the variance)" in text
    assert "- tar: none of these numbers" in text
    assert "| no number |" in text


def test_a_table_of_few_networks_is_said_to_be_too_small(tmp_path: Path) -> None:
    for subnets, few in ((30, True), (400, False)):
        write_page(tmp_path / "page.md", replace(TABLE, subnets=subnets, validities=TABLE.validities[:1]))
        assert ("too few" in (tmp_path / "page.md").read_text(encoding="utf-8")) is few
