"""What every search must do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nasface.costs import Cost, Macs, Params, StageTables
from nasface.errors import InfeasibleConstraint, InvalidInput
from nasface.selectors import FullSort, QuickSelect, Selector
from nasface.spaces import SearchSpace
from nasface.strategies import Constraint, Problem, SearchResult, SearchStrategy, extremes
from nasface.testing.arguments import own_generator_only
from nasface.testing.synthetic import (
    OracleComparator,
    OracleScorer,
    face_space,
    oracle,
    stageless_space,
    tiny_space,
    truth,
)


class Opaque(Macs):
    """Multiply-accumulates that hide how they decompose."""

    def decompose(self) -> StageTables | None:
        """Nothing."""
        return None


class SearchConformance:
    """Give the fixture `make`: a function that takes a selector and returns a small search.

    It is asked on a space with stages and on one without; one that needs stages refuses the other with `InvalidInput`.
    """

    @pytest.fixture
    def make(self) -> Callable[[Selector], SearchStrategy]:
        raise NotImplementedError("give the fixture `make`")

    @pytest.fixture(params=[face_space, stageless_space], ids=["stages", "no stages"])
    def space(self, request: pytest.FixtureRequest) -> SearchSpace:
        space: SearchSpace = request.param()
        return space

    @pytest.mark.parametrize("selector", [QuickSelect, FullSort])
    @pytest.mark.parametrize("predictor", [OracleComparator, OracleScorer])
    def test_result(
        self,
        make: Callable[[Selector], SearchStrategy],
        space: SearchSpace,
        selector: type[Selector],
        predictor: type[OracleComparator],
    ) -> None:
        seen: list[tuple[int, int]] = []
        problem = Problem(
            space,
            oracle(space, predictor, np.random.default_rng(0)),
            [_bound(Macs(space), 0.3), _bound(Params(space), 0.5)],
            lambda done, total, note: seen.append((done, total)),
        )
        with own_generator_only():
            result = _found(make(selector()), problem)
        self._check(problem, result)
        assert seen
        assert seen[-1][0] == seen[-1][1], "progress must end at its total"
        uniform = space.sample(np.random.default_rng(2), 200)
        feasible = uniform[problem.feasible(uniform)]
        assert truth(space.encode(result.best[None]))[0] > np.median(truth(space.encode(feasible)))

    def _check(self, problem: Problem, result: SearchResult) -> None:
        problem.space.validate(result.finalists)
        assert result.finalists.dtype == np.int8
        assert problem.feasible(result.finalists).all()
        assert len(np.unique(result.finalists, axis=0)) == len(result.finalists), "finalists must be distinct"
        np.testing.assert_array_equal(result.finalists[0], result.best)
        order = truth(problem.space.encode(result.finalists))
        np.testing.assert_array_equal(np.argsort(-order, kind="stable"), np.arange(len(order)), "best first")
        assert {"generations", "calls", "pairs", "distinct"} <= set(result.counters)
        assert result.counters["calls"] == problem.ranker.calls
        assert result.counters["distinct"] <= problem.space.size(), "more networks than the space has"
        assert result.history
        assert {"generation", "calls", "pairs", "best"} <= set(result.history[0])

    def test_same_seed_same_result(self, make: Callable[[Selector], SearchStrategy], space: SearchSpace) -> None:
        runs = []
        for _ in range(2):
            ranker = oracle(space, OracleComparator, np.random.default_rng(0))
            problem = Problem(space, ranker, [_bound(Macs(space), 0.3)])
            runs.append(_found(make(QuickSelect()), problem))
        np.testing.assert_array_equal(runs[0].finalists, runs[1].finalists)
        assert runs[0].history == runs[1].history
        assert runs[0].counters == runs[1].counters

    @pytest.mark.parametrize("cost", [Macs, Opaque])
    def test_tight_bounds(
        self, make: Callable[[Selector], SearchStrategy], space: SearchSpace, cost: type[Macs]
    ) -> None:
        ranker = oracle(space, OracleScorer, np.random.default_rng(0))
        problem = Problem(space, ranker, [_bound(cost(space), 0.02)])
        self._check(problem, _found(make(QuickSelect()), problem))

    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_tiny_spaces(self, make: Callable[[Selector], SearchStrategy], share: float) -> None:
        tiny = tiny_space()
        problem = Problem(tiny, oracle(tiny, OracleComparator, np.random.default_rng(0)), [_bound(Macs(tiny), share)])
        self._check(problem, _found(make(QuickSelect()), problem))

    @pytest.mark.parametrize("cost", [Macs, Opaque])
    def test_impossible_bounds(
        self, make: Callable[[Selector], SearchStrategy], space: SearchSpace, cost: type[Macs]
    ) -> None:
        ranker = oracle(space, OracleScorer, np.random.default_rng(0))
        least, _ = _range(Macs(space))
        problem = Problem(space, ranker, [Constraint(cost(space), 0.9 * least, "MACs")])
        with pytest.raises(InfeasibleConstraint) as raised:
            _found(make(QuickSelect()), problem)
        assert raised.value.metric == "macs_m"
        assert raised.value.reachable is not None
        assert raised.value.reachable >= least * (1 - 1e-9)
        if problem.tables != [None]:
            assert raised.value.reachable == pytest.approx(least)


def _found(search: SearchStrategy, problem: Problem) -> SearchResult:
    try:
        return search.run(problem, np.random.default_rng(1))
    except InvalidInput as error:
        if problem.space.stage_choices() is not None:
            raise
        pytest.skip(str(error))


def _bound(cost: Cost, share: float) -> Constraint:
    """A bound that far between the least and the greatest value in the space."""
    low, high = _range(cost)
    return Constraint(cost, low + share * (high - low) + 1e-9, cost.name)


def _range(cost: Cost) -> tuple[float, float]:
    """Least and greatest value; of a space without stages the least and greatest that a short search finds."""
    ends = extremes(Macs(cost.space) if isinstance(cost, Opaque) else cost)
    low, high = cost.predict(np.stack([ends.smallest, ends.largest])).tolist()
    return low, high
