"""Cells are measured once, kept one by one, shared between processes, and refused on other inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from nasface.accuracy.table import held_table
from nasface.analysis import summarise
from nasface.errors import InfeasibleConstraint, InvalidInput, TableError
from nasface.experiments import Cell, Experiment, Report, Results, Row, conduct, write_report
from nasface.metrics import mean_interval
from nasface.reports.cells import mean_text
from nasface.reports.curves import curve
from nasface.reports.svg import picture
from nasface.settings import Shard
from nasface.terminal import Terminal

CONSOLE = Terminal(stderr=True)
CONSOLE.quiet = True


@dataclass(frozen=True)
class Square(Cell):
    n: int
    word: str


class Squares(Experiment[Square]):
    """n squared; 3 cannot be had, 7 is interrupted the first time."""

    name, cell, fingerprint = "squares", Square, "one"

    def __init__(self, n: int = 5, broken: bool = False) -> None:
        self.n, self.broken, self.asked = n, broken, list[int]()

    def cells(self) -> list[Square]:
        return [Square(n, "a,b") for n in range(self.n)]

    def measure(self, cell: Square) -> list[Row]:
        if cell.n == 3:
            raise InfeasibleConstraint("no 3", metric="n", bound=3, reachable=None)
        if cell.n == 4 and self.broken:
            raise KeyboardInterrupt
        self.asked.append(cell.n)
        return [{"part": part, "square": 0.1 * cell.n**2} for part in ("x", "y")]

    def report(self, rows: Sequence[Row]) -> Report:
        series = curve(summarise(rows, ["n"], ["square"]), "n", "square", "squares & more")
        return Report("Squares", f"{len(rows)} rows", {"curve": picture([series], "n", "square")})


def test_an_interrupted_experiment_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "squares.csv"
    with pytest.raises(KeyboardInterrupt):
        conduct(Squares(broken=True), Results(path, "one"), CONSOLE)
    again = Squares()
    rows, missing = conduct(again, Results(path, "one"), CONSOLE)
    assert again.asked == [4]
    assert missing == 0
    assert [row["n"] for row in rows] == [0, 0, 1, 1, 2, 2, 3, 4, 4]
    whole, _ = conduct(Squares(), Results(tmp_path / "other" / "squares.csv", "one"), CONSOLE)
    strip = [{k: v for k, v in row.items() if k != "process_seconds" and v is not None} for row in rows]
    assert strip == [{k: v for k, v in row.items() if k != "process_seconds" and v is not None} for row in whole]
    assert [p.name for p in tmp_path.glob("*.csv")] == ["squares.csv"]


def test_processes_that_do_not_share_the_cells_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "squares.csv"
    with held_table(path), pytest.raises(InvalidInput, match=r"squares\.csv is being measured by another process"):
        conduct(Squares(), Results(path, "one"), CONSOLE)
    assert not path.exists()


def test_processes_share_the_cells(tmp_path: Path) -> None:
    path, asked = tmp_path / "squares.csv", []
    for shard in (0, 1):
        experiment = Squares()
        _, missing = conduct(experiment, Results(path, "one", Shard(shard, 2)), CONSOLE, Shard(shard, 2))
        asked += experiment.asked
        assert missing == (2, 0)[shard]
    assert sorted(asked) == [0, 1, 2, 4]
    alone = Squares()
    rows, _ = conduct(alone, Results(path, "one"), CONSOLE)
    assert alone.asked == []
    assert len(rows) == 9


def test_results_on_other_inputs_are_refused(tmp_path: Path) -> None:
    conduct(Squares(2), Results(tmp_path / "squares.csv", "one"), CONSOLE)
    with pytest.raises(TableError, match="on other inputs"):
        Results(tmp_path / "squares.csv", "two")


def test_the_page_keeps_what_people_wrote(tmp_path: Path) -> None:
    rows, _ = conduct(Squares(), Results(tmp_path / "squares.csv", "one"), CONSOLE)
    page = write_report(tmp_path, Squares(), rows, 0, "python -m nasface x")
    text = page.read_text(encoding="utf-8")
    assert "# Squares\n\n    python -m nasface x\n\n8 rows" in text
    assert "- 3 a,b: no 3" in text
    svg = (tmp_path / "squares_curve.svg").read_text(encoding="utf-8")
    assert svg.startswith("<svg xmlns=")
    assert "squares &amp; more" in svg
    page.write_text(text + "\n## Reading\n\nAll is well.\n", encoding="utf-8")
    write_report(tmp_path, Squares(), rows, 2, "python -m nasface x")
    text = page.read_text(encoding="utf-8")
    assert text.endswith("2 of the cells are still missing; the same command goes on.\n\n## Reading\n\nAll is well.\n")


def test_nothing_feasible_is_said(tmp_path: Path) -> None:
    rows = [{"n": 3, "word": "a", "infeasible": "no 3"}]
    assert "- 3 a: no 3" in write_report(tmp_path, Squares(), rows, 0, "x").read_text(encoding="utf-8")


def test_intervals_are_students() -> None:
    mean, half = mean_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.302653 / 3**0.5)
    assert mean_interval([1.0] * 40) == (1.0, 0.0)
    assert mean_interval([5.0])[1] != mean_interval([5.0])[1], "one value has no interval"
    [summary] = summarise([{"n": 1, "v": 1.0}, {"n": 1, "v": 2.0}, {"n": 1, "v": None}], ["n"], ["v", "w"])
    assert summary.mean == {"v": 1.5}
    assert mean_text(summary, "v") == "1.5 ± 6.4"
    assert mean_text(summary, "w") == "–"


def test_values_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    results = Results(tmp_path / "x.csv", "one")
    row: Row = {"n": 3, "share": 0.1, "text": "1e3 apples", "none": None, "odd": "nan"}
    results.add([row])
    [read] = Results(tmp_path / "x.csv", "one").rows
    assert read == {"identity": "one", **row}
