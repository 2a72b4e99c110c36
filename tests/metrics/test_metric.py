"""One list of metrics for tables, evaluations and intervals; each knows which way is better and what it needs."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import (
    METRICS,
    TABLE_RATES,
    Direction,
    Metric,
    PhotoSet,
    Similarities,
    bootstrap_people,
    direction_of,
    stated_metrics,
    tar_at,
)

LABELS = np.repeat(np.arange(40), 4)


def similarities(noise: float) -> Similarities:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 16))[LABELS] + noise * rng.normal(size=(len(LABELS), 16))
    return Similarities.of_descriptors(PhotoSet.of(LABELS), rows)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_direction_is_that_of_a_better_network(metric: Metric) -> None:
    better, worse = metric.compute(similarities(0.6)), metric.compute(similarities(2.0))
    assert metric.direction.sign * better > metric.direction.sign * worse


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_cosines_and_descriptors_say_the_same_whatever_the_order_of_photos(metric: Metric) -> None:
    rng = np.random.default_rng(1)
    turned = rng.permutation(len(LABELS))
    rows = (rng.normal(size=(40, 16))[LABELS] + rng.normal(size=(len(LABELS), 16))).astype(np.float32)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    photos = PhotoSet.of(LABELS)
    one = metric.compute(Similarities.of_descriptors(photos, rows))
    assert one == pytest.approx(metric.compute(Similarities.of_cosines(photos, unit @ unit.T)), abs=1e-6)
    if not metric.name.startswith(("identification", "accuracy")):  # these draw photos by their order
        other = Similarities.of_descriptors(PhotoSet.of(LABELS[turned]), rows[turned])
        assert one == pytest.approx(metric.compute(other), abs=1e-6)


def test_a_metric_is_left_out_where_photos_do_not_suffice() -> None:
    few = PhotoSet.of(np.repeat(np.arange(3), 2))  # 12 impostor pairs, three people with two photos
    enough = {metric.name: metric.needs(few) for metric in METRICS}
    assert (enough["auc"], enough["tar_at_far_1e-2"], enough["accuracy"], enough["rank1"]) == (True, False, False, True)
    assert all((metric.lacks(few) == "") is enough[metric.name] for metric in METRICS)
    strangers = PhotoSet.of(np.arange(5))
    assert not any(metric.needs(strangers) for metric in METRICS)


@pytest.mark.parametrize("far", [1e-2, 1e-3])
@pytest.mark.parametrize("each", [2, 5])
def test_how_many_photos_a_rate_needs_is_said_and_suffices(far: float, each: int) -> None:
    few = PhotoSet.of(np.repeat(np.arange(4), each))
    said = tar_at(far).lacks(few)
    assert f"{10 / far:,.0f} pairs of two people are needed" in said
    assert f"there are {few.impostors:,} of {4 * each} photos" in said
    people = -(-few.size_for(round(10 / far)) // each)
    assert f"about {few.size_for(round(10 / far))} photos" in said
    assert tar_at(far).lacks(PhotoSet.of(np.repeat(np.arange(people), each))) == ""
    assert tar_at(far).lacks(PhotoSet.of(np.repeat(np.arange(people - 1), each)))


def test_a_rate_that_is_none_of_the_usual_ones_is_told_by_its_pairs() -> None:
    photos = PhotoSet.of(LABELS)
    assert photos.impostors == 12480
    assert tar_at(8.1e-4).needs(photos)
    assert not tar_at(8e-4).needs(photos)


def test_evaluations_and_intervals_take_the_rates_asked_for() -> None:
    stated = stated_metrics([0.1, 0.02])
    labels = [metric.label for metric in stated]
    assert [label for label in labels if label.startswith("tar@")] == ["tar@0.1", "tar@0.02"]
    usual = {tar_at(far).name for far in TABLE_RATES}
    assert {metric.label for metric in METRICS if metric.stated and metric.name not in usual} < set(labels)
    rows = np.random.default_rng(0).normal(size=(len(LABELS), 4))
    intervals = bootstrap_people(rows, LABELS, np.random.default_rng(0), fars=[0.1, 0.02], resamples=3)
    assert list(intervals) == [metric.label for metric in stated if metric.curve is not None]
    assert (tar_at(1e-3).name, tar_at(1e-3).label) == ("tar_at_far_1e-3", "tar@0.001")


def test_directions_are_known_or_asked_for() -> None:
    assert direction_of("auc", None) is Direction.MAX
    assert direction_of("eer_half1", None) is Direction.MIN
    assert direction_of("loss_of_mine", "min") is Direction.MIN
    for column, given, message in (
        ("loss_of_mine", None, "add accuracy.direction=max or"),
        ("loss_of_mine", "down", "give max"),
        ("eer", "max", "low values are better"),
    ):
        with pytest.raises(InvalidInput, match=message):
            direction_of(column, given)
