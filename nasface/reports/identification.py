"""Identification on the page of an evaluation: closed set, and with strangers among the probes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nasface.metrics import Identification, Interval, RandomGallery
from nasface.recognition import Judgement
from nasface.reports.page import Page
from nasface.reports.svg import Series, chart

RANKS: Final = (1, 5, 10, 20)
"""Places of the cumulative match characteristic that stand in the table."""

SHOWN: Final = 50
"""Places of it that are drawn."""


def add_identification(page: Page, judged: Mapping[str, Judgement]) -> None:
    """Sections for models by name; nothing where too few people have two photos."""
    galleries = {name: one.gallery for name, one in judged.items() if one.gallery is not None}
    if galleries:
        page.heading("Identification by one photo a person")
        first = next(iter(galleries.values()))
        page.text(
            f"The paper's protocol: one random photo of each of {first.people} people is the gallery, the other "
            f"{first.probes} are probes; {len(first.repetitions)} galleries, standard deviation over them."
        )
        header = ["model", "of the probes (the paper's)", "mean over people", "among the five nearest"]
        page.table(header, [[name, *_of_gallery(gallery)] for name, gallery in galleries.items()])
    opened = {name: one.strangers for name, one in judged.items() if one.strangers is not None}
    if opened:
        _add_strangers(page, opened)


def _of_gallery(found: RandomGallery) -> list[str]:
    pairs = (found.micro, found.micro_std), (found.macro, found.macro_std), (found.rank5, found.rank5_std)
    return [f"{mean:.4f} ± {std:.4f}" for mean, std in pairs]


def _add_strangers(page: Page, opened: Mapping[str, Identification]) -> None:
    first = next(iter(opened.values()))
    page.heading("Known people and strangers")
    page.text(
        f"A gallery of {first.gallery} people with one photo each, {first.known} other photos of them, {first.unknown} "
        "photos of strangers. CMC at k: share of known probes whose person is among the k likeliest. DIR: share of "
        "them who are named rightly at a threshold that lets the stated share of strangers (FPIR) be taken for "
        "somebody; FNIR is 1 - DIR. Intervals are 95 %, over people."
    )
    ranks = [rank for rank in RANKS if rank <= first.gallery]
    header = ["model", *(f"CMC at {rank}" for rank in ranks)]
    header += [f"{rate} at FPIR {fpir:g}" for fpir in first.dir for rate in ("DIR", "FNIR")]
    rows = [
        [
            name,
            *(f"{found.cmc[rank - 1]:.4f}" for rank in ranks),
            *(cell for fpir in first.dir for cell in _rates(found.dir[fpir])),
        ]
        for name, found in opened.items()
    ]
    page.table(header, rows)
    styles = ("found", "other", "reference")
    series = [
        Series(name, list(enumerate(found.cmc[:SHOWN], 1)), styles[min(i, len(styles) - 1)], line=True)
        for i, (name, found) in enumerate(opened.items())
    ]
    page.picture(chart(series, "k", "CMC"), "Share of known probes whose person is among the k likeliest.")


def _rates(found: Interval) -> tuple[str, str]:
    """DIR and FNIR."""
    return (
        f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})",
        f"{1 - found.value:.4f} ({1 - found.high:.4f} to {1 - found.low:.4f})",
    )
