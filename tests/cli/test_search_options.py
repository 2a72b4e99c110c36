"""Fronts, families, warm starts, kept states and refusals of the main job through the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nasface.errors import EXIT_INFEASIBLE, EXIT_OK

from ._command import Command
from .test_bad_input import check_refused

QUICK = ("predictor=ridge", "exporter=none", "measure.runs=0")


@pytest.fixture
def given(make_table: Callable[..., Path]) -> list[str]:
    return [*QUICK, f"accuracy.table={make_table()}"]


def test_a_front_is_written_as_table_and_picture(cli: Command, given: list[str]) -> None:
    done = cli(*given, "search=pareto")
    assert done.code == EXIT_OK, done.err
    rows = list(csv.DictReader((done.folder / "front.csv").read_text().splitlines()))
    assert list(rows[0]) == ["predicted_auc", "latency_ms", "peak_memory_mb", "genes"]
    bound = done.result["decision"]["constraints"][0]["bound"]
    assert 10 < len(rows) == done.result["decision"]["search"]["front"]
    assert all(float(row["latency_ms"]) <= bound * (1 + 1e-5) for row in rows)
    assert (done.folder / "front.svg").read_text().startswith("<svg")
    assert "is exact for ridge's score" in done.out


def test_a_family_has_a_network_per_budget(cli: Command, given: list[str]) -> None:
    done = cli(*given, "task=deploy_family", "search=exact", "budgets.ratios=[0.8,0.3,0.6]")
    assert done.code == EXIT_OK, done.err
    rows = list(csv.DictReader((done.folder / "family.csv").read_text().splitlines()))
    assert [(row["budget"], row["status"]) for row in rows] == [
        ("ratio=0.3", "infeasible"),
        ("ratio=0.6", "ok"),
        ("ratio=0.8", "ok"),
    ]
    for row in rows[1:]:
        member = json.loads((done.folder / row["folder"] / "result.json").read_text())
        assert float(row["latency sd865"]) <= member["decision"]["constraints"][0]["bound"]
        assert (done.folder / row["folder"] / "report.html").exists()
    assert float(rows[1]["latency sd865"]) < float(rows[2]["latency sd865"])


def test_a_family_that_no_network_can_meet(cli: Command, given: list[str]) -> None:
    done = cli(*given, "task=deploy_family", "search=exact", "budgets.latencies=[0.5,1]")
    assert done.code == EXIT_INFEASIBLE
    assert "you asked for 1 ms" in done.text
    check_refused(cli(*given, "task=deploy_family", "budgets.ratios=[]"), "budgets.ratios is []", "positive budgets")


def test_warm_start_from_names_and_files(cli: Command, given: list[str], tmp_path: Path) -> None:
    small = ("search=evolution_paper", "search.generations=2", "search.population=8")
    net = {"ks": [3] * 20, "e": [3] * 20, "d": [2] * 5}
    (tmp_path / "net.json").write_text(json.dumps(net))
    done = cli(*given, *small, f"refine.warm_start=['Subnet 2, 865',{tmp_path / 'net.json'}]")
    assert done.code == EXIT_OK, done.err
    refused = cli(*given, *small, "refine.warm_start=[nobody]")
    check_refused(
        refused, "Unknown network 'nobody'", "give a run folder, a model file or a genotype file", "subnet1_865"
    )


def test_a_killed_search_goes_on_to_the_same_decision(
    cli: Command, given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasface.strategies.state.SAVE_EVERY", 0.0)
    small = (*given, "search.generations=6", "search.population=8", "search.restarts=1")
    expected = cli(*small).result["decision"]
    state = f"search.state={tmp_path / 'state.json'}"
    calls = iter(range(100))

    def killed(*args: object, **options: object) -> None:
        if options.get("completed") == 4 and next(calls) == 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("rich.progress.Progress.update", killed)
        assert cli(*small, state).code == 130
    assert json.loads((tmp_path / "state.json").read_text())["generation"] == 4
    found = cli(*small, state).result["decision"]
    assert found == expected
    check_refused(cli(*small, state, "seed=1"), "is the state of another search", "search.state")


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        (("refine.verify_top=4",), ["refine.verify_top=4", "needs photos", "data=lfw"]),
        (("refine.verify_top=17",), ["refine.verify_top is 17", "0 to 16"]),
        (("refine.rounds=3",), ["refine.rounds is 3", "refine.verify_top=16"]),
        (("refine.rounds=0",), ["refine.rounds 0"]),
        (("search.verify_top=4",), ["search.verify_top", "refine.verify_top"]),
        (("search=random", "search.warm_start=[]"), ["search.warm_start", "refine.warm_start"]),
        (("search.restarts=-1",), ["search.restarts is -1"]),
        (("search=pareto", "search.objectives=[beauty]"), ["objective 'beauty'", "latency_ms"]),
    ],
)
def test_refused(cli: Command, given: list[str], options: tuple[str, ...], fragments: list[str]) -> None:
    check_refused(cli(*given, *options), *fragments)
