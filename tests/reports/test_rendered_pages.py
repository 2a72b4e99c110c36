"""Pages as a browser shows them: nothing hangs over, names do not lie on one another, everything can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nasface.analysis import PredictorComparison, Row, SearchFacts, SearchOutcome, Seconds, compare, standing
from nasface.analysis.profile import profile_space
from nasface.costs import Macs
from nasface.data import load_data
from nasface.devices.check import MEDIAN, LatencyCheck
from nasface.recognition import Embedded, judge
from nasface.reports.evaluation_page import write_evaluation
from nasface.reports.latency_page import write_latency_page
from nasface.reports.page import Page, write_markdown_page
from nasface.reports.predictor_table import write_comparison
from nasface.reports.profile_page import write_profile
from nasface.reports.search_page import write_page
from nasface.reports.supernet_page import write_supernet_page
from nasface.reports.svg import Series, picture
from nasface.reports.training_report import write_training_report
from nasface.strategies import Constraint

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

FOUND_WRONG = (Path(__file__).parent / "page_check.js").read_text(encoding="utf-8")
"""What is wrong with a page, in words."""


def of_search(path: Path, facts: SearchFacts) -> None:
    outcome = SearchOutcome(facts, compare(facts), standing(facts), (), None, Seconds(1.0, 2.0))
    write_page(path, outcome, "nasface device=sd865 data.root='a folder'", "nasface inspect model=model.tflite")


def of_evaluation(path: Path, facts: SearchFacts) -> None:
    data = load_data({"name": "procedural", "people": 80, "photos": 4})
    faces, rng = data.photos_to_judge, np.random.default_rng(1)
    centres, judged = rng.standard_normal((len(faces.people), 32)), {}
    for name, noise in (("runs/2026-11-29_12-00-00_search/model.tflite", 0.7), ("b.onnx", 1.5)):
        rows = (centres[faces.labels] + noise * rng.standard_normal((len(faces), 32))).astype(np.float32)
        judged[name] = judge(Embedded(rows, np.arange(len(rows)), ()), faces, data, None, 20, rng)
    page = Page("How good the models are", "people", "nasface evaluate")
    write_evaluation(page, judged)
    page.write(path)


def of_check(path: Path, facts: SearchFacts) -> None:
    rng, entry = np.random.default_rng(0), facts.devices[0]
    sample = facts.space.sample(rng, 40)
    predicted = entry.latency.predict(sample)
    check = LatencyCheck.of(predicted, predicted * rng.normal(1.05, 0.03, 40), rng)
    names = [facts.space.to_text(row) for row in sample]
    write_latency_page(
        path, entry, "a phone", {MEDIAN: check}, names, 0.1, ["The phone was busy."], "nasface check_latency"
    )


def of_training(path: Path, facts: SearchFacts) -> None:
    shared = {"phase": "sandwich", "epoch": "0.5", "resolution": "112", "learning_rate": "0.002"}
    progress = [
        shared | {"step": str(step), "loss": str(9 / step), "seconds": "100", "cpu_seconds": "90"}
        for step in (20, 40, 60)
    ]
    validation = [
        {
            "step": str(step),
            "phase": "sandwich",
            "network": name,
            "auc": str(0.8 + step / 1000),
            "tar": "0.1",
            "far": "0.001",
        }
        for step in (20, 40, 60)
        for name in ("smallest", "middle", "largest", "d=2", "d=3")
    ]
    write_training_report(
        path, "100 photos", progress, validation, {"options": {"a": 1}}, "nasface", "nasface train_supernet"
    )


def at(step: int) -> Row:
    return {"step": step, "cpu_hours": step / 9}


def of_supernet(path: Path, facts: SearchFacts) -> None:
    rows: list[Row] = [
        {
            "network": name,
            "weights": "average",
            "auc": 0.9 + step / 1e5,
            "tar@0.001": 0.25,
            "step": step,
            "cpu_hours": step / 9,
        }
        for step in (100, 200, 300)
        for name in ("smallest", "middle", "largest")
    ]
    write_supernet_page(path.parent, "lfw", rows, "nasface evaluate_supernet")


def of_profile(path: Path, facts: SearchFacts) -> None:
    macs = Macs(facts.space)
    found = profile_space(facts.space, [macs], [Constraint(macs, 1e8, "macs")], np.random.default_rng(0))
    write_profile(path, found, "nasface profile")


def of_predictors(path: Path, facts: SearchFacts) -> None:
    rng, rows = np.random.default_rng(0), []
    figures = ("kendall_tau", "pair_accuracy", "regret_1", "regret_5", "fit_seconds", "predict_us", "networks")
    for name in ("ridge", "lightgbm_bradley_terry", "gp_stage", "macs_only"):
        for size in (100, 400, 1206):
            for split in range(3):
                row: Row = {"predictor": name, "size": size, "seed": split, "region": "all"}
                rows.append(row | {figure: float(0.8 + rng.normal(0, 0.02)) for figure in figures})
    write_comparison(path, PredictorComparison.of(rows, "macs_only"), "1,508 networks", "nasface compare_predictors")


def of_experiment(path: Path, facts: SearchFacts) -> None:
    curve = picture([Series("a line", [(1, 2), (2, 3)], "line line0", line=True)], "budget", "gap, %")
    table = "| " + " | ".join(f"column {i}" for i in range(12)) + " |\n|" + "---|" * 12 + "\n|" + " 0.1234 |" * 12
    write_markdown_page(
        path, f"# Gap\n\n    nasface experiment=gap\n\n{table}\n\n![gap](gap_a.svg)\n", {"gap_a.svg": curve}
    )


PAGES = (
    of_search,
    of_evaluation,
    of_check,
    of_training,
    of_supernet,
    of_profile,
    of_predictors,
    of_experiment,
)


@pytest.mark.parametrize("write", PAGES)
def test_pages_can_be_read(
    write: Callable[[Path, SearchFacts], None], facts: SearchFacts, browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write(path, facts)
    found: dict[str, Any] = {}
    for width, scheme in ((400, "light"), (400, "dark"), (800, "light"), (1200, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
        page.goto(path.as_uri())
        found[f"{width} {scheme}"] = [*page.evaluate(FOUND_WRONG), *errors]
        context.close()
    wrong = [f"{view}: {what}" for view, all_of_it in found.items() for what in all_of_it[:5]]
    assert not wrong, "\n".join(wrong)


def test_without_a_script_a_page_is_the_same(facts: SearchFacts, browser: Browser, tmp_path: Path) -> None:
    of_search(tmp_path / "report.html", facts)
    texts = []
    for script in (True, False):
        context = browser.new_context(java_script_enabled=script)
        page = context.new_page()
        page.goto((tmp_path / "report.html").as_uri())
        texts.append(page.locator("main").inner_text())
        context.close()
    assert texts[0] == texts[1]


def test_headings_sort_a_table(facts: SearchFacts, browser: Browser, tmp_path: Path) -> None:
    of_search(tmp_path / "report.html", facts)
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    column = "Array.from(document.querySelectorAll('table.sorts tbody')[0].rows, (row) => row.cells[2].textContent)"
    heading = page.locator("table.sorts").first.locator("th").nth(2)
    heading.click()
    rising = [float(text) for text in page.evaluate(column)]
    heading.press("Enter")
    falling = [float(text) for text in page.evaluate(column)]
    page.close()
    assert rising == sorted(rising) == falling[::-1]
    assert rising[0] < rising[-1]
