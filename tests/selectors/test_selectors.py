"""The selectors beyond the conformance kit."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.selectors import FullSort, Heap, QuickSelect, Selector, Tournament
from nasface.selectors._scores import best_scores
from nasface.selectors.full_sort import sort_best_first
from nasface.testing.synthetic import OracleComparator, OracleScorer, face_space, oracle, truth

SPACE = face_space()


@pytest.mark.parametrize("predictor", [OracleComparator, OracleScorer])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 32, 33])
def test_full_sort_orders(predictor: type[OracleComparator], n: int, rng: np.random.Generator) -> None:
    population = SPACE.sample(rng, n)
    best_first = np.argsort(-truth(SPACE.encode(population)), kind="stable")
    ranker = oracle(SPACE, predictor, rng)
    np.testing.assert_array_equal(sort_best_first(population, ranker), best_first)
    np.testing.assert_array_equal(FullSort().top_k(population, 1, ranker, rng), best_first[:1])


def test_full_sort_is_stable_and_nearly_optimal(rng: np.random.Generator) -> None:
    population = SPACE.sample(rng, 64)[rng.integers(64, size=128)]
    ranker = oracle(SPACE, OracleComparator, rng)
    order = sort_best_first(population, ranker)
    np.testing.assert_array_equal(order, np.argsort(-truth(SPACE.encode(population)), kind="stable"))
    assert ranker.pairs <= 128 * 7


def test_quickselect_is_linear(rng: np.random.Generator) -> None:
    pairs, calls = [], []
    for seed in range(20):
        ranker = oracle(SPACE, OracleComparator, rng)
        QuickSelect().top_k(SPACE.sample(rng, 200), 50, ranker, np.random.default_rng(seed))
        pairs.append(ranker.pairs)
        calls.append(ranker.calls)
    assert np.mean(pairs) < 4 * 200
    assert np.mean(calls) < 20


def test_quickselect_on_a_population_that_has_converged(rng: np.random.Generator) -> None:
    # Naive quickselect is quadratic here: every comparison with a pivot that all equal is a tie.
    population = SPACE.sample(rng, 3)[rng.integers(3, size=400)]
    ranker = oracle(SPACE, OracleComparator, rng)
    QuickSelect().top_k(population, 100, ranker, rng)
    assert ranker.pairs < 60


@pytest.mark.parametrize("make", [Heap, Tournament])
def test_heap_and_tournament_give_the_best_first(make: type[Selector], rng: np.random.Generator) -> None:
    population = SPACE.sample(rng, 64)
    chosen = make().top_k(population, 16, oracle(SPACE, OracleComparator, rng), rng)
    np.testing.assert_array_equal(chosen, np.argsort(-truth(SPACE.encode(population)), kind="stable")[:16])


@pytest.mark.parametrize(("make", "most"), [(Heap, 2 * 128 + 2 * 16 * 7), (Tournament, 128 + 1.5 * 16 * 7)])
def test_heap_and_tournament_ask_no_more_than_they_say(
    make: type[Selector], most: float, rng: np.random.Generator
) -> None:
    ranker = oracle(SPACE, OracleComparator, rng)
    make().top_k(SPACE.sample(rng, 128), 16, ranker, rng)
    assert ranker.pairs <= most


def test_quickselect_takes_the_pivot_from_the_rows_at_the_front(rng: np.random.Generator) -> None:
    # A search's parents stand there: most of the children lose to any of them, so that few rows are left at once.
    population = SPACE.sample(rng, 125)
    order = np.argsort(-truth(SPACE.encode(population)))

    def counts(rows: np.ndarray) -> tuple[float, float]:
        ranker = oracle(SPACE, OracleComparator, np.random.default_rng(0))
        for seed in range(20):
            QuickSelect().top_k(rows, 25, ranker, np.random.default_rng(seed))
        return ranker.calls / 20, ranker.pairs / 20

    assert counts(population[order])[0] < counts(population)[0]
    assert counts(population[order[::-1]])[1] < 125 * 124 / 8, "nor is the worst order quadratic"


def test_best_scores_breaks_ties_by_index() -> None:
    assert best_scores(np.array([1.0, 2.0, 2.0, 0.0, 2.0]), 2).tolist() == [1, 2]
    assert best_scores(np.array([1.0, 2.0, 2.0, 0.0, 2.0]), 4).tolist() == [0, 1, 2, 4]
