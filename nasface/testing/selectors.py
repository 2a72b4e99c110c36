"""What every selector must do."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.selectors import Selector
from nasface.spaces import SearchSpace
from nasface.testing.arguments import own_generator_only
from nasface.testing.synthetic import OracleComparator, OracleScorer, Rotating, face_space, oracle, truth


class SelectorConformance:
    """Give the fixture `selector`.

    One that explores is not asked for the very best, but for what it promises instead.
    """

    @pytest.fixture
    def selector(self) -> Selector:
        raise NotImplementedError("give the fixture `selector`")

    @pytest.fixture
    def space(self) -> SearchSpace:
        return face_space()

    @pytest.mark.parametrize("k", [1, 2, 10, 39, 40])
    @pytest.mark.parametrize("predictor", [OracleComparator, OracleScorer])
    def test_finds_the_best(
        self, selector: Selector, space: SearchSpace, predictor: type[OracleComparator], k: int
    ) -> None:
        rng = np.random.default_rng(k)
        population = space.sample(rng, 40)
        ranker = oracle(space, predictor, rng)
        kept = population.copy()
        with own_generator_only():
            chosen = selector.top_k(population, k, ranker, rng)
        np.testing.assert_array_equal(population, kept, "top_k changed its population")
        assert chosen.dtype == np.intp
        assert chosen.shape == (k,)
        assert len(set(chosen.tolist())) == k, "an index is repeated"
        assert set(chosen.tolist()) <= set(range(40)), "an index is none of the population"
        if selector.explores:
            return
        best = np.argsort(-truth(space.encode(population)), kind="stable")[:k]
        assert sorted(chosen.tolist()) == sorted(best.tolist())
        if predictor is OracleScorer:
            assert ranker.calls == 0, "a scorer needs no comparisons"
        elif k < 40:
            assert 0 < ranker.calls <= ranker.pairs <= 40 * 39 / 2

    @pytest.mark.parametrize("predictor", [OracleComparator, OracleScorer])
    def test_takes_better_ones_on_average(
        self, selector: Selector, space: SearchSpace, predictor: type[OracleComparator]
    ) -> None:
        rng, gains = np.random.default_rng(0), []
        for _ in range(20):
            population = space.sample(rng, 40)
            quality = truth(space.encode(population))
            chosen = selector.top_k(population, 10, oracle(space, predictor, rng), rng)
            gains.append((quality[chosen].mean() - quality.mean()) / quality.std())
        assert np.mean(gains) > 0.1, "what is taken is no better than what is left"

    @pytest.mark.parametrize("predictor", [OracleComparator, OracleScorer])
    def test_ties_go_to_the_lower_index(
        self, selector: Selector, space: SearchSpace, predictor: type[OracleComparator]
    ) -> None:
        rng = np.random.default_rng(0)
        population = np.repeat(space.sample(rng, 4), 5, axis=0)
        order = np.argsort(-truth(space.encode(population)), kind="stable")
        if selector.explores:
            pytest.skip("it explores")
        chosen = selector.top_k(population, 7, oracle(space, predictor, rng), rng)
        assert sorted(chosen.tolist()) == sorted(order[:7].tolist())

    def test_equal_networks_are_not_compared(self, selector: Selector, space: SearchSpace) -> None:
        rng = np.random.default_rng(0)
        ranker = oracle(space, OracleComparator, rng)
        population = np.repeat(space.sample(rng, 1), 30, axis=0)
        if selector.explores:
            pytest.skip("it explores")
        assert sorted(selector.top_k(population, 3, ranker, rng).tolist()) == [0, 1, 2]
        assert ranker.pairs == 0

    def test_contradictory_answers_end(self, selector: Selector, space: SearchSpace) -> None:
        rng = np.random.default_rng(0)
        population = space.sample(rng, 60)
        ranker = oracle(space, Rotating, rng)
        chosen = selector.top_k(population, 20, ranker, rng)
        assert len(set(chosen.tolist())) == 20
        assert selector.explores or ranker.pairs <= 60 * 59 / 2

    def test_same_seed_same_rows(self, selector: Selector, space: SearchSpace) -> None:
        population = space.sample(np.random.default_rng(1), 60)
        first, second = (
            selector.top_k(population, 20, oracle(space, Rotating, np.random.default_rng(2)), np.random.default_rng(3))
            for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("k", [0, -1, 6])
    def test_k_is_checked(self, selector: Selector, space: SearchSpace, k: int) -> None:
        rng = np.random.default_rng(0)
        with pytest.raises(InvalidInput):
            selector.top_k(space.sample(rng, 5), k, oracle(space, OracleComparator, rng), rng)
