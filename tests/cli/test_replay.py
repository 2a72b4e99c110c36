"""The table as an offline benchmark: one predictor against floors and ceiling, plug-ins included, without torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nasface.errors import EXIT_OK

from ._command import Command, python

QUICK = ("task=replay", "predictor=ridge", "compare.splits=3", "compare.ratios=[0.8]")


def test_the_embedded_table(cli: Command) -> None:
    done = cli(*QUICK)
    assert done.code == EXIT_OK, done.err
    decision = done.result["decision"]
    assert decision["summary"]["kendall_tau"] > 0.8
    assert decision["scores"]["macs_only"]["kendall_tau"] < 0.5
    loss = decision["losses"]["within 0.8 on sd865"]
    assert 0 <= loss["ridge"]["regret_5"] <= loss["ridge"]["regret_1"] < loss["random"]["regret_1"]
    assert "reliability is 0.77" in " ".join(done.out.split())
    assert cli(*QUICK).result["decision"] == decision


def test_parameters_count(cli: Command, make_table: Callable[..., Path]) -> None:
    given = (*QUICK, f"accuracy.table={make_table()}")
    one, other = (cli(*given, f"predictor.penalty={penalty}") for penalty in (1, 1000))
    assert one.result["decision"] != other.result["decision"]


def test_no_torch_is_needed(tmp_path: Path) -> None:
    done = python("-X", "importtime", "-m", "nasface", *QUICK, "compare.splits=1", cwd=tmp_path)
    assert done.returncode == EXIT_OK, done.stderr
    imported = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert not {"torch", "PIL", "ai_edge_litert", "tensorflow"} & imported
