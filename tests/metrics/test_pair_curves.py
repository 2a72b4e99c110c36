"""What an evaluation draws: curve, distances, who is taken for others."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import PairCurves, PairDistances, false_accepts


def test_the_curve_passes_through_the_operating_points() -> None:
    rng = np.random.default_rng(0)
    roc = PairDistances(rng.uniform(0, 1.5, 500), rng.uniform(0.5, 3.9, 5000)).roc()
    curves = PairCurves.of(roc)
    assert curves.far[0] == pytest.approx(10 / 5000)
    assert (curves.far[-1], curves.tar[-1]) == (1.0, roc.at_far(1.0).tar)
    assert list(curves.tar) == sorted(curves.tar)
    assert curves.tar[20] == roc.at_far(curves.far[20]).tar
    for shares in (curves.genuine, curves.impostors):
        assert len(shares) == len(curves.edges) - 1
        assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert sum(share for share, low in zip(curves.genuine, curves.edges, strict=False) if low >= 1.55) == 0


def test_false_accepts_count_for_both_people() -> None:
    descriptors = np.array([[1, 0], [0, 1], [0.99, 0.1], [0, 1], [-1, 0]], np.float32)
    labels = np.array(["b", "b", "a", "c", "d"])  # the first "b" is near "a", the second is "c"
    assert false_accepts(descriptors, labels, 0.1).tolist() == [1, 2, 1, 0]
    assert false_accepts(descriptors, labels, 1e-9).tolist() == [0, 1, 1, 0]
    with pytest.raises(InvalidInput, match="5 descriptors"):
        false_accepts(descriptors, labels[:3], 0.1)
