"""The page of an evaluation says what was measured, of every model, in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.data import load_data
from nasface.metrics import false_accepts
from nasface.recognition import Embedded, Judgement, judge
from nasface.reports.cells import figure_text
from nasface.reports.evaluation_page import figure_rows, write_evaluation
from nasface.reports.page import Page

DATA = {"name": "procedural", "people": 60, "photos": 5}


@pytest.fixture(scope="module")
def judged() -> dict[str, Judgement]:
    data = load_data(DATA)
    faces = data.photos_to_judge
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((len(faces.people), 32))
    made = {}
    for name, noise in (("good.tflite", 0.5), ("bad.tflite", 2.0)):
        rows = (centres[faces.labels] + noise * rng.standard_normal((len(faces), 32))).astype(np.float32)
        embedded = Embedded(rows, np.arange(len(rows)), ())
        made[name] = judge(embedded, faces, data, None, 0, np.random.default_rng(0))
    return made


def page_of(judged: dict[str, Judgement], folder: Path, people: list[str] | None = None) -> str:
    page = Page("evaluation", command="nasface evaluate")
    write_evaluation(page, judged, people or [])
    page.write(folder / "page.html")
    return (folder / "page.html").read_text()


def test_figures_of_every_model_stand_side_by_side(judged: dict[str, Judgement], tmp_path: Path) -> None:
    rows = {row[0]: row[1:] for row in figure_rows(judged)}
    good, bad = judged.values()
    assert rows["AUC"] == [f"{good.all_pairs.auc:.4g}", f"{bad.all_pairs.auc:.4g}"]
    html = page_of(judged, tmp_path)
    for text in ("good.tflite", "bad.tflite", "ROC", "DET", "TAR at FAR 10 %", "nasface evaluate"):
        assert text in html, text
    assert "tar@" not in html
    for point in bad.all_pairs.points:
        assert f"{point.threshold:.4g}" in html, "thresholds stand on the page"


def test_people_are_numbered_unless_they_may_be_named(judged: dict[str, Judgement], tmp_path: Path) -> None:
    data = load_data(DATA)
    report = data.require("report")
    names = [report.people[code] for code in np.unique(report.labels).tolist()]
    bad = {"bad.tflite": judged["bad.tflite"]}
    worst = judged["bad.tflite"].mistaken[0]
    numbered, named = page_of(bad, tmp_path), page_of(bad, tmp_path, names)
    assert f"<td>no. {worst.person}</td><td>{worst.pairs}</td>" in numbered
    assert not any(f"<td>{name}</td>" in numbered for name in names)
    assert f"<td>{names[worst.person - 1]}</td><td>{worst.pairs}</td>" in named


def test_the_most_mistaken_people_are_those_with_the_most_false_accepts(judged: dict[str, Judgement]) -> None:
    data = load_data(DATA)
    faces, report = data.photos_to_judge, data.require("report")
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((len(faces), 32)).astype(np.float32)
    found = judge(Embedded(rows, np.arange(len(rows)), ()), faces, data, None, 0, rng)
    mine = faces.positions(list(report.names))
    threshold = min(found.all_pairs.points, key=lambda point: point.far).threshold
    counts = false_accepts(rows[mine], report.labels, threshold)
    assert [one.pairs for one in found.mistaken] == sorted(counts[counts > 0].tolist(), reverse=True)[:10]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("auc", "AUC"),
        ("tar@0.001", "TAR at FAR 0.1 %"),
        ("tar@0.1 low", "TAR at FAR 10 % low"),
        ("dir@fpir0.01", "DIR at FPIR 1 %"),
        ("rank1", "rank-1"),
        ("pairs accuracy", "pairs accuracy"),
    ],
)
def test_figures_are_called_what_readers_call_them(label: str, text: str) -> None:
    assert figure_text(label) == text
