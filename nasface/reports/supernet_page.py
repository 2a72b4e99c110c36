"""The page of a supernet on the report people: smallest, middle, largest network, over the training if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nasface.analysis import Row
from nasface.analysis.summaries import numbers, texts
from nasface.reports.cells import figure_text
from nasface.reports.page import Card, Page
from nasface.reports.svg import Series, chart, line_style, picture
from nasface.runs import write_text


def write_supernet_page(folder: Path, title: str, rows: Sequence[Row], command: str) -> list[Path]:
    """Write `report.html`, and `auc.svg` and `tar.svg` where there is more than one step.

    Args:
        folder: Where to.
        title: What was judged on.
        rows: A network each: "network", "auc", "tar@FAR", ..., and "cpu_hours" for those of a training.
        command: What made them.

    Returns:
        The files.
    """
    page = Page("nasface supernet", title, command)
    last = [row for row in rows if row.get("step") == rows[-1].get("step")]
    page.cards([Card(str(row["network"]), f"{row['auc']:.4f}", f"AUC of {row['weights']}") for row in last])
    pictures = []
    if len({row.get("step") for row in rows}) > 1:
        page.heading("Over the training")
        for column, file in _pictured(rows):
            series, labels = _curves(rows, column), ("processor hours of training", figure_text(column))
            page.picture(chart(series, *labels), f"{figure_text(column)} on the report people")
            write_text(folder / file, picture(series, *labels))
            pictures.append(folder / file)
    page.heading("All figures")
    columns = [name for name in rows[0] if name not in ("of", "genotype")]
    page.table([figure_text(name) for name in columns], [[row.get(name) for name in columns] for row in rows])
    page.write(folder / "report.html")
    return [*pictures, folder / "report.html"]


def _pictured(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """AUC, and the true accept rate at the lowest false accept rate."""
    rates = [name for name in rows[0] if name.startswith("tar@") and " " not in name]
    lowest = sorted(rates, key=lambda name: float(name.removeprefix("tar@")))[:1]
    return [("auc", "auc.svg"), *((name, "tar.svg") for name in lowest)]


def _curves(rows: Sequence[Row], column: str) -> list[Series]:
    return [
        _curve([row for row in rows if row["network"] == name], column, name, line_style(name, i))
        for i, name in enumerate(texts(rows, "network"))
    ]


def _curve(rows: Sequence[Row], column: str, name: str, style: str) -> Series:
    points = list(zip(numbers(rows, "cpu_hours"), numbers(rows, column), strict=True))
    return Series(name, points, style, line=True)
