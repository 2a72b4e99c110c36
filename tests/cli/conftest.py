"""Fixtures: the command line and the smallest inputs it works on."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.accuracy.table import AccuracyTable, write_table
from nasface.arguments import to_hydra
from nasface.registry import build
from nasface.supernets.source import open_source
from nasface.testing.synthetic import accuracies

from ._command import TINY, Command, Done, run_main


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`cli("task=list", ...)` runs `python -m nasface task=list ...` in an empty folder; the run folder is made up."""
    here = tmp_path / "cwd"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("NASFACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    # Hydra composes everything once more to look for hydra.mode, which nobody sets; this halves the time of a case.
    monkeypatch.setattr("hydra._internal.hydra.Hydra.get_mode", lambda *_, **__: None)
    count = iter(range(1000))

    def run(*overrides: str, folder: Path | None = None, multirun: bool = False) -> Done:
        target = folder or tmp_path / f"run{next(count)}"
        key = "sweep" if multirun else "run"
        arguments = ["nasface", *(["-m"] if multirun else []), *overrides, f"hydra.{key}.dir={target}"]
        monkeypatch.setattr("sys.argv", arguments)
        done = run_main(target)
        for line in done.out.splitlines():
            if line.startswith("next: "):  # whatever the test is about
                assert "..." not in line
                to_hydra(shlex.split(line.removeprefix("next: "))[1:])
        return done

    return run


@pytest.fixture(scope="session")
def make_table(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write an accuracy table of 40 made-up networks for a space and a supernet; equal arguments give one file."""
    made: dict[str, Path] = {}

    def make(
        space: str = "ofa_mbv3_face",
        supernet: str = "lfw112",
        resolution: int = 112,
        metrics: tuple[str, ...] = ("auc",),
        **other: Any,
    ) -> Path:
        key = repr((space, supernet, resolution, metrics, sorted(other.items())))
        if key not in made:
            source = open_source({"name": supernet, "resolution": resolution}, Path.cwd())
            built = build("space", {"name": space, "resolution": resolution} | other)
            rng = np.random.default_rng(0)
            rows = built.canonical(np.unique(built.sample(rng, 40), axis=0))
            shared = {"space": built.fingerprint(), "resolution": str(built.resolution)}
            shared |= {"supernet": source.fingerprint(built), "data": "made-up"}
            notes = {"seed": "0", "calibration": "none", "origin": "uniform"}
            table = AccuracyTable(
                rows,
                {metric: accuracies(built, rows, rng) for metric in metrics},
                shared,
                {name: (value,) * len(rows) for name, value in notes.items()},
            )
            made[key] = tmp_path_factory.mktemp("tables") / "table.csv"
            write_table(table, made[key], built)
        return made[key]

    return make


@pytest.fixture
def tiny(make_table: Callable[..., Path]) -> list[str]:
    """Overrides of the smallest search on the demo supernet's space."""
    return [*TINY, f"accuracy.table={make_table()}"]
