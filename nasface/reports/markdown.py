"""Pieces of Markdown pages: tables, pictures, numbers with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from nasface.reports.cells import cell_text


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; floats with four significant digits, None as a dash."""
    lines = [list(header), ["---"] * len(header), *[[cell_text(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def image(name: str, stem: str, caption: str) -> str:
    """A picture of experiment `name` that lies beside the page."""
    return f"![{caption}]({name}_{stem}.svg)"
