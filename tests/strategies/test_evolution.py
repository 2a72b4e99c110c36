"""Evolution beyond the conformance kit."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.costs import Macs
from nasface.errors import InvalidInput
from nasface.selectors import QuickSelect
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig
from nasface.strategies import (
    Constraint,
    Evolution,
    EvolutionConfig,
    EvolutionPaper,
    EvolutionPaperConfig,
    Exact,
    ExactConfig,
    LocalSearch,
    LocalSearchConfig,
    Problem,
    RandomSearch,
    RandomSearchConfig,
    SearchStrategy,
)
from nasface.strategies._breeding import feasible_children
from nasface.testing.synthetic import OracleComparator, OracleScorer, face_space, oracle, tiny_space, truth

SPACE = face_space()


def four_kinds() -> OfaMbv3:
    """A space of too many choices per gene for operators on stages."""
    return OfaMbv3(OfaMbv3FaceConfig(expands=[2, 3, 4, 6]))


def problem(bound: float, predictor: type[OracleComparator] = OracleComparator) -> Problem:
    return Problem(SPACE, oracle(SPACE, predictor, np.random.default_rng(0)), [Constraint(Macs(SPACE), bound, "MACs")])


def best_of(result: Any) -> float:
    return float(truth(SPACE.encode(result.best[None]))[0])


def test_beats_random_search_of_the_same_size() -> None:
    evolution = Evolution(EvolutionConfig(generations=30, population=40), selector=QuickSelect())
    random = RandomSearch(RandomSearchConfig(samples=1240), selector=QuickSelect())
    found = evolution.run(problem(350), np.random.default_rng(1))
    assert best_of(found) > best_of(random.run(problem(350), np.random.default_rng(1)))


def test_the_best_never_gets_worse_and_counts_add_up() -> None:
    p = problem(300)
    result = EvolutionPaper(EvolutionPaperConfig(generations=15, population=20), selector=QuickSelect()).run(
        p, np.random.default_rng(1)
    )
    best = [truth(SPACE.encode(SPACE.from_text(row["best"])[None]))[0] for row in result.history]
    assert (np.diff(best) >= 0).all(), "parents are kept"
    assert best_of(result) >= best[-1]
    assert [row["generation"] for row in result.history] == list(range(15))
    assert (np.diff([row["pairs"] for row in result.history]) > 0).all()
    assert result.counters["pairs"] == p.ranker.pairs > result.history[-1]["pairs"]
    assert 20 < result.counters["distinct"] <= 20 * 16
    assert len(result.finalists) == min(16, result.history[-1]["distinct"])


def test_finds_the_optimum_of_a_tiny_space() -> None:
    tiny = tiny_space()
    everything = np.unique(tiny.sample(np.random.default_rng(0), 2000), axis=0)
    middle = float(np.median(Macs(tiny).predict(everything)))
    p = Problem(tiny, oracle(tiny, OracleScorer, np.random.default_rng(0)), [Constraint(Macs(tiny), middle, "MACs")])
    feasible = everything[p.feasible(everything)]
    assert 5 < len(feasible) < len(everything)
    result = Evolution(EvolutionConfig(generations=5, population=10), selector=QuickSelect()).run(
        p, np.random.default_rng(1)
    )
    np.testing.assert_array_equal(result.best, feasible[np.argmax(truth(tiny.encode(feasible)))])


def test_children_that_never_fit_are_replaced_by_their_mothers() -> None:
    small = SPACE.canonical(np.array([[2] * 5 + [3] * 20 + [3] * 20]))
    only_the_smallest = problem(float(Macs(SPACE).predict(small)[0]))
    children = feasible_children(only_the_smallest, np.random.default_rng(0), small, 8, 6, 1.0)
    np.testing.assert_array_equal(children, np.repeat(small, 8, axis=0))


@pytest.mark.parametrize("space", [SPACE, four_kinds()], ids=["on stages", "on genes"])
def test_children_are_mutants_then_crossovers_of_the_parents(space: OfaMbv3) -> None:
    assert (space.stage_operators() is None) == (space is not SPACE)
    rng = np.random.default_rng(0)
    parents = space.from_dict({"ks": 3, "e": 3, "d": 4})[None].repeat(2, axis=0)
    parents[1, 25:] = 4
    bound = Constraint(Macs(space), float(Macs(space).predict(parents).max()), "MACs")
    p = Problem(space, oracle(space, OracleComparator, rng), [bound])
    children = feasible_children(p, rng, parents, 40, 20, 0.5)
    space.validate(children)
    assert p.feasible(children).all()
    assert len(np.unique(children, axis=0)) > 30
    own = ((children == parents[0]) | (children == parents[1])).all(axis=1)
    assert own[20:].all()
    assert not own[:20].all()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"generations": 0}, "search.generations is 0"),
        ({"population": 3}, "search.population is 3"),
        ({"parent_ratio": 0.0}, "search.parent_ratio is 0"),
        ({"mutation_ratio": 1.5}, "search.mutation_ratio is 1.5"),
        ({"mutate_probability": -0.1}, "search.mutate_probability is -0.1"),
        ({"population": 10, "parent_ratio": 0.1}, "fewer than two parents; give 0.2"),
        ({"restarts": -1}, "search.restarts is -1"),
        ({"exact_starts": -1}, "search.exact_starts -1"),
    ],
)
def test_parameters_out_of_range_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        Evolution(EvolutionConfig(**settings), selector=QuickSelect())


@pytest.mark.parametrize("make", [Evolution, EvolutionPaper])
@pytest.mark.parametrize("stop", [1, 4, 7, 12])
def test_a_search_that_is_killed_goes_on_to_the_identical_result(
    make: type[EvolutionPaper], stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasface.strategies.state.SAVE_EVERY", 0.0)

    def search(state: str | None, killed_at: int | None = None) -> Any:
        def progress(done: int, total: int, note: str) -> None:
            if done == killed_at:
                raise KeyboardInterrupt

        config = EvolutionConfig if make is Evolution else EvolutionPaperConfig
        p = dataclasses.replace(problem(300), progress=progress)
        strategy = make(config(generations=12, population=12, state=state), selector=QuickSelect())
        return strategy.run(p, np.random.default_rng(1))

    expected, state = search(None), str(tmp_path / "state.json")
    with pytest.raises(KeyboardInterrupt):
        search(state, killed_at=stop)
    found = search(state)
    np.testing.assert_array_equal(found.finalists, expected.finalists)
    assert (found.history, found.counters) == (expected.history, expected.counters)
    assert (tmp_path / "state.json").stat().st_size < 100_000


def test_the_state_of_another_search_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasface.strategies.state.SAVE_EVERY", 0.0)
    config = EvolutionPaperConfig(generations=2, population=8, state=str(tmp_path / "state.json"))
    EvolutionPaper(config, selector=QuickSelect()).run(problem(300), np.random.default_rng(1))
    for other, seed in ((problem(300), 2), (problem(310), 1)):
        with pytest.raises(InvalidInput, match="the state of another search"):
            EvolutionPaper(config, selector=QuickSelect()).run(other, np.random.default_rng(seed))
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(InvalidInput, match="is not the state of a search"):
        EvolutionPaper(config, selector=QuickSelect()).run(problem(300), np.random.default_rng(1))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"generation": -5}, "generation is -5"),
        ({"generation": 1.5}, "generation is 1.5"),
        ({"generation": True}, "generation is True"),
        ({"generation": 10**9}, "generation 1000000000 of 2"),
        ({"counters": {"generations": 1, "calls": -1, "pairs": 0, "distinct": 0}}, "calls is -1"),
        ({"counters": {}}, "'generations' is missing"),
        ({"population": ["1 2 3"]}, "damaged"),
        ({"population": 7}, "damaged"),
        ({"history": [1]}, "damaged"),
        ({"rng": {"bit_generator": "PCG64"}}, "damaged"),
        ({"rng": None}, "damaged"),
    ],
)
def test_a_state_that_cannot_be_is_refused(
    change: dict[str, object], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasface.strategies.state.SAVE_EVERY", 0.0)
    path = tmp_path / "state.json"
    search = EvolutionPaper(EvolutionPaperConfig(generations=2, population=8, state=str(path)), selector=QuickSelect())
    search.run(problem(300), np.random.default_rng(1))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InvalidInput, match=f"{why}.*delete this one to begin anew"):
        search.run(problem(300), np.random.default_rng(1))


def test_a_state_with_networks_beyond_the_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasface.strategies.state.SAVE_EVERY", 0.0)
    path = tmp_path / "state.json"
    search = EvolutionPaper(EvolutionPaperConfig(generations=2, population=8, state=str(path)), selector=QuickSelect())
    bounded = problem(300)
    search.run(bounded, np.random.default_rng(1))
    others = bounded.space.sample(np.random.default_rng(0), 500)
    heavy = others[~bounded.feasible(others)][:8]
    assert len(heavy)
    content = json.loads(path.read_text()) | {"population": [bounded.space.to_text(row) for row in heavy]}
    path.write_text(json.dumps(content))
    with pytest.raises(InvalidInput, match="networks beyond the bounds"):
        search.run(bounded, np.random.default_rng(1))


def test_warm_start_is_used_where_it_meets_the_bounds() -> None:
    best = Exact(selector=QuickSelect()).run(problem(300), np.random.default_rng(0)).best
    large = SPACE.canonical(np.array([[4] * 5 + [7] * 20 + [6] * 20]))[0]
    p = dataclasses.replace(problem(300), given=np.stack([large, best]))
    config = EvolutionPaperConfig(generations=1, population=8)
    result = EvolutionPaper(config, selector=QuickSelect()).run(p, np.random.default_rng(1))
    assert best_of(result) >= truth(SPACE.encode(best[None]))[0]
    assert result.remarks == ("1 of 2 networks of refine.warm_start are beyond the bounds and were left out.",)


def test_random_search_needs_samples() -> None:
    with pytest.raises(InvalidInput, match=r"search\.samples is 0"):
        RandomSearch(RandomSearchConfig(samples=0), selector=QuickSelect())


@pytest.mark.parametrize(
    "search",
    [
        RandomSearch(RandomSearchConfig(samples=4), selector=QuickSelect()),
        LocalSearch(LocalSearchConfig(generations=2, population=4), selector=QuickSelect()),
        Exact(ExactConfig(pool=4), selector=QuickSelect()),
        Evolution(EvolutionConfig(generations=2, population=8, exact_starts=0), selector=QuickSelect()),
    ],
    ids=lambda search: type(search).__name__,
)
def test_every_strategy_begins_with_what_is_given(search: SearchStrategy) -> None:
    best = Exact(selector=QuickSelect()).run(problem(300), np.random.default_rng(0)).best
    large = SPACE.canonical(np.array([[4] * 5 + [7] * 20 + [6] * 20]))[0]
    given = dataclasses.replace(problem(300), given=np.stack([large, best]))
    result = search.run(given, np.random.default_rng(1))
    assert best_of(result) >= truth(SPACE.encode(best[None]))[0]
    assert "1 of 2 networks of refine.warm_start are beyond the bounds and were left out." in result.remarks
