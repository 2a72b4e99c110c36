"""What an app needs stands where a user looks: behind a search, in its page."""

from __future__ import annotations

from ._command import Command


def test_preprocessing_and_thresholds_behind_a_search_and_in_its_page(cli: Command, tiny: list[str]) -> None:
    without = cli(*tiny)
    assert "preprocessing: RGB, bilinear to 112 x 112" in without.out
    assert "thresholds: " in without.out
    photos = ("data=procedural", "data.people=60", "data.photos=4", "accuracy.calibration_photos=8")
    done = cli(*tiny, *photos)
    [line] = [line for line in done.out.splitlines() if line.startswith("threshold: ") and "of others" in line][:1]
    assert "squared L2 < " in line
    assert "cosine > " in line
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "Using the model" in page
    assert "same person if squared L2 below" in page
