"""Speed of latency prediction: 100,000 genotypes at once, and the decomposition into stage tables.

Run: pytest benchmarks/bench_costs.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nasface.costs import LutConfig, LutLatency
from nasface.devices import load_device
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

N = 100_000


@pytest.fixture(scope="module")
def cost() -> LutLatency:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
    return LutLatency(LutConfig(), space=space, device=load_device("sd865", {"lut": "sd865"}))


@pytest.fixture(scope="module")
def population(cost: LutLatency) -> Any:
    return cost.space.sample(np.random.default_rng(0), N)


def test_predict(benchmark: Any, cost: LutLatency, population: Any) -> None:
    assert benchmark(cost.predict, population).shape == (N,)


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
