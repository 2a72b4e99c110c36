"""Exact search against brute force: the optimum, the K best, several constraints, the whole front."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.costs import Macs, ModelMB, Params, PeakMemoryMB, StageTables
from nasface.errors import InfeasibleConstraint, InvalidInput
from nasface.predictors import Ranker, Ridge
from nasface.selectors import FullSort
from nasface.spaces import OfaMbv3, OfaMbv3Config, Population
from nasface.strategies import Constraint, Exact, ExactConfig, Problem
from nasface.strategies.knapsack import BestFirst, merge_fronts
from nasface.testing.search import Opaque
from nasface.testing.synthetic import OracleComparator, oracle

SPACE = OfaMbv3(OfaMbv3Config(name="reduced", kernels=[3], expands=[3, 6], depths=[1, 2], resolution=64))


def everything() -> Population:
    """All 7,776 networks of the reduced space."""
    stages = SPACE.stage_choices()
    return np.array([np.sum(parts, axis=0) for parts in itertools.product(*stages)], np.int8)


ALL = everything()


def ridge(seed: int) -> Ranker:
    rng = np.random.default_rng(seed)
    table = ALL[rng.choice(len(ALL), 100, replace=False)]
    targets = rng.normal(0.9, 0.01, len(table))
    predictor = Ridge().fit(SPACE.encode(table, "onehot"), targets, SPACE.groups("onehot"), rng)
    return Ranker(SPACE, predictor, table, targets)


def bounds(share: float) -> list[Constraint]:
    costs = [Macs(SPACE), Params(SPACE), ModelMB(SPACE), PeakMemoryMB(SPACE)]
    return [Constraint(cost, float(np.quantile(cost.predict(ALL), share)), cost.label) for cost in costs]


@pytest.mark.parametrize("n_constraints", [0, 1, 2, 4])
@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_best_networks_are_those_of_brute_force(seed: int, share: float, n_constraints: int) -> None:
    problem = Problem(SPACE, ridge(seed), bounds(share)[:n_constraints])
    result = Exact(selector=FullSort()).run(problem, np.random.default_rng(0))
    feasible = ALL[problem.feasible(ALL)]
    expected = np.sort(problem.ranker.scores(feasible))[::-1][:16]
    np.testing.assert_allclose(problem.ranker.scores(result.finalists), expected, rtol=1e-12)
    assert problem.feasible(result.finalists).all()
    assert len(np.unique(result.finalists, axis=0)) == len(result.finalists) == 16
    assert "exact optimum of ridge" in result.remarks[0]


def test_the_front_is_that_of_brute_force() -> None:
    ranker, macs = ridge(3), Macs(SPACE)
    scores, costs = ranker.scores(ALL), macs.predict(ALL)
    tables = ranker.decompose()
    assert tables is not None
    front = merge_fronts(tables, macs.decompose())
    for budget in np.quantile(costs, np.linspace(0, 1, 40)) * (1 + 1e-9):
        assert front.best_within(np.array([budget]))[0] == pytest.approx(scores[costs <= budget].max(), rel=1e-12)
    np.testing.assert_allclose(tables.predict(front.choices), front.values, rtol=1e-12)
    np.testing.assert_allclose(macs.decompose().predict(front.choices), front.costs, rtol=1e-12)
    assert (np.diff(front.costs) > 0).all()
    assert (np.diff(front.values) > 0).all()


@given(seed=st.integers(0, 2**32 - 1), n_sums=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_networks_come_in_order_and_none_is_missing(seed: int, n_sums: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 6, 4)

    def tables(combine: str = "sum") -> StageTables:
        return StageTables(float(rng.random()), tuple(rng.random(n).round(1) for n in sizes), combine)  # with ties

    values, constraints = tables(), [(tables(), float(rng.uniform(1, 4))) for _ in range(n_sums)]
    constraints.append((tables("max"), 0.9))
    index = np.array(list(itertools.product(*map(range, sizes))), np.int16)
    ok = np.all([t.predict(index) <= bound + 1e-12 for t, bound in constraints], axis=0)
    found = list(BestFirst(values, [(t, bound + 1e-12) for t, bound in constraints]))
    assert {tuple(choices.tolist()) for _, choices in found} == {tuple(row) for row in index[ok].tolist()}
    np.testing.assert_allclose([value for value, _ in found], np.sort(values.predict(index[ok]))[::-1])


def test_a_comparator_chooses_among_the_best_of_a_stage_wise_score() -> None:
    problem = Problem(SPACE, oracle(SPACE, OracleComparator, np.random.default_rng(0)), bounds(0.5)[:1])
    result = Exact(ExactConfig(pool=50), selector=FullSort()).run(problem, np.random.default_rng(1))
    assert result.counters["distinct"] == 50
    assert result.counters["pairs"] > 0
    assert "among the 50 best networks by the stage-wise score" in result.remarks[0]


def test_costs_that_do_not_decompose_are_checked_network_by_network() -> None:
    ranker, bound = ridge(0), float(np.quantile(Macs(SPACE).predict(ALL), 0.3))
    opaque = Problem(SPACE, ranker, [Constraint(Opaque(SPACE), bound, "opaque")])
    result = Exact(selector=FullSort()).run(opaque, np.random.default_rng(0))
    assert ranker.scores(result.best[None])[0] == pytest.approx(ranker.scores(ALL[opaque.feasible(ALL)]).max())
    assert "exact optimum" in result.remarks[0]


def test_refusals() -> None:
    search, rng = Exact(selector=FullSort()), np.random.default_rng(0)
    with pytest.raises(InfeasibleConstraint, match="smallest multiply-accumulates"):
        search.run(Problem(SPACE, ridge(0), [Constraint(Macs(SPACE), 0.1, "multiply-accumulates")]), rng)
    with pytest.raises(InvalidInput, match=r"search\.pool is 0; give 1 or more"):
        Exact(ExactConfig(pool=0), selector=FullSort())
