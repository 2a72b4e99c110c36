"""Shares of the space within bounds."""

from __future__ import annotations

import numpy as np
import pytest

import nasface
from nasface.analysis.profile import profile_space, share_text
from nasface.costs import Macs, Params
from nasface.strategies import Constraint, extremes
from nasface.testing.synthetic import small_space, stageless_space


def test_shares_extremes_and_the_bound_that_binds(rng: np.random.Generator) -> None:
    space = nasface.open_workbench().space
    macs, params = Macs(space), Params(space)
    sample = space.sample(np.random.default_rng(1), 2000)
    tight = Constraint(macs, float(np.quantile(macs.predict(sample), 0.1)), "tight")
    loose = Constraint(params, float(np.quantile(params.predict(sample), 0.9)), "loose")
    found = profile_space(space, [macs, params], [tight, loose], rng)
    assert found.shares[0].within == pytest.approx(0.1, abs=0.03)
    assert found.shares[0].without == found.shares[1].within == pytest.approx(0.9, abs=0.03)
    assert found.within_all is not None
    assert found.within_all <= found.shares[0].within
    assert found.remarks[-1].startswith("The bound on tight binds most")
    for entry in found.costs:
        figures = list(entry.figures().values())
        assert entry.ends.exact
        assert figures == sorted(figures)
        assert figures[0] <= entry.values.min()
        assert figures[-1] >= entry.values.max()


def test_one_bound_has_no_share_of_all(rng: np.random.Generator) -> None:
    space = nasface.open_workbench().space
    found = profile_space(space, [Macs(space)], [Constraint(Macs(space), 1e9, "macs")], rng)
    assert found.within_all is None
    assert found.shares[0].without == 1.0
    assert share_text(0.0, found.samples) == "fewer than 1 in 100,000 networks"


def test_a_space_without_stages_is_sampled_and_searched(rng: np.random.Generator) -> None:
    space, told = stageless_space(), list[int]()
    macs = Macs(space)
    found = profile_space(space, [macs], [], rng, lambda done, total, note: told.append(done))
    assert found.samples == len(found.costs[0].values) == told[-1] == 10_000
    assert not found.costs[0].ends.exact
    assert found.remarks == ("Minimum and maximum of multiply-accumulates are the best that a short search found.",)
    figures, exact = found.costs[0].figures(), extremes(Macs(small_space()))
    least, most = macs.predict(np.stack([exact.smallest, exact.largest]))
    assert figures["minimum"] == least < found.costs[0].values.min()
    assert figures["maximum"] == most > found.costs[0].values.max()
