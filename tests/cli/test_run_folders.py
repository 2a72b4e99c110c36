"""A run has its folder for itself, and the folder tells the truth whatever ends the run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import nasface.options
from nasface.errors import EXIT_INVALID
from nasface.jobs import Outcome, Run

from ._command import Command


def test_runs_of_the_same_second_have_folders_of_their_own(tmp_path: Path) -> None:
    def claimed(_: int) -> str:
        config = OmegaConf.create({"dir": f"${{nasface.new_folder:{tmp_path}/runs/2026-01-01_00-00-00_search}}"})
        first, again = str(config.dir), str(config.dir)
        assert first == again, "one run has one folder"
        return first

    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(claimed, range(40)))
    assert len(set(folders)) == len(folders)
    assert all(Path(folder).is_dir() for folder in folders)


def test_the_default_folders_are_claimed() -> None:
    content = OmegaConf.load(nasface.options.config_directory() / "config.yaml")
    for place in ("run", "sweep"):
        assert "${nasface.new_folder:" in OmegaConf.to_container(content)["hydra"][place]["dir"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_run_as_ctrl_c_does(
    cli: Command, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def end(run: Run) -> Outcome:
        os.kill(os.getpid(), number)
        raise AssertionError("the signal was not heard")

    monkeypatch.setattr("nasface.tasks.list_components.run", end)
    before = signal.getsignal(signal.SIGTERM)
    done = cli("task=list")
    assert done.code == 128 + number
    assert done.text == "Interrupted; this task keeps nothing of what it had begun."
    assert done.result["status"] == "interrupted"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_killed_run_says_that_it_was_interrupted(tmp_path: Path) -> None:
    """Even SIGKILL, of which nobody hears, leaves the truth behind."""
    program = (
        "import os, signal, sys\nimport nasface.tasks.list_components as task\n"
        "task.run = lambda run: os.kill(os.getpid(), signal.SIGKILL)\nfrom nasface.cli import main\nmain()"
    )
    command = [sys.executable, "-c", program, "task=list", f"hydra.run.dir={tmp_path / 'run'}"]
    ended = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": _root()}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert json.loads((tmp_path / "run" / "result.json").read_text())["status"] == "interrupted"


def test_a_sweep_with_a_failed_job_fails_when_all_have_run(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def fail_once(run: Run) -> Outcome:
        ran.append(run.settings.seed)
        if run.settings.seed == 0:
            raise ZeroDivisionError
        return Outcome()

    monkeypatch.setattr("nasface.tasks.list_components.run", fail_once)
    assert cli("task=list", "seed=0,1,2", multirun=True).code == EXIT_INVALID
    assert ran == [0, 1, 2]
    assert cli("task=list", "seed=1,2", multirun=True).code == 0


@pytest.mark.parametrize(
    ("override", "fragment"),
    [
        ("seed=-1", "seed=-1 must lie between 0 and"),
        ("seed=1e20", "seed"),
        ("check.nets=nan", "check.nets"),
        ("calibrate.tolerance=nan", "calibrate.tolerance=nan is no number to work with"),
        ("timing.half_width=inf", "timing.half_width=inf is no number to work with"),
        ("budgets.ratios=[0.5,nan]", "budgets.ratios=nan is no number to work with"),
        ("predictor.penalty=inf", "predictor.penalty=inf is no number to work with"),
        ("seed=${oc.env:HOME}", "seed"),
        ("genotype=[a,{b:1}]", "genotype holds {'b': 1}, which is no name"),
        ("model=3", "model holds 3, which is no name"),
        ("budgets.ratios=[half]", "budgets.ratios"),
        ("loss=[[1]]", "Unknown loss '[[1]]'"),
    ],
)
def test_numbers_that_are_none_are_refused(cli: Command, override: str, fragment: str) -> None:
    done = cli("task=list", override)
    assert done.code == EXIT_INVALID, done.err
    assert done.err.count("\n") == 1
    assert fragment in done.text


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])
