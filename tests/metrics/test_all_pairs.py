"""All-pairs verification and the exact curve, against brute force and scikit-learn-free definitions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasface.errors import InvalidInput
from nasface.metrics import PairDistances, all_pairs, evaluate_all_pairs

FEW_VALUES = st.lists(st.integers(0, 8).map(lambda v: v / 4), min_size=1, max_size=30)


def brute_force_roc(genuine: npt.NDArray[Any], impostor: npt.NDArray[Any]) -> tuple[float, float]:
    """Area by comparing all with all; equal error rate by walking the curve's corners."""
    area = (genuine[:, None] < impostor).mean() + 0.5 * (genuine[:, None] == impostor).mean()
    corners = [(0.0, 0.0)]
    corners += [
        (float((impostor <= v).mean()), float((genuine <= v).mean()))
        for v in np.unique(np.concatenate([genuine, impostor]))
    ]
    for (x0, y0), (x1, y1) in itertools.pairwise(corners):
        if x1 + y1 >= 1:
            share = (1 - x0 - y0) / (x1 + y1 - x0 - y0)
            return float(area), x0 + share * (x1 - x0)
    raise AssertionError("the curve ends at (1, 1)")


@given(FEW_VALUES, FEW_VALUES)
def test_curve_equals_brute_force_also_with_ties(genuine: list[float], impostor: list[float]) -> None:
    g, i = np.array(genuine), np.array(impostor)
    roc = PairDistances(g, i).roc()
    assert (roc.auc, roc.eer) == pytest.approx(brute_force_roc(g, i))


@given(FEW_VALUES, FEW_VALUES, st.data())
def test_integer_weights_equal_repetition(genuine: list[float], impostor: list[float], data: st.DataObject) -> None:
    g, i = np.sort(genuine), np.sort(impostor)
    wg = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(g), max_size=len(g)).filter(any)))
    wi = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(i), max_size=len(i)).filter(any)))
    weighted = PairDistances(g, i).roc(wg, wi)
    repeated = PairDistances(np.repeat(g, wg), np.repeat(i, wi)).roc()
    assert (weighted.auc, weighted.eer) == pytest.approx((repeated.auc, repeated.eer))
    assert weighted.at_far(0.3).tar == pytest.approx(repeated.at_far(0.3).tar)


@given(FEW_VALUES, FEW_VALUES, st.floats(0.01, 0.99))
def test_operating_point_keeps_its_rate_and_no_looser_one_does(
    genuine: list[float], impostor: list[float], far: float
) -> None:
    g, i = np.array(genuine), np.array(impostor)
    point = PairDistances(g, i).roc().at_far(far)
    assert (i < point.threshold).mean() <= far
    assert point.tar == (g < point.threshold).mean()
    looser = i[i > point.threshold]
    assert not looser.size or (i < looser.min()).mean() > far


@pytest.fixture
def clustered(rng: np.random.Generator) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]:
    """90 noisy descriptors of 12 people with 1 to 14 photos, shuffled."""
    people = np.concatenate([rng.integers(0, 12, 78), np.arange(12)])
    rows = rng.normal(size=(12, 16))[people] + 0.8 * rng.normal(size=(90, 16))
    return rows.astype(np.float32), np.array([f"person {p}" for p in people])


def by_hand(rows: npt.NDArray[Any], labels: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    first, second = np.triu_indices(len(rows), 1)
    distances = ((unit[first] - unit[second]) ** 2).sum(axis=1)
    same = labels[first] == labels[second]
    return distances[same], distances[~same]


@pytest.mark.parametrize("block", [1, 200, 1 << 22])
def test_all_pairs_equal_a_double_loop(clustered: Any, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_pairs, "BLOCK_VALUES", block)
    rows, labels = clustered
    genuine, impostor = by_hand(rows, labels)
    result = evaluate_all_pairs(rows, labels, fars=(0.1, 0.01))
    assert (result.genuine, result.impostors) == (len(genuine), len(impostor))
    assert (result.photos, result.people) == (90, 12)
    assert result.auc == pytest.approx((genuine[:, None] < impostor).mean(), abs=1e-6)
    assert result.eer == pytest.approx(PairDistances(genuine, impostor).roc().eer, abs=1e-6)
    for point in result.points:
        assert (impostor < point.threshold).mean() == pytest.approx(point.far, abs=2 / len(impostor))
        assert (genuine < point.threshold - 1e-6).mean() <= point.tar <= (genuine < point.threshold + 1e-6).mean()
    assert result.tar(0.1) == result.points[0].tar


def test_result_ignores_length_of_descriptors_and_order_of_photos(clustered: Any, rng: np.random.Generator) -> None:
    rows, labels = clustered
    order = rng.permutation(len(rows))
    scaled = (rows * rng.uniform(0.5, 2.0, (len(rows), 1)).astype(np.float32))[order]
    a, b = evaluate_all_pairs(rows, labels, (0.1,)), evaluate_all_pairs(scaled, labels[order], (0.1,))
    assert (a.auc, a.eer, a.tar(0.1)) == pytest.approx((b.auc, b.eer, b.tar(0.1)), abs=1e-5)


def test_one_descriptor_for_everybody_is_worth_nothing() -> None:
    result = evaluate_all_pairs(np.ones((40, 4)), np.repeat(np.arange(10), 4), (0.1,))
    assert (result.auc, result.eer, result.tar(0.1)) == (0.5, 0.5, 0.0)


def test_far_below_ten_impostor_pairs_is_refused(clustered: Any) -> None:
    with pytest.raises(InvalidInput, match="impostor pairs"):
        evaluate_all_pairs(*clustered, fars=(1e-3,))
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        evaluate_all_pairs(*clustered, fars=(1.0,))
    with pytest.raises(InvalidInput, match=r"computed at 0\.2"):
        evaluate_all_pairs(*clustered, fars=(0.1,)).tar(0.2)


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (np.ones(3), [0, 0, 1], "matrix"),
        (np.ones((3, 2)), [0, 1], "needs one label: 3 descriptors"),
        ([[1.0, 0], [0, 0], [1, 1]], [0, 0, 1], "1 of 3 descriptors are zero"),
        ([[1.0, 0], [np.nan, 0], [1, 1]], [0, 0, 1], "not finite"),
        (np.ones((3, 2)), [0, 1, 2], "one of them with two photos"),
        (np.ones((3, 2)), [0, 0, 0], "at least two people"),
    ],
)
def test_bad_descriptors_are_refused(rows: Any, labels: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        evaluate_all_pairs(rows, labels, ())


def test_too_many_pairs_are_refused(clustered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_pairs, "MAX_PAIRS", 4004)
    with pytest.raises(InvalidInput, match="90 photos make 4,005 pairs and at most 4,004"):
        evaluate_all_pairs(*clustered, fars=())


def test_teacher_descriptors_on_the_report_people(shared_data: Any) -> None:
    """A public network's descriptors give the pair counts that the data's README states, and a good curve."""
    files = (shared_data / "teacher_lfw112" / "files.txt").read_text().split()
    people = set((shared_data / "lfw112" / "report_people.txt").read_text().split())
    labels = np.array([name.split("/")[0] for name in files])
    chosen = np.flatnonzero(np.isin(labels, sorted(people)))
    rows = np.load(shared_data / "teacher_lfw112" / "descriptors.npy", mmap_mode="r")[chosen]
    result = evaluate_all_pairs(rows, labels[chosen])
    assert (result.photos, result.people, result.genuine) == (2741, 963, 23524)
    assert result.impostors == 3731646
    assert result.auc > 0.99
