"""What every metric of descriptors must do."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest

from nasface.metrics import Direction, Metric, PhotoSet, Similarities

PEOPLE, PHOTOS, NUMBERS = 40, 4, 16
"""Of the made-up set: people; photos of each; numbers of a descriptor."""

COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class MetricConformance:
    """Give the fixture `metric`. It is asked about made-up people whose descriptors are told apart better or worse."""

    @pytest.fixture
    def metric(self) -> Metric:
        raise NotImplementedError("give the fixture `metric`")

    def test_named(self, metric: Metric) -> None:
        assert COLUMN.fullmatch(metric.name), f"'{metric.name}' cannot be a column of a table"
        assert metric.label
        assert metric.direction in Direction

    def test_what_it_needs(self, metric: Metric) -> None:
        assert metric.needs(PhotoSet.of(_labels())), f"{PEOPLE} people with {PHOTOS} photos each must suffice"
        for few in ([], [0], [0, 1]):
            assert not metric.needs(PhotoSet.of(few)), "there is no pair of two photos of one person"

    def test_a_number(self, metric: Metric) -> None:
        value = _value(metric, 0.5)
        assert isinstance(value, float)
        assert np.isfinite(value)
        assert _value(metric, 0.5) == value, "the metric must repeat itself"

    def test_people_told_apart_better_have_the_better_value(self, metric: Metric) -> None:
        good, bad = (metric.direction.sign * _value(metric, noise) for noise in (0.05, 3.0))
        assert good > bad, f"the {metric.direction}imum is not of the people who are told apart best"

    def test_the_order_of_photos_does_not_matter(self, metric: Metric) -> None:
        labels, descriptors = _labels(), _descriptors(0.8)
        order = np.random.default_rng(4).permutation(len(labels))
        turned = Similarities.of_descriptors(PhotoSet.of(labels[order]), descriptors[order])
        if metric.curve is None:
            pytest.skip("it may draw pairs or galleries by row")
        assert metric.compute(turned) == pytest.approx(_value(metric, 0.8), abs=1e-6)

    def test_the_length_of_descriptors_does_not_matter(self, metric: Metric) -> None:
        labels, descriptors = _labels(), _descriptors(0.8)
        longer = Similarities.of_descriptors(PhotoSet.of(labels), 7.0 * descriptors)
        assert metric.compute(longer) == pytest.approx(_value(metric, 0.8), abs=1e-6)

    def test_its_curve_says_the_same(self, metric: Metric) -> None:
        if metric.curve is None:
            pytest.skip("it does not follow from the curve of all pairs")
        similar = _similar(0.8)
        assert metric.curve(similar.roc) == pytest.approx(metric.compute(similar), abs=1e-9)


def _labels() -> npt.NDArray[np.int64]:
    return np.repeat(np.arange(PEOPLE), PHOTOS)


def _descriptors(noise: float) -> npt.NDArray[np.float32]:
    """A centre a person, and noise."""
    rng = np.random.default_rng(1)
    centres = rng.standard_normal((PEOPLE, NUMBERS))
    return (centres[_labels()] + noise * rng.standard_normal((PEOPLE * PHOTOS, NUMBERS))).astype(np.float32)


def _similar(noise: float) -> Similarities:
    return Similarities.of_descriptors(PhotoSet.of(_labels()), _descriptors(noise))


def _value(metric: Metric, noise: float) -> float:
    return metric.compute(_similar(noise))
