"""Names, paths and tables are shown as they are."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from rich.table import Table

from nasface.terminal import Terminal

HOSTILE = "[/] [bold]x [link=https://example.org]y[/link] :smile:"
PACKAGE = Path(__file__).resolve().parents[1] / "nasface"


def test_markup_in_data_is_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    terminal = Terminal()
    terminal.print(HOSTILE)
    terminal.note("warning:", HOSTILE)
    table = Table(HOSTILE, title=HOSTILE, caption=HOSTILE)
    table.add_row(HOSTILE)
    terminal.print(table)
    with terminal.status(HOSTILE) as status, terminal.progress() as bar:
        status.update(f"more {HOSTILE}")
        bar.add_task(HOSTILE, total=1)
    assert capsys.readouterr().out.count(HOSTILE) >= 6


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("no_wrap", [True, False])
def test_nothing_in_a_table_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int, no_wrap: bool
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    words = [f"constraints.latency_ms.confidence_{i}_of_all" for i in range(6)]
    table = Table(title="many")
    for name in ("what tells them apart", *words):
        table.add_column(name, no_wrap=no_wrap)
    rows = [f"runs/2026/model_{i}.tflite" for i in range(3)]
    for row in rows:
        table.add_row(row, *(f"value {word}" for word in words))
    Terminal().print(table)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert all(any(row in line for line in lines) for row in rows), "the first column is in one piece"
    columns = [[line.split("│")[i].strip() for line in lines if line.count("│") > 6] for i in range(2, 8)]
    for cells, word in zip(columns, words, strict=True):
        assert f"value{word}" * len(rows) in "".join(cells).replace(" ", "")


def test_without_a_terminal_work_says_every_minute_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("nasface.terminal.MINUTE_S", 0.02)
    job = Terminal(into=tmp_path / "7" / "terminal.txt", name="job 7")
    with Terminal().status("measuring finalists"), job.progress() as bar:
        bar.update(bar.add_task("auc 0.93", total=500), completed=12)
        job.print("of the job alone")
        time.sleep(0.2)
    said = capsys.readouterr().out
    assert said.count("measuring finalists\n") > 1
    assert said.count("job 7: auc 0.93: 12 of 500, 0:00:00") > 1
    assert "alone" not in said
    assert "of the job alone" in (tmp_path / "7" / "terminal.txt").read_text(encoding="utf-8")
    time.sleep(0.1)
    assert capsys.readouterr().out == "", "it ends with the work"


def test_nobody_else_makes_a_console_or_writes_markup() -> None:
    """One place knows how the terminal is written to."""
    for path in PACKAGE.rglob("*.py"):
        if path.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("Console", "Progress"), path
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not any(f"[{style}]" in node.value for style in ("bold", "yellow", "red", "green", "dim")), path
