"""Fronts against brute force, and NSGA-II against the exact front."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nasface.costs import Cost, Macs, Params, PeakMemoryMB
from nasface.errors import InvalidInput, MissingDependency, UnknownName
from nasface.selectors import QuickSelect
from nasface.strategies import Constraint, Pareto, ParetoConfig, Problem
from nasface.strategies._fronts import undominated

from .test_exact import ALL, SPACE, ridge


def brute_force(problem: Problem, costs: list[Cost]) -> set[tuple[float, ...]]:
    """Values of the front, rounded."""
    rows = ALL[problem.feasible(ALL)]
    gains, values = problem.ranker.scores(rows), np.stack([cost.predict(rows) for cost in costs], axis=1)
    kept = undominated(gains, values)
    return {tuple(np.round([-gains[i], *values[i]], 9).tolist()) for i in kept}


def found(problem: Problem, config: ParetoConfig) -> tuple[set[tuple[float, ...]], bool]:
    front = Pareto(config, selector=QuickSelect()).run(problem, np.random.default_rng(0)).front
    assert front is not None
    assert problem.feasible(front.population).all()
    gains = problem.ranker.scores(front.population)
    rows = {tuple(np.round([-gain, *values], 9).tolist()) for gain, values in zip(gains, front.costs, strict=True)}
    return rows, front.exact


def test_undominated() -> None:
    gains, costs = np.array([1.0, 2, 2, 3, 0]), np.array([[1.0, 1], [1, 2], [1, 2], [2, 0], [2, 3]])
    assert undominated(gains, costs).tolist() == [0, 1, 3]


@pytest.mark.parametrize("costs", [[Macs], [Macs, PeakMemoryMB]])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_exact_front_is_that_of_brute_force(costs: list[type[Cost]], share: float) -> None:
    made = [cost(SPACE) for cost in costs]
    bounds = [Constraint(made[0], float(np.quantile(made[0].predict(ALL), share)), "first")]
    problem = Problem(SPACE, ridge(0), bounds, costs=made)
    rows, exact = found(problem, ParetoConfig(objectives=[cost.name for cost in made]))
    assert exact
    assert rows == brute_force(problem, made)


def test_nsga2_where_the_exact_front_is_not_known() -> None:
    made: list[Cost] = [Macs(SPACE), Params(SPACE)]
    problem = Problem(
        SPACE, ridge(0), [Constraint(made[0], float(np.median(made[0].predict(ALL))), "MACs")], costs=made
    )
    config = ParetoConfig(objectives=["macs_m", "params_m"], generations=40, population=60)
    try:
        rows, exact = found(problem, config)
    except MissingDependency as error:
        pytest.skip(str(error))
    assert not exact
    expected = brute_force(problem, made)
    assert len(rows & expected) > 0.3 * len(expected)
    assert rows == found(problem, config)[0], "same seed, same front"


def test_refusals() -> None:
    problem = Problem(SPACE, ridge(0), [Constraint(Macs(SPACE), 1e9, "MACs")])
    rng = np.random.default_rng(0)
    with pytest.raises(UnknownName, match="objective 'beauty'"):
        Pareto(ParetoConfig(objectives=["beauty"]), selector=QuickSelect()).run(problem, rng)
    with pytest.raises(InvalidInput, match="needs a cost to trade"):
        Pareto(selector=QuickSelect()).run(dataclasses.replace(problem, constraints=()), rng)
    with pytest.raises(InvalidInput, match=r"search\.objectives is \[\]; give one to three"):
        Pareto(ParetoConfig(objectives=[]), selector=QuickSelect())
