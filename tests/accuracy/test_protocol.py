"""The metrics of a table are those of `nasface.metrics`, on all photos and on halves."""

from __future__ import annotations

import numpy as np
import pytest

from nasface import metrics
from nasface.accuracy.protocol import Protocol, halves
from nasface.errors import InvalidInput
from nasface.metrics import ListedPairs, balanced_pairs, evaluate_pairs, squared_distances


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """60 people with two to seven photos and 20 with one, in no order."""
    rng = np.random.default_rng(0)
    return rng.permutation(np.concatenate([np.repeat(np.arange(60), rng.integers(2, 8, 60)), np.arange(100, 120)]))


@pytest.fixture(scope="module")
def rows(labels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(120, 24))
    return (centres[labels] + 1.3 * rng.normal(size=(len(labels), 24))).astype(np.float32)


def test_whole_set(labels: np.ndarray, rows: np.ndarray) -> None:
    found = Protocol(labels).measure(rows)
    pairs = metrics.evaluate_all_pairs(rows, labels)
    assert found["auc"] == pytest.approx(pairs.auc, abs=1e-6)
    assert found["eer"] == pytest.approx(pairs.eer, abs=1e-6)
    assert found["tar_at_far_1e-3"] == pytest.approx(pairs.tar(1e-3), abs=1e-6)
    assert found["rank1"] == pytest.approx(metrics.leave_one_out(rows, labels).micro)


def test_identification_is_among_people_with_a_probe(labels: np.ndarray, rows: np.ndarray) -> None:
    several = labels < 100
    order = np.argsort(labels[several], kind="stable")
    expected = metrics.random_gallery(rows[several][order], labels[several][order])
    found = Protocol(labels).measure(rows)
    assert found["identification"] == pytest.approx(expected.micro)
    assert found["identification_macro"] == pytest.approx(expected.macro)
    assert found["identification"] != found["identification_macro"]


def test_parts_are_judged_by_themselves(labels: np.ndarray, rows: np.ndarray) -> None:
    codes = np.unique(labels, return_inverse=True)[1]
    found = Protocol(labels).measure(rows)
    for name, part in halves(codes).items():
        assert found[f"auc_{name}"] == pytest.approx(metrics.evaluate_all_pairs(rows[part], labels[part], ()).auc)
    assert "tar_at_far_1e-2_half1" in found
    assert "tar_at_far_1e-3_half1" not in found  # too few impostor pairs in a half


def test_halves(labels: np.ndarray) -> None:
    codes = np.unique(labels, return_inverse=True)[1]
    parts = halves(codes)
    assert not set(labels[parts["half1"]]) & set(labels[parts["half2"]])
    for name in ("half", "photos"):
        together = np.concatenate([parts[f"{name}1"], parts[f"{name}2"]])
        np.testing.assert_array_equal(np.sort(together), np.arange(len(labels)))
    counts = np.array([np.bincount(codes[parts[f"photos{i}"]], minlength=codes.max() + 1) for i in (1, 2)])
    assert np.abs(counts[0] - counts[1]).max() == 1  # every person's photos are shared evenly


def test_given_pairs(labels: np.ndarray, rows: np.ndarray) -> None:
    drawn = balanced_pairs(labels, np.random.default_rng(9), per_fold=20)
    found = Protocol(labels, drawn).measure(rows)
    expected = evaluate_pairs(squared_distances(rows, drawn.first, drawn.second), drawn.same, drawn.folds, None)
    assert found["accuracy"] == pytest.approx(expected.accuracy)


def test_the_order_of_photos_does_not_matter_to_all_pairs(labels: np.ndarray, rows: np.ndarray) -> None:
    turned = np.random.default_rng(2).permutation(len(labels))
    one, other = Protocol(labels).measure(rows), Protocol(labels[turned]).measure(rows[turned])
    for name in ("auc", "eer", "rank1", "auc_half1"):
        assert one[name] == pytest.approx(other[name], abs=1e-6)


def test_what_photos_do_not_suffice_for_is_left_out() -> None:
    few = np.repeat([0, 1, 2], 2)
    found = Protocol(few).measure(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    suffices = {metric.name for metric in metrics.METRICS if metric.needs(metrics.PhotoSet.of(few))}
    assert "auc" in suffices < {metric.name for metric in metrics.METRICS}
    assert {name for name in found if "_half" not in name and "_photos" not in name} == suffices


def test_photos_that_suffice_for_nothing() -> None:
    with pytest.raises(InvalidInput, match="3 photos of 3 people are too few for any metric"):
        Protocol(np.arange(3))


def test_wrong_pairs_are_not_silently_used(labels: np.ndarray, rows: np.ndarray) -> None:
    one_fold = ListedPairs(np.array([0]), np.array([1]), np.array([True]), np.array([0]))
    with pytest.raises(InvalidInput, match="at least two folds"):
        Protocol(labels, one_fold).measure(rows)
