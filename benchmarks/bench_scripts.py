"""The scripts that are no benchmarks of pytest's: each runs at its smallest, or says how it is called.

Those that need photos, a GPU or packages that nasface does not bring are only asked for their help.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from _sizes import SMALL

HERE = Path(__file__).parent
SCRIPTS = {path.name: path for path in HERE.glob("*.py") if not path.name.startswith(("bench_", "_"))}
RUN = {"check_memory.py": [], "check_table_size.py": [], "compare_latency_models.py": ["analytic", "sd865", "sd865"]}
RUN |= {"interval_coverage.py": ["even", "--people", "20"]}
RUN |= {"int8_winners.py": [], "check_gallery.py": [], "foreign_quantizers.py": []}
MODULES = {"ofa_training_loop.py", "ofa_way.py"}
"""Restatements that benchmarks import; no entry point."""


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - RUN.keys() - MODULES))
def test_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(SCRIPTS[name]), run_name="__main__")
    assert stopped.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.skipif(not SMALL, reason="only with BENCH_SMALL=1; otherwise call the script")
@pytest.mark.parametrize("name", sorted(RUN))
def test_run(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", [name, *RUN[name]])
    runpy.run_path(str(SCRIPTS[name]), run_name="__main__")
    assert capsys.readouterr().out.count("\n") > 2


@pytest.mark.parametrize("name", sorted(MODULES))
def test_import(name: str) -> None:
    assert "forward" in runpy.run_path(str(SCRIPTS[name]))
