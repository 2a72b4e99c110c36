"""The page of a training: what was trained, curves of the losses, accuracy of the judged networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nasface.reports.page import Card, Page
from nasface.reports.svg import Series, chart, line_style

_FIXED = ("step", "phase", "epoch", "resolution", "learning_rate", "seconds", "cpu_seconds")

Rows = Sequence[Mapping[str, str]]


def write_training_report(
    path: Path, title: str, progress: Rows, validation: Rows, facts: Mapping[str, object], following: str, made_by: str
) -> None:
    """Write the page.

    Args:
        path: The file.
        title: E.g. what was trained.
        progress: Rows of `progress.csv`.
        validation: Rows of `validation.csv`.
        facts: Options and provenance.
        following: A command that goes on from here.
        made_by: The command of this training.
    """
    page = Page("nasface training", title, made_by)
    page.cards(_cards(progress, validation))
    if len(progress) > 1:
        page.heading("Losses")
        named = [name for name in progress[0] if name not in _FIXED and name != "loss"]
        terms = [name for name in named if any(row.get(name) for row in progress)]
        for name in ["loss", *terms] if len(terms) > 1 else ["loss"]:
            page.picture(_curve(progress, name), f"{name}, mean between two lines of the log")
        page.heading("Schedule")
        page.picture(_curve(progress, "learning_rate"), "learning rate")
    if validation:
        page.heading("Validation")
        page.picture(_validated(validation), "AUC over all pairs of validation photos, calibrated")
        columns = ["step", "phase", "network", "auc", "tar", "far"]
        page.table(columns, [[row[column] for column in columns] for row in validation])
    with page.folded("All options"):
        page.facts(facts)
    page.what_next(following)
    page.write(path)


def _cards(progress: Rows, validation: Rows) -> list[Card]:
    last = progress[-1] if progress else None
    cards = list[Card]()
    if last is not None:
        cards.append(Card("steps", last["step"], f"phase {last['phase']}, {float(last['epoch']):.1f} epochs"))
        cards.append(Card("hours", f"{float(last['seconds']) / 3600:.2f}", "of training, without validations"))
        cards.append(Card("processor hours", f"{float(last['cpu_seconds']) / 3600:.2f}", "of the first process"))
    cards += [
        Card(row["network"], f"{float(row['auc']):.4f}", f"AUC at step {row['step']}")
        for row in validation
        if row["step"] == validation[-1]["step"]
    ][:4]
    return cards


def _curve(rows: Rows, column: str) -> str:
    points = [(float(row["step"]), float(row[column])) for row in rows if row.get(column)]
    return chart([Series(column, points, "other", line=True)], "step", column)


def _validated(rows: Rows) -> str:
    names = list(dict.fromkeys(row["network"] for row in rows))
    series = []
    for i, name in enumerate(names):
        points = [(float(row["step"]), float(row["auc"])) for row in rows if row["network"] == name]
        series.append(Series(name, points, line_style(name, i), [""] * len(points), line=len(points) > 1))
    return chart(series, "step", "AUC")
