"""The page of an evaluation: figures with intervals, curves, distances, thresholds, who is mistaken for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from nasface.metrics import Interval, PairCurves
from nasface.recognition import Judgement
from nasface.reports.cells import cell_text, figure_text, percent, signed_text, told
from nasface.reports.identification import add_identification
from nasface.reports.page import Page
from nasface.reports.svg import Limit, Series, chart
from nasface.reports.use_of_model import THRESHOLDS, threshold_cells

LOWEST: Final = 1e-3
"""Rate below which a DET curve is not drawn: its axes are logarithmic."""


def figure_rows(judged: Mapping[str, Judgement]) -> list[list[str]]:
    """A figure a row, a column for each model by name: the value, and its interval where there is one."""
    figures = dict.fromkeys(figure for judgement in judged.values() for figure in judgement.row())
    return [[figure_text(figure), *(_value(one, figure) for one in judged.values())] for figure in figures]


def _value(judgement: Judgement, figure: str) -> str:
    interval = judgement.interval(figure)
    return cell_text(judgement.row().get(figure)) + (f" ({interval})" if interval else "")


def write_evaluation(
    page: Page,
    judged: Mapping[str, Judgement],
    people: Sequence[str] = (),
    less: Mapping[str, Mapping[str, Interval]] | None = None,
) -> None:
    """The sections of a page.

    Args:
        page: Where they go.
        judged: Models by name.
        people: Names of report people, in order, if they may be told.
        less: Of other models than the first, by name, the first one's figures minus theirs.
    """
    page.heading("Figures")
    page.table(["", *judged], figure_rows(judged))
    page.text("In brackets: 95 % intervals over people.", "note")
    if less:
        _add_differences(page, next(iter(judged)), less)
    curves = {name: judgement.curves for name, judgement in judged.items() if judgement.curves is not None}
    if curves:
        _add_curves(page, curves)
    for name, judgement in judged.items():
        _add_distances(page, name, judgement)
    add_identification(page, judged)
    for name, judgement in judged.items():
        _add_mistaken(page, name, judgement, people)


def _add_differences(page: Page, first: str, less: Mapping[str, Mapping[str, Interval]]) -> None:
    """Intervals that overlap say little: the same people were photographed for both."""
    page.heading("Compared")
    page.table(
        [f"{first} less", "figure", "difference, 95 % interval over people", ""],
        [
            [name, figure_text(figure), signed_text(one), told(one)]
            for name, ends in less.items()
            for figure, one in ends.items()
        ],
    )
    page.text("The same people and photos, people drawn together for both.", "note")


def _add_curves(page: Page, curves: Mapping[str, PairCurves]) -> None:
    page.heading("Verification of all pairs")
    roc = [
        Series(name, list(zip(one.far, one.tar, strict=True)), f"line{i % 8}", line=True)
        for i, (name, one) in enumerate(curves.items())
    ]
    page.picture(
        chart(roc, "false accept rate", "true accept rate", log=True),
        "ROC: share of the pairs of one person that are accepted, when so many pairs of two people are.",
    )
    det = [
        Series(
            name,
            [(far, 1 - tar) for far, tar in zip(one.far, one.tar, strict=True) if min(far, 1 - tar) >= LOWEST],
            f"line{i % 8}",
            line=True,
        )
        for i, (name, one) in enumerate(curves.items())
    ]
    if any(series.points for series in det):
        page.picture(
            chart(det, "false accept rate", "false reject rate", log=True, square=True),
            "DET: the two kinds of error against each other; the lower left, the better.",
        )


def _add_distances(page: Page, name: str, judgement: Judgement) -> None:
    curves, every = judgement.curves, judgement.all_pairs
    if curves is None or every is None:
        return
    page.heading(f"Distances and thresholds: {name}")
    middles = [(low + high) / 2 for low, high in zip(curves.edges, curves.edges[1:], strict=False)]
    shown = [i for i, pair in enumerate(zip(curves.genuine, curves.impostors, strict=True)) if max(pair) > 0]
    spread = [
        Series(label, [(middles[i], shares[i]) for i in range(shown[0], shown[-1] + 1)], style, line=True)
        for label, shares, style in (
            ("pairs of one person", curves.genuine, "line1"),
            ("pairs of two people", curves.impostors, "line0"),
        )
    ]
    limits = [Limit(point.threshold, f"FAR {percent(point.far)}") for point in every.points]
    page.picture(
        chart(spread, "squared L2 distance of two descriptors", "share of the pairs", limits),
        "How far photos are apart; left of a line, two photos are taken for one person.",
    )
    if every.points:
        page.table(THRESHOLDS, threshold_cells([point.to_json() for point in every.points]))


def _add_mistaken(page: Page, name: str, judgement: Judgement, people: Sequence[str]) -> None:
    every = judgement.all_pairs
    if not judgement.mistaken or every is None:
        return
    point = min(every.points, key=lambda point: point.far)
    page.heading(f"Who is taken for others: {name}")
    page.text(
        f"At the threshold of FAR {percent(point.far)}, squared L2 {point.threshold:.4f}: of each person's photos, how "
        "many pairs with another person's photo are accepted. "
        + ("" if people else "People are numbered; evaluation.name_people=true names them."),
        "note",
    )
    page.table(
        ["person", "false accepts", "of their pairs", "times the mean"],
        [
            [
                people[one.person - 1] if people else f"no. {one.person}",
                one.pairs,
                percent(one.share),
                f"{one.share / point.far:.1f}",
            ]
            for one in judgement.mistaken
        ],
    )
