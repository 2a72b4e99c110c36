"""Names, paths and tables are shown as they are."""

from __future__ import annotations

import ast
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
