"""The page about an accuracy table's noise, in Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nasface.accuracy.reliability import Reliability
from nasface.analysis.table_reliability import PhotoNeeds, TableReliability
from nasface.reports import markdown
from nasface.reports.page import write_markdown_page
from nasface.runs import write_text

NEGLIGIBLE: Final = 0.1
"""Calibration photos suffice when their noise is at most this share of the variance between networks."""

FEW: Final = 100
"""Networks of a table, below which its reliability is not told apart from chance."""


def few_text(subnets: int) -> str:
    """What to know about a table that is too small."""
    return (
        f"{subnets} networks are too few to say how reliable the table is (the intervals show it): measure {FEW} or "
        "more, with a larger accuracy.n_subnets."
    )


def write_page(path: Path, found: TableReliability) -> None:
    """Write the `.md` file, and the same as one HTML file beside it."""
    parts = [*_introduction(found), *_reliabilities(found), *_learning(found)]
    if found.photos is not None:
        parts += [*_calibration(found.photos), *_people(found.photos)]
    text = "\n".join(parts) + "\n"
    write_text(path, text)
    write_markdown_page(path.with_suffix(".html"), text, {})


def _introduction(found: TableReliability) -> list[str]:
    shared = found.shared
    return [
        "# How reliable the accuracy table is",
        "",
        f"Table `{found.file}`: {found.subnets} subnets at {shared['resolution']} pixels, supernet "
        f"`{shared['supernet'][:12]}`, data `{shared['data'][:12]}`. Written by `task=table_reliability`;",
        "every figure is also in `table_reliability.json`. Method: `nasface/accuracy/reliability.py`.",
        "",
        *([few_text(found.subnets), ""] if found.subnets < FEW else []),
        "*Reliability* is the share of the variance between subnets that is not noise, from the agreement of two",
        "halves (Spearman-Brown). *Ceiling* is the Kendall tau that a predictor knowing every true value would have",
        "against the table. Split by people: would other people rank the subnets alike? Split by photos: would other",
        "photos of the same people?",
        "",
    ]


def _reliabilities(found: TableReliability) -> list[str]:
    head = ["metric", "split by", "sd between subnets", "sd of noise", "reliability (95 %)", "tau of halves", "ceiling"]
    lines = []
    for region in dict.fromkeys(entry.region for entry in found.reliabilities):
        mine = [entry for entry in found.reliabilities if entry.region == region]
        lines += [f"## {region[0].upper() + region[1:]} ({mine[0].subnets} subnets)", ""]
        lines += [markdown.table(head, [_reliability_row(entry) for entry in mine]), ""]
    return lines


def _reliability_row(e: Reliability) -> list[str]:
    reliability = f"{e.reliability:.2f} ({e.low:.2f} to {e.high:.2f})"
    spread = [f"{e.deviation:.4f}", f"{e.noise:.4f}"]
    return [e.metric, e.split, *spread, reliability, f"{e.tau_halves:.2f}", f"{e.ceiling:.2f}"]


def _learning(found: TableReliability) -> list[str]:
    itself = {entry.wanted: entry.correlation for entry in found.validities if entry.wanted == entry.learned}
    rows = [[e.wanted, e.learned, f"{e.correlation:+.2f}", f"{itself[e.wanted]:+.2f}"] for e in found.best]
    return [
        "## Which metric to learn from",
        "",
        "Correlation of a *measured* metric with the *true* value of the one that counts (halves of people, corrected",
        "for noise): a noisy metric may be learned better from a steadier one.",
        "",
        markdown.table(["what counts", "learn from", "correlation", "of itself, measured"], rows),
        "",
    ]


def _calibration(photos: PhotoNeeds) -> list[str]:
    rows = [
        [e.metric, e.photos, e.subnets, f"{e.noise:.4f}", f"{e.share:.2f}", f"{e.tau:.2f}", f"{e.change:+.4f}"]
        for e in photos.calibration
    ]
    head = ["metric", "photos", "subnets", "sd of noise", "of variance", "tau of draws", "change of mean"]
    return [
        "## Calibration photos",
        "",
        "Two disjoint draws of photos calibrate every subnet; what differs is noise.",
        "",
        markdown.table(head, rows),
        "",
        *_verdicts(photos),
        "",
    ]


def _people(photos: PhotoNeeds) -> list[str]:
    rows = [
        [
            e.metric,
            e.photos,
            f"{e.reliability:.2f}",
            f"{e.whole:.2f}",
            "no number" if e.needed is None else e.needed,
        ]
        for e in photos.test
    ]
    return [
        "## Test photos",
        "",
        "Mean correlation between disjoint parts of the validation people, and what that makes for all of them and",
        "for a reliability of 0.8 by Spearman-Brown. The row of the largest parts is the surest.",
        "",
        markdown.table(["metric", "photos of a part", "reliability of a part", "of all", "photos for 0.8"], rows),
        "",
    ]


def _verdicts(photos: PhotoNeeds) -> list[str]:
    """One line per metric: the smallest number of calibration photos that is enough."""
    lines = []
    for metric in dict.fromkeys(entry.metric for entry in photos.calibration):
        enough = [e.photos for e in photos.calibration if e.metric == metric and e.share <= NEGLIGIBLE]
        verdict = f"{min(enough)} photos" if enough else "none of these numbers"
        lines.append(f"- {metric}: {verdict} (noise below {NEGLIGIBLE:.0%} of the variance)")
    return lines
