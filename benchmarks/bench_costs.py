"""Speed of latency prediction: 100,000 genotypes at once, stage tables, and OFA's way of one network after another.

Run: pytest benchmarks/bench_costs.py
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from _sizes import size

from nasface.costs import LutConfig, LutLatency, network_costs
from nasface.devices import load_device
from nasface.spaces import SearchSpace
from nasface.spaces._ofa_network import make_divisible
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig
from nasface.testing.synthetic import Stageless

N = size(100_000, 100)

OFA_N = size(1000, 10)
"""Networks for OFA's way, which takes about a hundred times as long for each."""


@pytest.fixture(scope="module")
def cost() -> LutLatency:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
    return LutLatency(LutConfig(), space=space, device=load_device("sd865", {"lut": "sd865"}))


@pytest.fixture(scope="module")
def population(cost: LutLatency) -> Any:
    return cost.space.sample(np.random.default_rng(0), N)


def test_predict(benchmark: Any, cost: LutLatency, population: Any) -> None:
    assert benchmark(cost.predict, population).shape == (N,)


class Inherited(Stageless):
    """A space as a plug-in writes it at first: without stages, and with the `layer_indices` that is inherited."""

    layer_indices = SearchSpace.layer_indices


@pytest.mark.parametrize("remembered", [True, False], ids=["remembered", "built for every cost"])
def test_all_costs_of_a_space_without_layer_indices(benchmark: Any, remembered: bool) -> None:
    """What a search asks of one population that it has not met before; and the same if no network were remembered."""
    space = Inherited(OfaMbv3FaceConfig(resolution=112))
    costs = list(network_costs(space).values())
    networks = space.sample(np.random.default_rng(0), OFA_N)

    def ask() -> None:
        space.__dict__.pop("_layer_rows", None)
        for cost in costs:
            if not remembered:
                space.__dict__.pop("_layer_rows", None)
            cost.predict(networks)

    benchmark(ask)


def test_predict_ofa_way(benchmark: Any, cost: LutLatency, population: Any) -> None:
    """Both give the same milliseconds; the time is of `OFA_N` networks."""
    dictionaries = [cost.space.to_dict(row) for row in population[:OFA_N]]
    table = {key: {"mean": row.mean_ms} for key, row in cost.table.rows[cost.space.resolution].items()}
    found = benchmark(lambda: [ofa_latency(table, sample, cost.space.resolution) for sample in dictionaries])
    assert found == pytest.approx(cost.predict(population[:OFA_N]))


def ofa_latency(table: Mapping[str, Mapping[str, float]], sample: Mapping[str, Any], size: int) -> float:
    """OFA's tutorial `LatencyTable.predict_efficiency`: a text key for every layer, looked up and added.

    Args:
        table: {"mean": ms} by key.
        sample: {"ks", "e", "d"}.
        size: Pixels.
    """
    first, fixed, final, mix = 24, 24, 1152, 1536
    widths, strides, squeeze, hard = (32, 48, 96, 136, 192), (2, 2, 2, 1, 2), (0, 1, 0, 1, 1), (0, 0, 1, 1, 1)
    now = int((size - 1) / 2 + 1)
    total = table[f"Conv-input:{size}x{size}x3-output:{now}x{now}x{first}"]["mean"]
    total += table[ofa_block_key(now, first, now, fixed, first, 3, 1, 1, 0, 0)]["mean"]
    channels = fixed
    for stage, (width, stride, se, hs) in enumerate(zip(widths, strides, squeeze, hard, strict=True)):
        for position in range(sample["d"][stage]):
            kernel, expand = sample["ks"][4 * stage + position], sample["e"][4 * stage + position]
            step = 1 if position else stride
            out = int((now - 1) / step + 1)
            skip = int(step == 1 and channels == width)
            mid = make_divisible(round(channels * expand))
            total += table[ofa_block_key(now, channels, out, width, mid, kernel, step, skip, se, hs)]["mean"]
            now, channels = out, width
    total += table[f"Conv_1-input:{now}x{now}x{channels}-output:{now}x{now}x{final}"]["mean"]
    total += table[f"AvgPool2D-input:{now}x{now}x{final}-output:1x1x{final}"]["mean"]
    return total + table[f"Conv_2-input:1x1x{final}-output:1x1x{mix}"]["mean"]


def ofa_block_key(
    size: int, channels: int, out: int, width: int, mid: int, kernel: int, stride: int, skip: int, se: int, hs: int
) -> str:
    """OFA's key, put together word by word as its code does."""
    words = ["expanded_conv", f"input:{'x'.join(map(str, (size, size, channels)))}"]
    words.append(f"output:{'x'.join(map(str, (out, out, width)))}")
    words += [f"expand:{mid}", f"kernel:{kernel}", f"stride:{stride}", f"idskip:{skip}", f"se:{se}", f"hs:{hs}"]
    return "-".join(words)


def test_decompose(benchmark: Any, cost: LutLatency) -> None:
    assert benchmark(cost.decompose) is not None


def test_predict_from_stage_tables(benchmark: Any, cost: LutLatency, population: Any) -> None:
    tables, indices = cost.decompose(), cost.space.stage_indices(population)
    assert tables is not None
    assert benchmark(tables.predict, indices).shape == (N,)


def test_load_and_build(benchmark: Any, cost: LutLatency) -> None:
    def make() -> LutLatency:
        return LutLatency(LutConfig(), space=cost.space, device=load_device("sd865", {"lut": "sd865"}))

    assert benchmark(make).estimated
