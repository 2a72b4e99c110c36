"""Latency from tables: sums against published ones, and the decomposition into stages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.costs import Cost, LayerCost, LutConfig, LutLatency, Macs, ModelMB, Params, PeakMemoryMB
from nasface.devices import Device, load_device
from nasface.errors import InvalidInput, LookupTableError, UnknownName
from nasface.registry import build
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=224))
TAIL = ("Conv_1-", "AvgPool2D-", "Conv_2-")


def blocks(*stages: str) -> list[int]:
    return [int(word) for stage in stages for word in stage.split(",")]


NETS = {
    "Subnet 1, 865": (
        blocks("3,3,7,5", "3,3,3,5", "3,3,3,7", "3,3,3,7", "5,3,7,7"),
        blocks("3,3,6,3", "3,4,3,4", "4,4,4,6", "3,6,4,4", "4,6,3,6"),
        [2, 3, 3, 3, 2],
        10.232,
    ),
    "Subnet 2, 865": (
        blocks("3,3,5,5", "3,3,3,5", "3,3,5,3", "5,3,3,5", "5,3,5,3"),
        blocks("3,3,4,4", "3,3,4,4", "3,4,4,3", "3,4,3,4", "4,3,4,4"),
        [2, 2, 2, 2, 2],
        7.788,
    ),
    "Subnet 1, 765": (
        blocks("3,3,5,7", "3,3,3,5", "3,3,3,3", "3,3,3,5", "5,3,5,3"),
        blocks("3,3,6,4", "3,6,4,4", "6,3,3,6", "3,4,4,4", "4,6,3,6"),
        [2, 3, 3, 3, 3],
        11.047,
    ),
    "Subnet 2, 765": (
        blocks("3,3,5,3", "3,3,3,3", "3,3,3,5", "3,3,3,3", "3,3,5,3"),
        blocks("3,3,3,4", "3,3,3,4", "3,4,3,3", "4,3,4,3", "3,3,4,3"),
        [2, 2, 2, 2, 2],
        7.467,
    ),
    "smallest": ([3] * 20, [3] * 20, [2] * 5, 7.313),
    "largest": ([7] * 20, [6] * 20, [4] * 5, 45.218),
}


def latency(name: str, space: OfaMbv3 = SPACE) -> LutLatency:
    return LutLatency(LutConfig(), space=space, device=load_device(name, {"lut": name}))


def per_layer(cost: LutLatency, genotype: np.ndarray) -> list[tuple[str, float]]:
    layers = cost.space.layers()
    return [(layers[i].key, float(cost.values[i])) for i in cost.space.layer_indices(genotype[None])[0] if i >= 0]


@pytest.mark.parametrize("net", NETS)
def test_sums_on_the_measured_i7(net: str) -> None:
    kernels, expands, depths, expected = NETS[net]
    genotype = SPACE.from_dict({"ks": kernels, "e": expands, "d": depths})
    parts = per_layer(latency("i7_8700k"), genotype)
    assert sum(ms for key, ms in parts if not key.startswith(TAIL)) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("net", "ms"),
    [("Subnet 1, 865", 11.89), ("Subnet 2, 865", 8.74), ("Subnet 1, 765", 34.02), ("Subnet 2, 765", 22.82)],
)
def test_estimates_are_near_the_published_times(net: str, ms: float) -> None:
    kernels, expands, depths, _ = NETS[net]
    genotype = SPACE.from_dict({"ks": kernels, "e": expands, "d": depths})
    assert latency(f"sd{net[-3:]}").predict(genotype[None, :])[0] == pytest.approx(ms, rel=0.08)


def test_breakdown_follows_the_network_and_adds_up(rng: np.random.Generator) -> None:
    cost = latency("sd865")
    for genotype in SPACE.sample(rng, 5):
        parts = per_layer(cost, genotype)
        assert [key for key, _ in parts] == [layer.key for layer in SPACE.build(genotype).layers]
        assert sum(ms for _, ms in parts) == pytest.approx(cost.predict(genotype[None, :])[0])


COSTS = {
    "i7_8700k": latency("i7_8700k"),
    "sd765": latency("sd765"),
    "params": Params(SPACE),
    "macs": Macs(SPACE),
    "model_mb": ModelMB(SPACE),
    "peak_memory_mb": PeakMemoryMB(SPACE),
}
TABLES = {name: cost.decompose() for name, cost in COSTS.items()}


@pytest.mark.parametrize("name", COSTS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_stage_tables_equal_the_prediction(name: str, seed: int) -> None:
    tables, population = TABLES[name], SPACE.sample(np.random.default_rng(seed), 40)
    assert tables is not None
    expected = COSTS[name].predict(population)
    np.testing.assert_allclose(tables.predict(SPACE.stage_indices(population)), expected, rtol=1e-12)
    assert tables.minimum().value <= expected.min()
    assert tables.maximum().value >= expected.max()


@pytest.mark.parametrize("name", COSTS)
def test_extremes_are_reached(name: str) -> None:
    """The smallest network need not be the fastest: on the i7, one larger kernel was measured faster."""
    tables, choices = TABLES[name], SPACE.stage_choices()
    assert tables is not None
    for value, indices in (tables.minimum(), tables.maximum()):
        genotype = sum((stage[i] for stage, i in zip(choices, indices, strict=True)), np.zeros(SPACE.n_genes, np.int8))
        assert COSTS[name].predict(genotype[None, :])[0] == pytest.approx(value)
    smallest, largest = (SPACE.from_dict({"ks": k, "e": e, "d": d}) for k, e, d in ((3, 3, 2), (7, 6, 4)))
    low, high = (float(COSTS[name].predict(net[None, :])[0]) for net in (smallest, largest))
    assert 0.99 * low < tables.minimum().value <= low * (1 + 1e-12)
    assert high * (1 - 1e-12) <= tables.maximum().value < 1.01 * high


def test_estimated_follows_the_table() -> None:
    assert latency("sd865").estimated
    assert not latency("i7_8700k").estimated
    assert latency("sd865").reference() == (22.0, False)
    ms, estimated = latency("sd865", OfaMbv3(OfaMbv3FaceConfig(resolution=112))).reference("efficientnet_b0")
    assert estimated
    assert 5 < ms < 15


def test_counts_know_their_reference() -> None:
    assert Params(SPACE).reference() == (4.007548, False)
    assert Macs(SPACE).reference().value == pytest.approx(384.53, abs=0.01)
    with pytest.raises(UnknownName, match=r"reference network 'efficientnet'"):
        Params(SPACE).reference("efficientnet")


def test_other_costs_refuse_a_reference() -> None:
    class Area(LayerCost):
        name, unit = "area", "px"

    cost: Cost = Area(SPACE, np.ones(len(SPACE.layers())))
    with pytest.raises(InvalidInput, match=r"No area of efficientnet_b0 is known; give constraints.area.max"):
        cost.reference()


@pytest.mark.parametrize(
    ("device", "given_"), [(None, "no device"), (Device("bare"), "device bare, which has no latency table")]
)
def test_a_table_is_needed(device: Device | None, given_: str) -> None:
    with pytest.raises(LookupTableError, match=rf"latency=lut was given {given_}"):
        LutLatency(LutConfig(), space=SPACE, device=device)


def test_unknown_resolution() -> None:
    with pytest.raises(LookupTableError, match=r"no rows at 100 pixels, only at 112, 128, 160, 192, 224"):
        latency("sd865", OfaMbv3(OfaMbv3FaceConfig(resolution=100)))


def test_registered() -> None:
    cost = build("latency", {"name": "lut"}, space=SPACE, device=load_device("sd865", {"lut": "sd865"}))
    assert isinstance(cost, LutLatency)
    assert cost.label == "latency on sd865"
