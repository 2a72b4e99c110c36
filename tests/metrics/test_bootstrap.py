"""Bootstrap over people: weights, coverage, pairing."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import (
    PairDistances,
    bootstrap_difference,
    bootstrap_people,
    evaluate_all_pairs,
    stated_metrics,
    student_interval,
)
from nasface.metrics.bootstrap import MOST_PARTS, PeoplePairs
from nasface.metrics.resampling import LEAST_DEGREES, degrees_of_freedom

Set = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


def draw_set(rng: np.random.Generator, noise: float = 1.0, people: int = 30) -> Set:
    labels = np.repeat(np.arange(people), rng.integers(1, 6, people))
    return rng.normal(size=(people, 8))[labels] + noise * rng.normal(size=(len(labels), 8)), labels


def test_value_is_that_of_the_whole_set_and_lies_inside(rng: np.random.Generator) -> None:
    rows, labels = draw_set(rng)
    whole = evaluate_all_pairs(rows, labels, (0.01,))
    intervals = bootstrap_people(rows, labels, rng, fars=(0.01,))
    assert list(intervals) == [metric.label for metric in stated_metrics((0.01,)) if metric.curve is not None]
    values = {name: interval.value for name, interval in intervals.items()}
    assert values | {"auc": whole.auc, "eer": whole.eer, "tar@0.01": whole.tar(0.01)} == values
    for interval in intervals.values():
        assert interval.low < interval.value < interval.high
        assert interval.std > 0
        assert (interval.level, interval.resamples) == (0.95, 200)


def test_resample_equals_a_set_with_the_people_repeated(rng: np.random.Generator) -> None:
    """Multiplicities as weights equal copies of people, pairs between copies of one person being left out."""
    rows, labels = draw_set(rng, people=12)
    draw = rng.integers(0, 4, 12)
    copy_of, person = zip(*[(i, p) for i, p in enumerate(np.repeat(np.arange(12), draw))], strict=True)
    photos = [(c, p, row) for c, p in zip(copy_of, person, strict=True) for row in rows[labels == p]]
    unit = np.array([row / np.linalg.norm(row) for _, _, row in photos])
    first, second = np.triu_indices(len(photos), 1)
    copies, people = np.array(copy_of), np.array([p for _, p, _ in photos])
    copies = np.array([c for c, _, _ in photos])
    distances = ((unit[first] - unit[second]) ** 2).sum(axis=1)
    genuine = distances[copies[first] == copies[second]]
    impostor = distances[people[first] != people[second]]
    expected = PairDistances(genuine, impostor).roc()
    curves = {metric.label: metric.curve for metric in stated_metrics((0.1,)) if metric.curve is not None}
    found = PeoplePairs(rows, labels).statistics(draw, (0.1,))
    assert found == pytest.approx({name: curve(expected) for name, curve in curves.items()}, abs=1e-5)
    assert {"auc", "eer", "tar@0.1"} <= found.keys()


def test_same_seed_same_interval_and_any_order_of_photos(rng: np.random.Generator) -> None:
    rows, labels = draw_set(rng)
    order = rng.permutation(len(rows))
    a = bootstrap_people(rows, labels, np.random.default_rng(1), fars=(), resamples=20)
    b = bootstrap_people(rows[order], labels[order], np.random.default_rng(1), fars=(), resamples=20)
    assert a["auc"].low == pytest.approx(b["auc"].low, abs=1e-6)
    c = bootstrap_people(rows, labels, np.random.default_rng(2), fars=(), resamples=20)
    assert a["auc"].low != c["auc"].low


def test_spread_matches_that_of_fresh_samples_of_people() -> None:
    """The bootstrap's standard deviation is near the one over many independent sets of people."""
    rng = np.random.default_rng(5)
    fresh = [evaluate_all_pairs(*draw_set(rng, people=60), ()).auc for _ in range(150)]
    said = [bootstrap_people(*draw_set(rng, people=60), rng, fars=(), resamples=60)["auc"].std for _ in range(12)]
    assert 0.7 < np.mean(said) / np.std(fresh) < 1.4


@pytest.mark.parametrize("n", [12, 40])
def test_intervals_of_few_things_hold_the_truth_as_often_as_they_say(n: int) -> None:
    """A mean of exponential shares near 1, of which percentiles cover less: 0.95 is asked for."""
    rng, truth = np.random.default_rng(n), 0.9
    held = {"student": 0, "percentiles": 0}
    for _ in range(400):
        sample = 1.0 - rng.beta(1.0, 9.0, n)
        means = sample[rng.integers(n, size=(200, n))].mean(axis=1)
        found = student_interval(float(sample.mean()), means, n)
        held["student"] += found.low <= truth <= found.high
        low, high = np.quantile(means, [0.025, 0.975])
        held["percentiles"] += low <= truth <= high
    assert held["student"] >= 0.92 * 400
    assert held["student"] > held["percentiles"]


