"""Balanced pairs: genuine and impostor in equal number, folds without a common person."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import balanced_pairs

LABELS = np.concatenate([np.repeat(np.arange(50), 4), np.arange(60, 70)])


def test_folds_are_balanced_and_share_no_person() -> None:
    pairs = balanced_pairs(LABELS, np.random.default_rng(0), per_fold=12)
    assert len(pairs) == 10 * 24
    people_of = []
    for fold in range(10):
        mine = pairs.folds == fold
        assert pairs.same[mine].sum() == 12
        people_of.append(set(LABELS[pairs.first[mine]]) | set(LABELS[pairs.second[mine]]))
    assert sum(len(people) for people in people_of) == len(set.union(*people_of))


def test_pairs_are_what_they_say_and_distinct() -> None:
    pairs = balanced_pairs(LABELS, np.random.default_rng(0))
    np.testing.assert_array_equal(LABELS[pairs.first] == LABELS[pairs.second], pairs.same)
    assert (pairs.first != pairs.second).all()
    both = np.sort(np.stack([pairs.first, pairs.second]), axis=0)
    assert len(np.unique(both, axis=1).T) == len(pairs)
    assert pairs.same.sum() == 50 * 6  # fewer than 300 a fold: all there are


def test_few_people_make_fewer_folds() -> None:
    assert balanced_pairs(np.repeat(np.arange(5), 3), np.random.default_rng(0)).folds.max() == 1
    with pytest.raises(InvalidInput, match=r"four people with two photos; there are 3"):
        balanced_pairs(np.repeat([0, 1, 2], 3), np.random.default_rng(0))
