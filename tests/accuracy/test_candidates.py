"""Which networks are measured: half uniform, half flat over the cost, the same for one seed."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.accuracy.candidates import Plan, Source, candidates, dense, macs_of, mixed
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


def test_dense_networks_lie_near_their_budgets(space: OfaMbv3) -> None:
    macs = macs_of(space)
    population, origins = candidates(space, 40, 0, Plan(dense([(macs, 7e7), (macs, 1.2e8)], band=0.03)))
    ratio = macs(population).reshape(-1, 2) / [7e7, 1.2e8]
    assert np.abs(ratio - 1).max() <= 0.03
    assert ratio.std(axis=0).min() > 0.005
    assert set(origins) == {"dense"}


def test_a_budget_that_no_network_is_near(space: OfaMbv3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasface.accuracy.candidates.POOL", 64)
    monkeypatch.setattr("nasface.accuracy.candidates.STEPS", 2)
    with pytest.raises(InvalidInput, match=r"Only 0 distinct networks .* another accuracy.sampling"):
        candidates(space, 3, 0, Plan(dense([(macs_of(space), 1.0)])))


@pytest.mark.parametrize("kind", ["uniform", "stratified", "dense"])
def test_relatives_share_the_first_two_stages(space: OfaMbv3, kind: str) -> None:
    macs = macs_of(space)
    sources = {"uniform": (Source("uniform"),), "stratified": mixed(space)[1:], "dense": dense([(macs, 1e8)])}
    population, origins = candidates(space, 24, 0, Plan(sources[kind], family=4))
    space.validate(population)
    assert len(np.unique(population, axis=0)) == 24
    assert set(origins) == {kind}
    stages = space.stage_indices(population)[:, :2].reshape(6, 4, 2)
    assert (stages == stages[:, :1]).all()
    assert len(np.unique(stages[:, 0], axis=0)) == 6
    if kind == "dense":
        assert np.abs(macs(population) / 1e8 - 1).max() <= 0.05


def test_relatives_of_uniform_networks_are_uniform(space: OfaMbv3) -> None:
    population, _ = candidates(space, 400, 0, Plan(family=4))
    last = population[:, 4]
    for depth in (2, 3, 4):
        assert abs((last == depth).mean() - 1 / 3) < 4 * np.sqrt(2 / 9 / last.size)


def test_families_need_stages(space: OfaMbv3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OfaMbv3, "stage_choices", lambda self: None)
    with pytest.raises(InvalidInput, match=r"no stages that networks could share; set accuracy.family=1"):
        candidates(space, 4, 0, Plan(family=2))
