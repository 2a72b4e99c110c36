"""A small elastic network with random parameters, statistics and transforms, in which nothing is the identity."""

from __future__ import annotations

import pytest
import torch

from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.supernets import ElasticNetwork


def randomise(network: ElasticNetwork, seed: int = 0) -> ElasticNetwork:
    """Every tensor random, variances positive."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        noise = torch.randn(value.shape, generator=generator)
        if name.endswith("running_var"):
            noise = noise.abs() + 0.5
        elif name.endswith("_matrix") or name.endswith("bn.weight"):
            noise = value + 0.1 * noise
        elif value.ndim == 4:
            noise = noise * value[0].numel() ** -0.5
        value.copy_(noise)
    return network.eval()


@pytest.fixture
def small_space() -> OfaMbv3:
    return OfaMbv3(OfaMbv3Config(width=0.25, resolution=32))


@pytest.fixture
def small(small_space: OfaMbv3) -> ElasticNetwork:
    return randomise(ElasticNetwork(small_space, classes=5))
