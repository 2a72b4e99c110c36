"""The page about an accuracy table's noise, in Markdown, written from the figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from nasface.runs import write_text

Facts = Mapping[str, Any]

NEGLIGIBLE: Final = 0.1
"""Calibration photos suffice when their noise is at most this share of the variance between networks."""


def write_page(path: Path, facts: Facts) -> None:
    """Write the page.

    Args:
        path: The `.md` file.
        facts: As `task=table_reliability` puts them into `table_reliability.json`.
    """
    parts = [*_introduction(facts), *_reliabilities(facts), *_learning(facts)]
    if "calibration_photos" in facts:
        parts += [*_calibration(facts), *_people(facts)]
    write_text(path, "\n".join(parts) + "\n")


def _introduction(facts: Facts) -> list[str]:
    table = facts["table"]
    return [
        "# How reliable the accuracy table is",
        "",
        f"Table `{table['file']}`: {table['subnets']} subnets at {table['resolution']} pixels, supernet "
        f"`{table['supernet'][:12]}`, data `{table['data'][:12]}`. Written by `task=table_reliability`;",
        "every figure is also in `table_reliability.json`. Method: `nasface/accuracy/reliability.py`.",
        "",
        "*Reliability* is the share of the variance between subnets that is not noise, from the agreement of two",
        "halves (Spearman-Brown). *Ceiling* is the Kendall tau that a predictor knowing every true value would have",
        "against the table. Split by people: would other people rank the subnets alike? Split by photos: would other",
        "photos of the same people?",
        "",
    ]


def _reliabilities(facts: Facts) -> list[str]:
    lines = []
    entries = facts["reliability"]
    for region in dict.fromkeys(entry["region"] for entry in entries):
        mine = [entry for entry in entries if entry["region"] == region]
        lines += [f"## {region[0].upper() + region[1:]} ({mine[0]['subnets']} subnets)", ""]
        rows = [
            [
                e["metric"],
                e["split"],
                f"{e['deviation']:.4f}",
                f"{e['noise']:.4f}",
                f"{e['reliability']:.2f} ({e['low']:.2f} to {e['high']:.2f})",
                f"{e['tau_halves']:.2f}",
                f"{e['ceiling']:.2f}",
            ]
            for e in mine
        ]
        head = [
            "metric",
            "split by",
            "sd between subnets",
            "sd of noise",
            "reliability (95 %)",
            "tau of halves",
            "ceiling",
        ]
        lines += [*_table(head, rows), ""]
    return lines


def _learning(facts: Facts) -> list[str]:
    by_pair = {(e["learned"], e["wanted"]): e for e in facts["validity"]}
    best = facts["best_to_learn"]
    rows = [
        [
            wanted,
            learned,
            f"{by_pair[learned, wanted]['correlation']:+.2f}",
            f"{by_pair[wanted, wanted]['correlation']:+.2f}",
        ]
        for wanted, learned in best.items()
    ]
    return [
        "## Which metric to learn from",
        "",
        "Correlation of a *measured* metric with the *true* value of the one that counts (halves of people, corrected",
        "for noise): a noisy metric may be learned better from a steadier one.",
        "",
        *_table(["what counts", "learn from", "correlation", "of itself, measured"], rows),
        "",
    ]


def _calibration(facts: Facts) -> list[str]:
    entries = facts["calibration_photos"]
    rows = [
        [
            e["metric"],
            str(e["photos"]),
            str(e["subnets"]),
            f"{e['noise']:.4f}",
            f"{e['share']:.2f}",
            f"{e['tau']:.2f}",
            f"{e['change']:+.4f}",
        ]
        for e in entries
    ]
    head = ["metric", "photos", "subnets", "sd of noise", "of variance", "tau of draws", "change of mean"]
    return [
        "## Calibration photos",
        "",
        "Two disjoint draws of photos calibrate every subnet; what differs is noise.",
        "",
        *_table(head, rows),
        "",
        *_verdicts(
            entries, "share", lambda share: share <= NEGLIGIBLE, f"noise below {NEGLIGIBLE:.0%} of the variance"
        ),
        "",
    ]


def _people(facts: Facts) -> list[str]:
    entries = facts["test_photos"]
    rows = [
        [
            e["metric"],
            str(e["photos"]),
            f"{e['reliability']:.2f}",
            f"{e['whole']:.2f}",
            "no number" if e["needed"] is None else str(e["needed"]),
        ]
        for e in entries
    ]
    return [
        "## Test photos",
        "",
        "Mean correlation between disjoint parts of the validation people, and what that makes for all of them and",
        "for a reliability of 0.8 by Spearman-Brown. The row of the largest parts is the surest.",
        "",
        *_table(["metric", "photos of a part", "reliability of a part", "of all", "photos for 0.8"], rows),
        "",
    ]


def _verdicts(entries: Sequence[Facts], key: str, passes: Any, what: str) -> list[str]:
    """One line per metric: the smallest number of photos that is enough."""
    lines = []
    for metric in dict.fromkeys(entry["metric"] for entry in entries):
        enough = [e["photos"] for e in entries if e["metric"] == metric and passes(e[key])]
        lines.append(f"- {metric}: {f'{min(enough)} photos' if enough else 'none of these numbers'} ({what})")
    return lines


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
