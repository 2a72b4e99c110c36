"""Tests use what the package offers: no private name of it, and the inside of a room in that room's tests only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
DOTTED = re.compile(r"nasface(\.\w+)+")


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_only_public_names(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    private = [
        f"line {line}: {name}"
        for line, name in names_of_the_package(ast.parse(path.read_text(encoding="utf-8")))
        if (hidden := [i for i, part in enumerate(name.split(".")) if part.startswith("_") and part != "__init__"])
        and not (name.split(".")[1] == room and is_module(name, hidden[0]) and len(hidden) == 1)
    ]
    assert not private, "\n".join(private)


def names_of_the_package(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of what is imported from nasface or named in a text, as `monkeypatch.setattr` takes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nasface"):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.fullmatch(node.value):
            yield node.lineno, node.value


def is_module(name: str, place: int) -> bool:
    """Whether the part of a dotted name at a place, which is private, is a module and not a name within one."""
    inside = ROOT.parent.joinpath(*name.split(".")[: place + 1])
    return inside.with_suffix(".py").is_file() or inside.is_dir()
