"""Selection and search with the paper's comparator: time, comparator calls and pairs.

Run `python -m pytest benchmarks/bench_search.py --benchmark-columns=min,median,rounds`; calls and pairs are in
`extra_info` (with `--benchmark-json=FILE`). The table is 500 random networks with a synthetic accuracy, since speed
does not depend on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _sizes import size

from nasface.costs import Macs
from nasface.predictors import Comparator, LightGBMNAC, MLPRegressor, Ranker, fit_ranker
from nasface.predictors._forest import PairForest
from nasface.selectors import FullSort, Heap, QuickSelect, Selector, Tournament
from nasface.strategies import Constraint, EvolutionPaper, EvolutionPaperConfig, Problem, feasible_start
from nasface.testing.synthetic import accuracies, face_space

SPACE = face_space()
TABLE = size(500, 60)
GENERATIONS = size(500, 2)
PAIRS = size(1000, 20)
BUDGETS = {"loose": 400.0, "middle": 300.0, "tight": 200.0}
"""MACs in millions; the space reaches from 192 to 842, a uniform sample hardly goes below 260."""


@pytest.fixture(scope="module", params=[LightGBMNAC, MLPRegressor])
def ranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    return _ranker(request.param(), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def nac(tmp_path_factory: pytest.TempPathFactory) -> Ranker:
    return _ranker(LightGBMNAC(), tmp_path_factory.mktemp("cache"))


def _ranker(predictor: Comparator, cache: Path) -> Ranker:
    table = SPACE.sample(np.random.default_rng(0), TABLE)
    targets = accuracies(SPACE, table, np.random.default_rng(1))
    return fit_ranker(SPACE, predictor, table, targets, np.random.default_rng(2), cache)


@pytest.mark.parametrize("predictor", [LightGBMNAC, MLPRegressor])
def test_fit(benchmark: Any, predictor: type[Comparator], tmp_path_factory: pytest.TempPathFactory) -> None:
    def fit() -> Ranker:
        return _ranker(predictor(), tmp_path_factory.mktemp("cache"))

    benchmark.pedantic(fit, rounds=3)


@pytest.mark.parametrize("n", size([125, 1000], [20]))
@pytest.mark.parametrize("selector", [QuickSelect(), FullSort(), Heap(), Tournament()], ids=lambda s: s.config.name)
def test_select_a_fifth(benchmark: Any, nac: Ranker, selector: Selector, n: int) -> None:
    population = SPACE.sample(np.random.default_rng(3), n)
    calls, pairs = nac.calls, nac.pairs
    selector.top_k(population, n // 5, nac, np.random.default_rng(4))
    benchmark.extra_info.update(calls=nac.calls - calls, pairs=nac.pairs - pairs)
    benchmark.pedantic(lambda: selector.top_k(population, n // 5, nac, np.random.default_rng(4)), rounds=10)


@pytest.mark.parametrize("how", ["contest", "compare", "scalar", "library"])
def test_compare_pairs(benchmark: Any, nac: Ranker, how: str, tmp_path: Path) -> None:
    """Prepared, in one batch, one pair at a time, and by LightGBM's own trees in one batch."""
    population = SPACE.sample(np.random.default_rng(5), 200)
    a, b = np.random.default_rng(6).integers(200, size=(2, PAIRS))
    if how == "contest":
        contest = nac.contest(population)
        benchmark(lambda: contest.compare(a, b))
    elif how == "compare":
        benchmark(lambda: nac.compare(population[a], population[b]))
    elif how == "scalar":
        pairs = [(population[i : i + 1], population[j : j + 1]) for i, j in zip(a, b, strict=True)]
        benchmark.pedantic(lambda: [nac.compare(*pair) for pair in pairs], rounds=3)
    else:
        benchmark(_library(nac, population[a], population[b], tmp_path / "model"))


def _library(nac: Ranker, a: Any, b: Any, path: Path) -> Any:
    import lightgbm

    nac.predictor.save(path)
    booster = lightgbm.Booster(model_str=path.read_text().split("\n", 1)[1])
    x, y = SPACE.encode(a), SPACE.encode(b)
    both = np.concatenate([np.hstack([x, y]), np.hstack([y, x])])
    return lambda: booster.predict(both, num_threads=1)


@pytest.mark.parametrize("budget", BUDGETS)
def test_feasible_start(benchmark: Any, nac: Ranker, budget: str) -> None:
    problem = Problem(SPACE, nac, [Constraint(Macs(SPACE), BUDGETS[budget], "MACs")])
    found = benchmark.pedantic(lambda: feasible_start(problem, np.random.default_rng(7), 100), rounds=5)
    assert len(found) == 100


@pytest.mark.parametrize("budget", BUDGETS)
def test_evolution(benchmark: Any, ranker: Ranker, budget: str) -> None:
    """The whole search of the paper: 500 generations of 100."""
    problem = Problem(SPACE, ranker, [Constraint(Macs(SPACE), BUDGETS[budget], "MACs")])
    result = benchmark.pedantic(
        lambda: EvolutionPaper(EvolutionPaperConfig(generations=GENERATIONS), selector=QuickSelect()).run(
            problem, np.random.default_rng(8)
        ),
        rounds=3,
    )
    benchmark.extra_info.update(result.counters)


@pytest.mark.parametrize("selector", [QuickSelect(), FullSort(), Heap(), Tournament()], ids=lambda s: s.config.name)
def test_evolution_by_selector(benchmark: Any, nac: Ranker, selector: Selector) -> None:
    """The same with each selector; sequential ones ask one pair at a time."""
    problem = Problem(SPACE, nac, [Constraint(Macs(SPACE), BUDGETS["middle"], "MACs")])
    search = EvolutionPaper(EvolutionPaperConfig(generations=size(50, 2)), selector=selector)
    result = benchmark.pedantic(lambda: search.run(problem, np.random.default_rng(8)), rounds=1)
    benchmark.extra_info.update(result.counters)


@pytest.mark.parametrize("population", size([100, 300, 1000, 3000, 10_000], [20]))
def test_cost_per_generation(benchmark: Any, nac: Ranker, population: int) -> None:
    """Ten generations of ever larger populations."""
    problem = Problem(SPACE, nac, [Constraint(Macs(SPACE), BUDGETS["middle"], "MACs")])
    search = EvolutionPaper(
        EvolutionPaperConfig(generations=size(10, 2), population=population), selector=QuickSelect()
    )
    result = benchmark.pedantic(lambda: search.run(problem, np.random.default_rng(8)), rounds=1)
    benchmark.extra_info.update(result.counters)


def test_compile(benchmark: Any, nac: Ranker, tmp_path: Path) -> None:
    """From LightGBM's text to tables that are ready."""
    nac.predictor.save(tmp_path / "model")
    text = (tmp_path / "model").read_text().split("\n", 1)[1]
    x = SPACE.encode(SPACE.sample(np.random.default_rng(0), 1))
    benchmark.pedantic(lambda: PairForest(text).masks(x), rounds=5)