def test_people_count_by_their_genuine_pairs(rng: np.random.Generator) -> None:
    """Twenty people with three photos are twenty; one with ten beside them has 45 of the 105 pairs."""
    labels = np.repeat(np.arange(20), 3)
    assert PeoplePairs(rng.normal(size=(60, 4)), labels).effective_people == pytest.approx(20)
    labels = np.concatenate([labels, np.full(10, 20), np.arange(30, 40)])
    pairs = PeoplePairs(rng.normal(size=(80, 4)), labels)
    assert pairs.effective_people == pytest.approx(105**2 / (20 * 3**2 + 45**2))
    drawn = rng.normal(0.5, 0.01, 50)
    few, many = (student_interval(0.5, drawn, n) for n in (pairs.effective_people, 20))
    assert few.high - few.low > many.high - many.low


def test_a_deviation_that_a_few_people_decide_is_known_less_well(rng: np.random.Generator) -> None:
    """Degrees of freedom after Satterthwaite: of n normal parts about n, of one part that decides all, few."""
    normal = [degrees_of_freedom(rng.normal(size=40)) for _ in range(400)]
    assert 30 < np.median(normal) < 50
    assert degrees_of_freedom(np.eye(40)[0]) == LEAST_DEGREES
    drawn = rng.normal(0.9, 0.01, 50)
    alike, decided = (
        student_interval(0.9, drawn, 40, without=0.9 - 1e-3 * w) for w in (rng.normal(size=40), np.eye(40)[0])
    )
    plain = student_interval(0.9, drawn, 40)
    assert decided.high - decided.low > 1.2 * (plain.high - plain.low)
    assert plain.low >= alike.low > decided.low


def test_every_person_is_left_out_once_and_of_many_a_group(rng: np.random.Generator) -> None:
    for people in (12, 250):
        pairs = PeoplePairs(rng.normal(size=(2 * people, 4)), np.repeat(np.arange(people), 2))
        parts = np.array(list(pairs.parts()))
        assert len(parts) == min(people, MOST_PARTS)
        assert ((1 - parts).sum(axis=0) == 1).all()


def test_an_interval_of_a_share_stays_within_it_and_that_of_a_difference_lies_evenly() -> None:
    drawn = np.array([0.97, 0.99, 1.0, 0.98])
    share, difference = (student_interval(0.99, drawn, 10, share=share) for share in (True, False))
    assert 0.0 < share.low < 0.99 < share.high < 1.0
    assert difference.high - 0.99 == pytest.approx(0.99 - difference.low)
    factor = 2.2622 * np.sqrt(10 / 9)  # of t with nine degrees of freedom
    assert difference.high - 0.99 == pytest.approx(factor * drawn.std(ddof=1), rel=1e-4)
    whole = student_interval(1.0, drawn, 10)  # which has no logit
    assert 0.97 <= whole.low < whole.high == 1.0
    still = student_interval(0.3, np.full(5, 0.3), 10)
    assert (still.low, still.high) == pytest.approx((0.3, 0.3))
    assert still.low <= 0.3 <= still.high


def test_difference_of_a_set_with_itself_is_exactly_zero(rng: np.random.Generator) -> None:
    rows, labels = draw_set(rng)
    for interval in bootstrap_difference(rows, rows, labels, rng, fars=(0.01,), resamples=20).values():
        assert (interval.value, interval.low, interval.high, interval.std) == (0, 0, 0, 0)


def test_paired_difference_is_sharper_than_either_set(rng: np.random.Generator) -> None:
    rows, labels = draw_set(rng)
    worse = rows + 0.3 * rng.normal(size=rows.shape)
    difference = bootstrap_difference(rows, worse, labels, rng, fars=())["auc"]
    assert difference.value > 0
    assert difference.std < bootstrap_people(rows, labels, rng, fars=())["auc"].std


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"resamples": 1}, "2 or more resamples"), ({"level": 1.0}, "level"), ({"fars": (1e-6,)}, "impostor pairs")],
)
def test_bad_settings_are_refused(settings: Any, message: str, rng: np.random.Generator) -> None:
    with pytest.raises(InvalidInput, match=message):
        bootstrap_people(*draw_set(rng), rng, **settings)


def test_too_few_people_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InvalidInput, match="10 or more people with two photos; there are 9"):
        bootstrap_people(rng.normal(size=(18, 4)), np.repeat(np.arange(9), 2), rng, fars=())


def test_one_person_with_nearly_all_pairs_has_no_interval(rng: np.random.Generator) -> None:
    labels = np.repeat(np.arange(13), [40] + [2] * 12)
    with pytest.raises(InvalidInput, match=r"count for 1\.0 people, and a bootstrap needs 2: take fewer photos"):
        bootstrap_people(rng.normal(size=(len(labels), 4)), labels, rng, fars=(0.1,), resamples=5)
