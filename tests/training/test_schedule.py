"""Learning rates, resolutions and the order of photos as functions of the step."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nasface.errors import DataError, InvalidInput
from nasface.training.options import Phase
from nasface.training.schedule import Order, Timeline, resolution_at

LABELS = np.repeat(np.arange(10), 3)


def test_learning_rate_is_ofas() -> None:
    phase = Phase(epochs=120, warmup_epochs=5, learning_rate=3e-2, warmup_learning_rate=3e-2)
    timeline = Timeline.of(phase, per_epoch=40, scale=1.0, processes=32)
    assert (timeline.steps, timeline.warmup) == (125 * 40, 5 * 40), "warm-up epochs are added"
    assert timeline.rate(199) == pytest.approx(0.96)
    assert timeline.rate(9) == pytest.approx(10 / 200 * (0.96 - 0.03) + 0.03)
    assert timeline.rate(200 + 1200) == pytest.approx(0.5 * 0.96 * (1 + math.cos(math.pi / 4)))
    assert timeline.rate(4999) < 1e-6


def test_a_phase_of_no_steps_is_refused() -> None:
    with pytest.raises(InvalidInput, match="above 0"):
        Timeline.of(Phase(2e-3), 10, 1.0)
    assert Timeline.of(Phase(2e-3, steps=7, warmup_epochs=30), 10, 1.0).steps == 7


def test_resolution_grows() -> None:
    sides = [resolution_at(step / 100, 80, 0.6, 112) for step in range(100)]
    assert [sides.count(side) for side in (80, 96, 112)] == [30, 30, 40]
    assert sides == sorted(sides)
    assert resolution_at(0.0, None, 0.6, 112) == 112


def test_every_photo_once_an_epoch_and_the_same_order_again() -> None:
    order, again = Order(LABELS, 5, seed=1), Order(LABELS, 5, seed=1)
    epoch = np.concatenate([order.rows(step) for step in range(order.per_epoch)])
    assert sorted(epoch) == list(range(30))
    assert [again.rows(step).tolist() for step in (17, 3)] == [order.rows(step).tolist() for step in (17, 3)]
    assert not np.array_equal(order.rows(0), order.rows(6)), "another epoch, another order"


def test_pairs_are_two_photos_of_each_person() -> None:
    order = Order(LABELS, 8, seed=1, sampling="pairs")
    for step in range(5):
        people = LABELS[order.rows(step)]
        assert np.unique(people, return_counts=True)[1].tolist() == [2, 2, 2, 2]
        assert len(set(order.rows(step).tolist())) == 8


def test_people_with_one_photo_cannot_make_pairs() -> None:
    with pytest.raises(DataError, match=r"only 1 of 9 people have two; give .*sampling=uniform"):
        Order(np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]), 4, seed=1, sampling="pairs")


@pytest.mark.parametrize("batch", [1, 31])
def test_a_batch_must_fit_the_photos(batch: int) -> None:
    with pytest.raises(DataError, match=r"training.batch"):
        Order(LABELS, batch, seed=1)
