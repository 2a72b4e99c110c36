"""Descriptors are judged on report people and listed pairs only, and by nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from nasface.data import FaceData, FaceSet, load_data
from nasface.errors import InvalidInput
from nasface.metrics import evaluate_all_pairs, leave_one_out, open_set, random_gallery
from nasface.recognition import Embedded, Judgement, judge


@pytest.fixture(scope="module")
def data() -> FaceData:
    made = load_data({"name": "procedural", "people": 60, "photos": 5})
    assert made.pairs is not None
    return made


def noisy(faces: FaceSet, noise: float = 0.7) -> npt.NDArray[np.float32]:
    """float32[n, 32]: a random direction for every person, and noise."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((len(faces.people), 32))
    return (centres[faces.labels] + noise * rng.standard_normal((len(faces), 32))).astype(np.float32)


def judged(
    data: FaceData, descriptors: npt.NDArray[np.float32], rows: npt.NDArray[np.int64] | None = None, resamples: int = 0
) -> Judgement:
    rows = np.arange(len(descriptors)) if rows is None else rows
    return judge(Embedded(descriptors, rows, ()), data.photos_to_judge, data, None, resamples, np.random.default_rng(0))


def test_figures_are_those_of_the_report_people(data: FaceData) -> None:
    faces, report = data.photos_to_judge, data.require("report")
    descriptors = noisy(faces)
    found = judged(data, descriptors)
    mine = faces.positions(list(report.names))
    expected = evaluate_all_pairs(descriptors[mine], report.labels, [point.far for point in found.all_pairs.points])
    assert found.all_pairs == expected
    assert found.identification == leave_one_out(descriptors[mine], report.labels)
    assert 0.8 < found.all_pairs.auc < 1
    row = found.row()
    assert (row["auc"], row["eer"], row["rank1"]) == (expected.auc, expected.eer, found.identification.micro)
    assert row[f"tar@{expected.points[-1].far:g}"] == expected.points[-1].tar


def test_identification_of_the_report_people(data: FaceData) -> None:
    """Closed set by the paper's draws, and with strangers."""
    faces, report = data.photos_to_judge, data.require("report")
    descriptors = noisy(faces)
    found, mine = judged(data, descriptors), descriptors[faces.positions(list(report.names))]
    assert found.gallery == random_gallery(mine, report.labels)
    assert found.strangers == open_set(mine, report.labels, np.random.default_rng(0), resamples=0)
    row = found.row()
    assert 0 < row["identification"] == found.gallery.micro < 1
    assert not [name for name in row if name.startswith("dir")], "so few strangers support no rate"


def test_people_of_other_roles_change_nothing(data: FaceData) -> None:
    """Even if descriptors of training and validation people are handed in, they are not part of a result."""
    everything, mine = data.everything, dataclasses.replace(data, pairs=None)
    good, spoilt = noisy(everything), noisy(everything)
    others = np.setdiff1d(np.arange(len(everything)), everything.positions(list(data.require("report").names)))
    spoilt[others] = 1.0

    def figures(descriptors: npt.NDArray[np.float32]) -> Judgement:
        whole = Embedded(descriptors, np.arange(len(everything)), ())
        return judge(whole, everything, mine, None, 0, np.random.default_rng(0))

    assert figures(good) == figures(spoilt)


def test_photos_that_were_skipped_do_not_shift_the_people(data: FaceData) -> None:
    faces = data.photos_to_judge
    descriptors, kept = noisy(faces, 0.01), np.flatnonzero(np.arange(len(faces)) % 7)
    found = judged(data, descriptors[kept], kept)
    assert found.all_pairs.auc == 1
    assert found.identification.micro == 1
    assert found.pairs.accuracy == 1
    assert judged(data, descriptors).all_pairs.photos > found.all_pairs.photos


def test_listed_pairs_alone(data: FaceData) -> None:
    only_pairs = dataclasses.replace(data, report=None)
    found = judged(only_pairs, noisy(only_pairs.photos_to_judge))
    assert (found.all_pairs, found.identification, found.intervals) == (None, None, {})
    assert (found.gallery, found.strangers) == (None, None)
    assert set(found.row()) >= {"pairs accuracy", "pairs auc"}
    assert 0.6 < found.pairs.accuracy <= 1


def test_intervals_hold_the_figures_and_are_asked_for(data: FaceData) -> None:
    descriptors = noisy(data.photos_to_judge, 1.2)
    found = judged(data, descriptors, resamples=40)
    interval = found.intervals["auc"]
    assert interval.low < found.all_pairs.auc < interval.high
    assert found.interval("auc") == f"{interval.low:.4f}–{interval.high:.4f}"
    assert judged(data, descriptors).interval("auc") == ""
    for resamples in (0, 3):  # the figures themselves do not depend on how often people are resampled
        other = judged(data, descriptors, resamples=resamples)
        assert (other.row(), other.strangers.cmc) == (found.row(), found.strangers.cmc)


def test_rates_that_the_photos_cannot_carry(data: FaceData) -> None:
    faces = data.photos_to_judge
    whole = Embedded(noisy(faces), np.arange(len(faces)), ())
    carried = [point.far for point in judged(data, noisy(faces)).all_pairs.points]
    impostors = judged(data, noisy(faces)).all_pairs.impostors
    assert carried
    assert all(far * impostors >= 10 for far in carried)
    with pytest.raises(InvalidInput, match="impostor pairs"):
        judge(whole, faces, data, [1e-6], 0, np.random.default_rng(0))
