"""Which networks are measured: half uniform, half flat over the cost, the same for one seed."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.accuracy.candidates import Plan, candidates, macs_of, mixed
from nasface.errors import InvalidInput
from nasface.spaces import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig, Population

N = 320


@pytest.fixture(scope="module")
def space() -> OfaMbv3:
    return OfaMbv3(OfaMbv3FaceConfig(resolution=112))


@pytest.fixture(scope="module")
def drawn(space: OfaMbv3) -> tuple[Population, np.ndarray]:
    population, origins = candidates(space, N, 3, Plan(mixed(space)))
    return population, np.array(origins)


def test_distinct_canonical_and_interleaved(space: OfaMbv3, drawn: tuple[Population, np.ndarray]) -> None:
    population, origins = drawn
    space.validate(population)
    assert len(np.unique(population, axis=0)) == N
    assert (origins[::2] == "uniform").all()
    assert (origins[1::2] == "stratified").all()


def test_macs_are_the_networks(space: OfaMbv3, drawn: tuple[Population, np.ndarray]) -> None:
    population = drawn[0][:5]
    assert macs_of(space)(population).tolist() == [space.build(row).macs for row in population]


def test_second_half_covers_the_whole_range_evenly(space: OfaMbv3, drawn: tuple[Population, np.ndarray]) -> None:
    population, origins = drawn
    costs = macs_of(space)(population)
    smallest, largest = (
        space.build(space.from_dict({"ks": k, "e": e, "d": d})).macs for k, e, d in ((3, 3, 2), (7, 6, 4))
    )
    margin = 0.08 * (largest - smallest)
    spread = costs[origins == "stratified"]
    assert spread.min() < smallest + margin
    assert spread.max() > largest - 1.5 * margin
    counts, _ = np.histogram(spread, 8)
    assert counts.min() > 0.7 * N / 16
    assert counts.max() < 1.3 * N / 16
    assert costs[origins == "uniform"].min() > smallest + margin  # which is why the second half exists


def test_first_half_is_uniform(space: OfaMbv3, drawn: tuple[Population, np.ndarray]) -> None:
    population, origins = drawn
    depths = population[origins == "uniform"][:, :5]
    for depth in (2, 3, 4):
        assert abs((depths == depth).mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / depths.size)


def test_a_longer_sequence_begins_with_the_shorter(space: OfaMbv3, drawn: tuple[Population, np.ndarray]) -> None:
    np.testing.assert_array_equal(candidates(space, 50, 3, Plan(mixed(space)))[0], drawn[0][:50])
    assert (candidates(space, 50, 4, Plan(mixed(space)))[0] != drawn[0][:50]).any()


def test_any_cost(space: OfaMbv3) -> None:
    def blocks(population: Population) -> np.ndarray:
        return population[:, :5].sum(axis=1).astype(float)

    population, origins = candidates(space, 60, 0, Plan(mixed(space, blocks)))
    depths = blocks(population[np.array(origins) == "stratified"])
    assert set(depths) >= set(range(10, 20))


def test_more_than_the_space_has() -> None:
    tiny = OfaMbv3(OfaMbv3Config(kernels=[3], expands=[3], depths=[1, 2], resolution=32))
    population, _ = candidates(tiny, 32, 0, Plan(mixed(tiny)))
    assert len(np.unique(population, axis=0)) == tiny.size() == 32
    with pytest.raises(InvalidInput, match="Only 32 distinct networks"):
        candidates(tiny, 33, 0, Plan(mixed(tiny)))
