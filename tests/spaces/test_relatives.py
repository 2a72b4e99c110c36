"""Networks that begin alike are one family, unless they do so by chance or all do."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.accuracy.candidates import Plan, candidates
from nasface.spaces import OfaMbv3, relatives
from nasface.testing.synthetic import face_space, tiny_space

SPACE = face_space()


def test_families_of_a_table_are_found_in_any_order() -> None:
    table, _ = candidates(SPACE, 40, 0, Plan(family=4))
    np.testing.assert_array_equal(relatives(SPACE, table), np.arange(40) // 4)
    order = np.random.default_rng(0).permutation(40)
    found = relatives(SPACE, table[order])
    assert list(dict.fromkeys(found.tolist())) == list(range(10)), "numbered by their first networks"
    assert len(set(zip(found, order // 4, strict=True))) == 10, "the same families"


def test_networks_that_tell_nothing_about_each_other_are_each_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = np.arange(30)
    independent = SPACE.sample(np.random.default_rng(0), 30)
    np.testing.assert_array_equal(relatives(SPACE, independent), alone)
    of_one_beginning = candidates(SPACE, 30, 0, Plan(family=30))[0]
    np.testing.assert_array_equal(relatives(SPACE, of_one_beginning), alone)
    small = tiny_space()
    np.testing.assert_array_equal(relatives(small, small.sample(np.random.default_rng(0), 30)), alone)
    monkeypatch.setattr(OfaMbv3, "stage_choices", lambda self: None)
    np.testing.assert_array_equal(relatives(SPACE, candidates(SPACE, 30, 0, Plan())[0]), alone)
