"""Identification on the page of an evaluation: every figure stands where it belongs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from nasface.metrics import open_set, random_gallery
from nasface.recognition import Judgement
from nasface.reports.identification import add_identification
from nasface.reports.page import Page


def written(folder: Path, judgement: Judgement) -> str:
    page = Page("identification")
    add_identification(page, {"a [b]": judgement})
    page.write(folder / "page.html")
    return (folder / "page.html").read_text()


def test_closed_and_open_set(rng: np.random.Generator, tmp_path: Path) -> None:
    people = np.repeat(np.arange(60), 4)
    x = rng.normal(size=(60, 6))[people] + 0.6 * rng.normal(size=(240, 6))
    closed, opened = random_gallery(x, people), open_set(x, people, rng, resamples=50)
    judgement, dir_ = Judgement(None, None, closed, opened, {}, None), opened.dir[0.1]
    assert judgement.row()["dir@fpir0.1"] == dir_.value
    text = written(tmp_path, judgement)
    for figure in (
        f"{closed.micro:.4f} ± {closed.micro_std:.4f}",
        f"{opened.cmc[4]:.4f}",
        f"{dir_.value:.4f} ({dir_.low:.4f} to {dir_.high:.4f})",
        f"{1 - dir_.value:.4f} ({1 - dir_.high:.4f} to {1 - dir_.low:.4f})",
        "a gallery of 30 people",
        "FNIR at FPIR 0.1",
    ):
        assert figure.lower() in text.lower(), figure
    assert re.search(r"<svg[^>]*>", text)


def test_nothing_without_people(tmp_path: Path) -> None:
    assert "<h2>" not in written(tmp_path, Judgement(None, None, None, None, {}, None))
