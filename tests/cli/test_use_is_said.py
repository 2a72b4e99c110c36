"""What an app needs stands where a user looks: behind a search, in its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.exporters import read_metadata
from nasface.exporters.metadata import READERS
from nasface.runtimes import open_model
from nasface.testing.faces import write_contrast_model

from ._command import Command

PHOTOS = ("data=procedural", "data.people=60", "data.photos=4", "accuracy.calibration_photos=8")


def test_preprocessing_and_thresholds_behind_a_search_and_in_its_page(cli: Command, tiny: list[str]) -> None:
    without = cli(*tiny)
    assert "preprocessing: RGB, bilinear to 112 x 112" in without.out
    assert "thresholds: " in without.out
    done = cli(*tiny, *PHOTOS, "evaluation.beside=[smallest]", "evaluation.bootstrap=20")
    [line] = [line for line in done.out.splitlines() if line.startswith("threshold: ") and "of others" in line][:1]
    assert "squared L2 < " in line
    assert "cosine > " in line
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "Using the model" in page
    assert "same person if squared L2 below" in page
    [other] = done.result["measurements"]["measured"]["beside"]
    low, high = other["found_minus_it"]["auc"]
    mine = done.result["measurements"]["measured"]["row"]["auc"]
    assert (other["network"], low <= mine - other["row"]["auc"] <= high) == ("smallest", True)
    assert "measured, found less smallest: AUC " in done.out
    assert "What the search has won, measured" in page


def test_networks_to_measure_beside_are_those_that_there_are(cli: Command, tiny: list[str]) -> None:
    done = cli(*tiny, "evaluation.beside=[middle]")
    assert (done.code, "largest, published, smallest" in done.err) == (2, True)


@pytest.mark.parametrize("suffix", ["tflite", "onnx"])
def test_a_file_gets_the_thresholds_that_were_measured_afterwards(cli: Command, tmp_path: Path, suffix: str) -> None:
    path = write_contrast_model(tmp_path / f"model.{suffix}")
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    before, described = open_model(path).embed(images), read_metadata(path)
    done = cli("evaluate", f"model={path}", *PHOTOS[:3], "evaluation.write_thresholds=true", "evaluation.bootstrap=0")
    assert done.code == 0, done.err
    after = read_metadata(path)
    assert {**after, "thresholds": None} == {**described, "thresholds": None}
    points = done.result["decision"]["details"][str(path)]["all_pairs"]["points"]
    assert [entry["squared_l2"] for entry in after["thresholds"]] == [point["threshold"] for point in points]
    assert after["thresholds"] != described["thresholds"]
    np.testing.assert_array_equal(open_model(path).embed(images), before)
    assert "threshold: squared L2 < " in cli("inspect", f"model={path}").out


def test_files_that_hold_no_description_are_refused_before_measuring(cli: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.ones((240, 8), np.float32))
    done = cli("evaluate", f"model={tmp_path / 'd.npy'}", *PHOTOS[:3], "evaluation.write_thresholds=true")
    assert done.code == 2
    assert "none of the formats that hold a description" in done.err
    (tmp_path / "net.config").write_text("{}")
    (tmp_path / "model.safetensors").touch()
    done = cli("evaluate", f"network={tmp_path}", *PHOTOS[:3], "evaluation.write_thresholds=true")
    assert "give model=FILE" in done.err


def test_ten_people_with_four_photos_give_a_model_and_what_they_cannot_tell_is_said(
    cli: Command, tiny: list[str]
) -> None:
    done = cli(*tiny, "data=procedural", "data.people=10", "data.photos=4", "accuracy.calibration_photos=8")
    assert done.code == 0, done.err
    assert "left out: no intervals: " in done.out
    assert "measured on report people (photos:8 for calibration): AUC " in done.out
    said = read_metadata(done.folder / "model.tflite")["thresholds"]
    assert said == "not measured: too few pairs of photos of two people were given"


def test_what_comes_next_is_inspected_only_where_a_file_says_how_it_is_used(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_contrast_model(tmp_path / "model.tflite")
    evaluate = ("evaluate", f"model={path}", *PHOTOS[:3], "evaluation.bootstrap=0")
    assert "next: nasface inspect model=" in cli(*evaluate).out
    monkeypatch.setitem(READERS, ".tflite", lambda _: None)  # as of somebody else's file
    done = cli(*evaluate)
    assert done.code == 0, done.err
    assert "next: " not in done.out
