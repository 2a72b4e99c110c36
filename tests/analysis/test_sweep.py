"""Jobs of a multirun: their order, what differs, what failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from spoilt import spoilt

from nasface.analysis.sweep import Sweep
from nasface.errors import InvalidInput
from nasface.reading import read_json
from nasface.reports.sweep_page import write_sweep
from nasface.runs import write_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, population in ((2, 10), (10, 20)):
        record = {
            "status": "ok",
            "components": {"predictor": "ridge", "device": ["sd865"]},
            "seed": 0,
            "overrides": ["predictor=ridge", f"search.population={population}"],
            "decision": {"summary": {"predicted": 0.9}, "estimated": ["predicted"]},
        }
        write_json(tmp_path / str(number) / "result.json", record)
    write_json(tmp_path / "11" / "result.json", {"status": "failed", "message": "a <reason>"})
    (tmp_path / "2" / "report.html").touch()
    return tmp_path


def test_jobs_stand_in_the_order_of_their_numbers(folder: Path) -> None:
    sweep = Sweep.read(folder)
    assert [job.name for job in sweep.jobs] == ["2", "10", "11"]
    assert sweep.estimated == ["predicted"]
    assert sweep.differing[0] == "job"
    assert "search.population" in sweep.differing
    assert "message" not in sweep.differing
    assert "selector" in sweep.same


def test_the_page_leads_to_reports_and_says_what_failed(folder: Path) -> None:
    write_sweep(folder, Sweep.read(folder), Console(quiet=True))
    page = (folder / "sweep.html").read_text(encoding="utf-8")
    assert "3 runs, 2 ok, 1 infeasible or failed" in page
    assert '<a href="2/report.html">2</a>' in page
    assert "<td>10</td>" in page
    assert "predicted (estimated)" in page
    assert "a &lt;reason&gt;" in page
    assert (folder / "sweep.csv").read_text(encoding="utf-8").count("\n") == 4


def test_a_folder_without_jobs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds no \*/result.json"):
        Sweep.read(tmp_path)
    with pytest.raises(InvalidInput, match="is not a folder"):
        Sweep.read(tmp_path / "absent")


def test_a_damaged_result_is_refused_or_shown_and_nothing_else(folder: Path) -> None:
    path = folder / "2" / "result.json"
    whole, refused = read_json(path), 0
    for content in spoilt(whole):
        path.write_text(json.dumps(content))
        try:
            assert Sweep.read(folder).differing
        except InvalidInput as error:
            refused += "remove its folder, or run the job again" in str(error)
    assert refused > 50
    write_json(path, whole | {"decision": {"summary": {"auc": [1]}}})
    with pytest.raises(InvalidInput, match=r"2/result\.json cannot be read \(decision\.summary\.auc is \[1\] and not"):
        Sweep.read(folder)
