"""What every task and every experiment must do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nasface.experiments import Cell, Report
from nasface.jobs import Outcome, Run
from nasface.registry import REGISTRY
from nasface.tasks.experiment import Built
from nasface.tasks.frame import run_task
from nasface.testing.runs import make_run

TIME = "process_seconds"
"""Column of results that the frame fills."""


class TaskConformance:
    """Give the attributes `name`, of the registered task, and `options` that make a run of it small."""

    name: str
    options: tuple[str, ...] = ()

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
        """A run in a folder of that name; the working directory is an empty one."""
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")

        def make(folder: str) -> Run:
            (tmp_path / folder).mkdir()
            return make_run(tmp_path / folder, f"task={self.name}", *self.options)

        return make

    def test_registered(self) -> None:
        component = REGISTRY.get("task", self.name)
        assert component.summary, "the first line of its docstring is what `nasface list` shows"

    def test_the_same_seed_decides_the_same(self, run: Callable[[str], Run]) -> None:
        first, again = (run_task(run(folder)) for folder in ("one", "two"))
        for outcome in (first, again):
            assert isinstance(outcome, Outcome)
            json.dumps(dict(outcome.decision), allow_nan=False)
            json.dumps(dict(outcome.measurements), allow_nan=False)
            assert outcome.objective is None or isinstance(outcome.objective, float)
        assert first.decision == again.decision, "what differs between runs belongs into measurements"
        assert list(Path.cwd().iterdir()) == [], "write into run.folder, or where an option says (run.path)"


class ExperimentConformance:
    """Give the fixture `make`: from a run to the experiment; and `options`, the overrides that make it small."""

    options: tuple[str, ...] = ()

    @pytest.fixture
    def make(self) -> Callable[[Run], Built]:
        raise NotImplementedError("give the fixture `make`")

    @pytest.fixture
    def experiment(self, make: Callable[[Run], Built], tmp_path: Path) -> Built:
        return make(make_run(tmp_path, *self.options))

    def test_cells(self, experiment: Built) -> None:
        cells = experiment.cells()
        assert cells, "there is nothing to measure"
        assert all(isinstance(cell, experiment.cell) and isinstance(cell, Cell) for cell in cells)
        keys = [json.dumps(cell.to_row(), allow_nan=False) for cell in cells]
        assert len(set(keys)) == len(keys), "a cell is there twice"
        assert experiment.cells() == cells, "cells() must repeat itself"
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", experiment.name), "the name is that of the files"
        assert experiment.fingerprint
        assert isinstance(experiment.fingerprint, str)

    def test_rows_depend_on_the_cell_alone(
        self, make: Callable[[Run], Built], experiment: Built, tmp_path: Path
    ) -> None:
        cells = experiment.cells()
        chosen = cells[:1] + cells[-1:]
        (tmp_path / "again").mkdir()
        again = make(make_run(tmp_path / "again", *self.options))
        assert again.fingerprint == experiment.fingerprint, "equal inputs must have one fingerprint"
        backwards = {json.dumps(cell.to_row()): again.measure(cell) for cell in reversed(chosen)}
        for cell in chosen:
            rows = experiment.measure(cell)
            assert rows, "a cell gives one row at least"
            for row in rows:
                taken = {*experiment.keys, TIME} & set(row)
                assert not taken, f"columns that the frame fills: {sorted(taken)}"
                assert all(isinstance(value, str | int | float | None) for value in row.values()), (
                    "a value is a text, a number or None"
                )
            before = backwards[json.dumps(cell.to_row())]
            assert [*map(_untimed, before)] == [*map(_untimed, rows)], "rows depend on what was measured before"

    def test_the_page_shows_its_pictures(self, experiment: Built) -> None:
        cell = experiment.cells()[0]
        report = experiment.report([{**cell.to_row(), **row, TIME: 1.0} for row in experiment.measure(cell)])
        assert isinstance(report, Report)
        assert report.title
        for stem, picture in report.pictures.items():
            assert f"{experiment.name}_{stem}.svg" in report.body, f"the page does not show the picture {stem}"
            assert picture.lstrip().startswith("<svg"), "a picture is SVG"


def _untimed(row: Mapping[str, object]) -> dict[str, object]:
    """A row without columns of seconds, which no two measurements share."""
    return {column: value for column, value in row.items() if not column.endswith("seconds")}
