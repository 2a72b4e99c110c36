from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from nasface.costs import Cost, Macs, Params, StageTables, Values
from nasface.errors import InfeasibleConstraint
from nasface.spaces import Population, SearchSpace
from nasface.strategies import Constraint, Problem, feasible_start
from nasface.strategies._tilted import TiltedSampler
from nasface.strategies.feasible import rounded_up
from nasface.testing.search import Opaque
from nasface.testing.synthetic import OracleScorer, face_space, oracle, tiny_space

SPACE = face_space()


class WidestStage(Cost):
    """The largest number of MACs of one stage: a maximum, as peak memory is."""

    name, unit = "widest", "M"

    def predict(self, population: Population) -> Values:
        return self.decompose().predict(self.space.stage_indices(population))

    @cache  # noqa: B019 - lives as long as the tests
    def decompose(self) -> StageTables:
        sums = Macs(self.space).decompose()
        return StageTables(1.0, tuple(table - table.min() for table in sums.tables), "max")


def problem(*constraints: Constraint, space: SearchSpace = SPACE) -> Problem:
    return Problem(space, oracle(space, OracleScorer, np.random.default_rng(0)), constraints)


def bound(cost: Cost, share: float) -> Constraint:
    tables = cost.decompose() or Macs(cost.space).decompose()
    low, high = tables.minimum().value, tables.maximum().value
    return Constraint(cost, low + share * (high - low) + 1e-9, cost.name)


def check(p: Problem, n: int) -> Population:
    rows = feasible_start(p, np.random.default_rng(3), n)
    p.space.validate(rows)
    assert p.feasible(rows).all()
    assert len(np.unique(rows, axis=0)) == len(rows)
    np.testing.assert_array_equal(rows, feasible_start(p, np.random.default_rng(3), n))
    return rows


@pytest.mark.parametrize(
    "constraints",
    [
        [],
        [bound(Macs(SPACE), 0.5)],
        [bound(Macs(SPACE), 0.02)],
        [bound(Macs(SPACE), 0.03), bound(Params(SPACE), 0.05)],
        [bound(WidestStage(SPACE), 0.1)],
        [bound(WidestStage(SPACE), 0.1), bound(Macs(SPACE), 0.02)],
        [bound(Opaque(SPACE), 0.05)],
        [bound(Opaque(SPACE), 0.05), bound(Params(SPACE), 0.05)],
    ],
    ids=lambda constraints: "+".join(c.label for c in constraints) or "none",
)
def test_as_many_as_asked_for(constraints: list[Constraint]) -> None:
    assert len(check(problem(*constraints), 100)) == 100


def test_tight_starts_are_diverse_and_near_the_bound() -> None:
    macs = Macs(SPACE)
    p = problem(bound(macs, 0.1))
    rows = check(p, 100)
    low, high = macs.decompose().minimum().value, p.constraints[0].bound
    assert np.median(macs.predict(rows)) > low + 0.5 * (high - low)
    assert (rows != rows[0]).any(axis=0).sum() > 30, "most genes vary"
    assert len(np.unique(rows[:, :5], axis=0)) > 5, "depths vary"


def test_a_bound_that_one_network_meets() -> None:
    rows = check(problem(bound(Macs(SPACE), 0.0)), 50)
    assert len(rows) == 1


@pytest.mark.parametrize(("share", "most"), [(1.0, 32), (0.5, 31), (0.0, 1)])
def test_tiny_spaces_give_what_they_have(share: float, most: int) -> None:
    space = tiny_space()
    p = problem(bound(Macs(space), share), space=space)
    everything = np.unique(space.sample(np.random.default_rng(0), 2000), axis=0)
    rows = check(p, 100)
    assert len(rows) == p.feasible(everything).sum() <= most


def test_infeasible_says_the_exact_minimum() -> None:
    least = Macs(SPACE).decompose().minimum().value
    with pytest.raises(
        InfeasibleConstraint, match=r"The smallest MACs of any network of ofa_mbv3_face is 191\.6 M"
    ) as error:
        feasible_start(problem(Constraint(Macs(SPACE), 100, "MACs")), np.random.default_rng(0), 10)
    assert error.value.reachable == pytest.approx(least)
    assert error.value.bound == 100
    assert error.value.exit_code == 3


def test_infeasible_without_tables_says_the_smallest_found() -> None:
    with pytest.raises(InfeasibleConstraint, match="The smallest found MACs") as error:
        feasible_start(problem(Constraint(Opaque(SPACE), 100, "MACs")), np.random.default_rng(0), 10)
    assert 191 < error.value.reachable < 230


def test_bounds_that_cannot_be_met_together() -> None:
    class Hungry(Params):
        """Falls where MACs rise."""

        name = "hunger"

        def predict(self, population: Population) -> Values:
            return 1000 - Macs(self.space).predict(population)

        def decompose(self) -> StageTables:
            macs = Macs(self.space).decompose()
            return StageTables(1000 - macs.constant, tuple(-table for table in macs.tables))

    constraints = [Constraint(Macs(SPACE), 300, "MACs"), Constraint(Hungry(SPACE), 600, "hunger")]
    with pytest.raises(InfeasibleConstraint, match="MACs <= 300 M and hunger <= 600 M") as error:
        feasible_start(problem(*constraints), np.random.default_rng(0), 10)
    assert error.value.reachable is None


def test_tilted_rounds_use_the_slack_they_are_given() -> None:
    macs = Macs(SPACE)
    tables, p = macs.decompose(), bound(macs, 0.1)
    sampler = TiltedSampler(SPACE.stage_choices(), [tables], [p.bound])
    slack = p.bound - tables.minimum().value
    rounds = list(sampler.rounds(np.random.default_rng(0), 400))
    used = [(macs.predict(rows).mean() - tables.minimum().value) / slack for rows in rounds]
    np.testing.assert_allclose(used[:-1], np.linspace(1, 0, 9)[:-1], atol=0.08)
    assert used[-1] < 0.05
    for rows in rounds:
        SPACE.validate(rows)


def test_tilted_prior_is_that_of_sample() -> None:
    macs = Macs(SPACE)
    sampler = TiltedSampler(SPACE.stage_choices(), [macs.decompose()], [1e9])
    drawn, uniform = next(sampler.rounds(np.random.default_rng(0), 4000)), SPACE.sample(np.random.default_rng(1), 4000)
    for gene in range(SPACE.n_genes):
        for value in np.unique(uniform[:, gene]):
            assert abs((drawn[:, gene] == value).mean() - (uniform[:, gene] == value).mean()) < 0.05


@pytest.mark.parametrize(
    ("value", "text"), [(191.5422, "191.6"), (7.9001, "7.901"), (0.0123456, "0.01235"), (0, "0"), (123456, "123500")]
)
def test_printed_values_are_rounded_up(value: float, text: str) -> None:
    assert rounded_up(value) == text
    assert float(text) >= value
