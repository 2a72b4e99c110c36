"""Open-set identification: counted by hand, and its limits."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import open_set


def test_separated_people_are_all_named(rng: np.random.Generator) -> None:
    people = np.repeat(np.arange(40), 3)
    x = np.eye(40)[people] + 0.01 * rng.normal(size=(120, 40))
    found = open_set(x, people, rng, fpirs=(0.1, 0.05))
    assert (found.gallery, found.known, found.unknown) == (20, 40, 60)
    assert found.cmc == (1.0,) * 20
    assert {rate: interval.value for rate, interval in found.dir.items()} == {0.1: 1.0, 0.05: 1.0}


def test_equal_descriptors_name_nobody(rng: np.random.Generator) -> None:
    people = np.repeat(np.arange(40), 3)
    found = open_set(np.ones((120, 4)), people, rng, fpirs=(0.1,))
    assert found.cmc[0] == 0
    assert found.cmc[-1] == 1
    assert found.dir[0.1].value == 0


def test_strangers_who_look_like_the_known_cost(rng: np.random.Generator) -> None:
    """By counting: the threshold is passed by at most the stated share of strangers, in a plain loop."""
    people = np.repeat(np.arange(60), 4)
    x = rng.normal(size=(60, 6))[people] + 0.6 * rng.normal(size=(240, 6))
    found = open_set(x, people, np.random.default_rng(3), fpirs=(0.1, 0.01), resamples=50)
    draw = np.random.default_rng(3)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    enrolled = sorted(draw.permutation(60)[:30].tolist())
    gallery = [int(draw.choice(np.flatnonzero(people == person))) for person in enrolled]
    named, strangers = [], []
    for row in range(240):
        cosines = unit[gallery] @ unit[row]
        if people[row] not in enrolled:
            strangers.append(cosines.max())
        elif row not in gallery:
            best = int(cosines.argmax())
            named.append(cosines[best] if enrolled[best] == people[row] else -np.inf)
    for fpir, interval in found.dir.items():
        threshold = sorted(strangers, reverse=True)[int(fpir * len(strangers))]
        assert interval.value == pytest.approx(np.mean(np.array(named) > threshold))
        assert np.mean(np.array(strangers) > threshold) <= fpir
        assert interval.low <= interval.value <= interval.high
    assert found.dir[0.01].value <= found.dir[0.1].value <= found.cmc[0]


def test_what_cannot_be_measured_is_refused(rng: np.random.Generator) -> None:
    people = np.repeat(np.arange(10), 2)
    with pytest.raises(InvalidInput, match="1000 photos of strangers"):
        open_set(rng.normal(size=(20, 4)), people, rng, fpirs=(0.001,))
    with pytest.raises(InvalidInput, match="two photos to enrol"):
        open_set(rng.normal(size=(20, 4)), np.arange(20), rng)


def test_rates_that_enough_strangers_support(rng: np.random.Generator) -> None:
    """Ten of them are accepted, or the rate is not told."""
    x, people = rng.normal(size=(400, 4)), np.repeat(np.arange(100), 4)
    assert list(open_set(x, people, rng, resamples=2).dir) == [0.1]
    assert list(open_set(x[:160], people[:160], rng, resamples=2).dir) == []
