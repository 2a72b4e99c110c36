"""Multiruns: one table over all jobs, whatever becomes of them; and that equal seeds decide equally."""

from __future__ import annotations

import csv
import itertools
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from nasface.errors import EXIT_INTERRUPTED, EXIT_INVALID, EXIT_OK
from nasface.jobs import Run
from nasface.runs import write_json
from nasface.tasks import search

from ._command import Command

QUICK = ("exporter=none", "search=random", "search.samples=20")


@pytest.fixture
def quick(tiny: list[str]) -> list[str]:
    """The smallest search without options that only one predictor has."""
    return [*(text for text in tiny if text.startswith(("accuracy.", "measure."))), *QUICK]


def read_sweep(folder: Path) -> list[dict[str, str]]:
    with (folder / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_table_over_all_jobs(cli: Command, quick: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight jobs: those on sd765 are infeasible, and on sd865 one of the predictors meets a defect."""
    _break(monkeypatch, "mlp_regressor")
    choices = ("predictor=lightgbm_nac,mlp_regressor", "device=sd865,sd765", "seed=0,1")
    done = cli(*quick, *choices, "constraints.latency_ms.max=6", multirun=True)
    assert done.code == EXIT_INVALID, "some failed; every job says itself what became of it"
    rows = read_sweep(done.folder)
    jobs = itertools.product(("lightgbm_nac", "mlp_regressor"), ("sd865", "sd765"), "01")
    assert [(row["job"], row["predictor"], row["device"], row["seed"]) for row in rows] == [
        (str(number), *job) for number, job in enumerate(jobs)
    ]
    ok, infeasible = "ok", "infeasible"
    assert [row["status"] for row in rows] == [
        ok,
        ok,
        infeasible,
        infeasible,
        "failed",
        "failed",
        infeasible,
        infeasible,
    ]
    assert "defect on purpose" in rows[4]["message"]
    assert "fastest sub-network on sd765 at 112" in rows[2]["message"]
    for row in rows:
        if row["status"] == ok:
            assert 0 < float(row["predicted"]) < 1
            assert float(row["latency sd865"]) <= 6
    page = (done.folder / "sweep.html").read_text(encoding="utf-8")
    assert "8 runs, 2 ok, 6 infeasible or failed" in page
    assert '<a href="0/report.html">0</a>' in page
    assert "<td>2</td>" in page, "a job without a report is not a link"
    assert "The same in all runs: selector quickselect, search random" in page
    assert "predicted (estimated)" in page
    assert "defect on purpose" in page
    assert "sweep.csv" in done.out
    lines = done.out.splitlines()
    assert lines[0].startswith("job 0: ok: ")
    assert ": predicted 0." in lines[0]
    assert "job 2: infeasible: The fastest sub-network" in done.err
    assert "confidence (estimated" in (done.folder / "0" / "terminal.txt").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    assert ">job 1</text>" in page
    assert {row["constraints.latency_ms.max"] for row in rows} == {"6"}
    assert "Traceback" not in done.out + done.err
    assert "ZeroDivisionError" in (done.folder / "4" / "nasface.log").read_text(encoding="utf-8")
    assert "infeasible: The fastest sub-network" in (done.folder / "2" / "nasface.log").read_text(encoding="utf-8")
    assert lines[-1] == f"next: nasface inspect genotype={done.folder / '0'}"
    assert cli(*shlex.split(lines[-1])[2:]).code == EXIT_OK


def test_report_makes_the_same_table_again(cli: Command, quick: list[str]) -> None:
    done = cli(*quick, "constraints.latency_ms.max=0.1,0.2", multirun=True)
    before = {name: (done.folder / name).read_bytes() for name in ("sweep.csv", "sweep.html")}
    (done.folder / "sweep.csv").unlink()
    again = cli("task=report", f"sweep={done.folder}")
    assert again.code == EXIT_OK, again.err
    assert again.out.endswith("next: nasface profile --help\n"), "none of them found a network"
    assert {name: (done.folder / name).read_bytes() for name in before} == before
    assert [row["status"] for row in again.result["decision"]["rows"]] == ["infeasible"] * 2


def test_report_of_no_sweep(cli: Command, tmp_path: Path) -> None:
    done = cli("task=report", f"sweep={tmp_path}")
    assert done.code == EXIT_INVALID
    assert "holds no */result.json" in done.text


def test_interrupted_job_ends_the_sweep(cli: Command, quick: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasface.tasks.search.prepare", _raise_interrupt)
    done = cli(*quick, "seed=0,1", multirun=True)
    assert done.code == EXIT_INTERRUPTED
    assert json.loads((done.folder / "0" / "result.json").read_text())["status"] == "interrupted"
    assert not (done.folder / "1").exists()


def test_same_seed_same_decision(cli: Command, tiny: list[str]) -> None:
    decisions = [cli(*tiny, "exporter=none", f"seed={seed}").result["decision"] for seed in (3, 3, 4)]
    first, again, other = (json.dumps(decision) for decision in decisions)
    assert first == again
    assert decisions[0]["search"] != decisions[2]["search"] or decisions[0]["finalists"] != decisions[2]["finalists"]
    assert first != other


def test_same_seed_same_model(cli: Command, tiny: list[str]) -> None:
    """Down to the bytes of the exported file."""
    runs = [cli(*tiny, "supernet=random", "supernet.resolution=112", "seed=3") for _ in range(2)]
    first, again = (run.result["decision"]["model"] for run in runs)
    assert first == again
    assert (runs[0].folder / "model.tflite").read_bytes() == (runs[1].folder / "model.tflite").read_bytes()
    assert (runs[0].folder / "model.safetensors").read_bytes() == (runs[1].folder / "model.safetensors").read_bytes()


def _break(monkeypatch: pytest.MonkeyPatch, predictor: str) -> None:
    """Let jobs with this predictor meet a defect while they learn."""
    learn = search.learn

    def failing(run: Run, task: search.Task) -> Any:
        if run.settings.predictor["name"] == predictor:
            raise ZeroDivisionError("defect on purpose")
        return learn(run, task)

    monkeypatch.setattr(search, "learn", failing)


def _raise_interrupt(_: Any) -> None:
    raise KeyboardInterrupt


def test_terminal_shows_what_fits_and_names_the_rest(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for job, ratio in enumerate((0.6, 0.8)):
        summary = {"params_m": 3.1, "latency sd865": 6.7, "predicted": 0.94, "auc": 0.95 + job / 100}
        content = {
            "status": "ok",
            "overrides": [f"constraints.latency_ms.ratio={ratio}", "search.generations=5"],
            "decision": {"summary": summary | {f"metric {i}": 0.5 for i in range(9)}},
        }
        write_json(tmp_path / str(job) / "result.json", content)
    done = cli("task=report", f"sweep={tmp_path}")
    table, rest = done.out.split("also in sweep.csv: ")
    for shown in ("latency_ms.ratio", "0.6", "0.8", "predicted", "0.95", "0.96"):
        assert shown in table
    assert "generations" not in table, "the same in every run"
    assert "metric 8" in rest
    assert max(map(len, table.splitlines())) <= 80
