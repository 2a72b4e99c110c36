"""Errors by group: counted by hand, and against counting pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import group_rates


def on_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_by_hand(rng: np.random.Generator) -> None:
    """Two groups on a circle; the threshold is that of 30 degrees."""
    x = on_circle(0, 10, 20, 200, 250, 180, 185, 90)
    people = ["a", "a", "b", "c", "c", "d", "e", "f"]
    groups = ["g", "g", "g", "h", "h", "h", "h", ""]
    threshold = 2 - 2 * np.cos(np.radians(30))
    g, h = group_rates(x, people, groups, threshold, rng)
    assert (g.group, g.people, g.photos, g.genuine, g.impostors) == ("g", 2, 3, 1, 2)
    assert (g.fnmr, g.fmr) == (0, 1)
    assert (h.people, h.photos, h.genuine, h.impostors) == (3, 4, 1, 5)
    assert (h.fnmr, h.fmr) == (1, pytest.approx(3 / 5))
    assert g.fmr_interval is None, "an interval over two people says nothing"


def test_counts_equal_those_pair_by_pair(rng: np.random.Generator) -> None:
    people = rng.integers(0, 25, 90)
    x = rng.normal(size=(25, 4))[people] + rng.normal(size=(90, 4))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    [found] = group_rates(x, people, ["all"] * 90, 1.2, rng, resamples=100)
    i, j = np.triu_indices(90, 1)
    near = np.square(unit[i] - unit[j]).sum(axis=1) < 1.2
    same = people[i] == people[j]
    assert (found.genuine, found.impostors) == (same.sum(), (~same).sum())
    assert found.fnmr == pytest.approx(1 - near[same].mean())
    assert found.fmr == pytest.approx(near[~same].mean())
    for interval in (found.fnmr_interval, found.fmr_interval):
        assert interval is not None
        assert interval.low <= interval.value <= interval.high


def test_groups_that_do_not_fit_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InvalidInput, match="every photo"):
        group_rates(on_circle(0, 1), ["a", "b"], ["g"], 1.0, rng)
    with pytest.raises(InvalidInput, match="has a group"):
        group_rates(on_circle(0, 1), ["a", "b"], ["", ""], 1.0, rng)
