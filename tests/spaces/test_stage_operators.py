"""Breeding on packed stages is breeding on genes: same support, same distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig, Population, join_stages
from nasface.testing.synthetic import face_space, tiny_space

N = 40_000
SPACES = {
    "face": face_space,
    "tiny": tiny_space,
    "reduced": lambda: OfaMbv3(OfaMbv3FaceConfig(kernels=[3, 7], expands=[6], depths=[1, 3])),
}


def moments(population: Population) -> np.ndarray:
    """Means of all genes, and of all products of two."""
    genes = population.astype(np.float64)
    return np.vstack([genes.mean(axis=0), genes.T @ genes / len(genes)])


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("probability", [0.1, 1.0])
def test_children_have_the_distribution_of_mutate_and_crossover(name: str, probability: float) -> None:
    space, rng = SPACES[name](), np.random.default_rng(0)
    operators, choices = space.stage_operators(), space.stage_choices()
    assert operators is not None
    parents = space.sample(rng, 2)
    mothers, fathers = np.repeat(parents[:1], 2 * N, axis=0), np.repeat(parents[1:], N, axis=0)
    bred = operators.breed(rng, space.stage_indices(mothers), space.stage_indices(fathers), probability)
    assert bred.dtype == np.int16
    children = join_stages(choices, bred.T)
    space.validate(children)
    expected = [space.mutate(rng, mothers[:N], probability), space.crossover(rng, mothers[N:], fathers)]
    for got, wanted in zip((children[:N], children[N:]), expected, strict=True):
        deviation = np.abs(moments(got) - moments(wanted))
        assert (deviation <= 6 * 36 / np.sqrt(N)).all()  # products are at most 49; six standard errors
        changed = [(rows != parents[0]).mean(axis=0) for rows in (got, wanted)]
        np.testing.assert_allclose(*changed, atol=6 * 0.5 * np.sqrt(2 / N))


def test_spaces_of_many_choices_have_none() -> None:
    assert OfaMbv3(OfaMbv3FaceConfig(expands=[2, 3, 4, 6])).stage_operators() is None


@pytest.mark.parametrize("make", SPACES.values())
def test_join_of_indices_is_the_inverse(make: Callable[[], OfaMbv3]) -> None:
    space = make()
    population = space.sample(np.random.default_rng(1), 500)
    np.testing.assert_array_equal(join_stages(space.stage_choices(), space.stage_indices(population).T), population)
