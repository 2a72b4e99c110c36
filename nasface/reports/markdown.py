"""Pieces of Markdown pages: tables, pictures, numbers with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nasface.reports.page import cell_text


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; floats with four significant digits, None as a dash."""
    lines = [list(header), ["---"] * len(header), *[[cell_text(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def image(name: str, stem: str, caption: str) -> str:
    """A picture of experiment `name` that lies beside the page."""
    return f"![{caption}]({name}_{stem}.svg)"


def plus_minus(mean: float, half: float) -> str:
    """A mean and half its interval with the digits that the interval leaves; the mean alone where there is none."""
    if math.isnan(half):
        return f"{mean:.5g}"
    digits = min(max(0, 1 - math.floor(math.log10(half))), 6) if half > 0 else 4
    return f"{mean:.{digits}f} ± {half:.{digits}f}"
