"""Channel sorting keeps the networks that were trained, and puts important channels first."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasface.supernets import ElasticNetwork
from nasface.training.sorting import sort_channels

from ._tiny import SIDE, tiny_space


@pytest.fixture
def network() -> ElasticNetwork:
    torch.manual_seed(0)
    network = ElasticNetwork(tiny_space(), 4)
    with torch.no_grad():  # norms that differ between channels, so that a forgotten permutation shows
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
        for name, buffer in network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(torch.rand_like(buffer) * 0.5)
    return network.eval()


def outputs(network: ElasticNetwork, expand: int) -> torch.Tensor:
    x = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return network(x, network.genotype_of(7, expand, 4))


@pytest.mark.parametrize("trained", [[6], [4, 6], [3, 4, 6]])
def test_networks_of_trained_ratios_stay_the_same(network: ElasticNetwork, trained: list[int]) -> None:
    before = {ratio: outputs(network, ratio) for ratio in (3, 4, 6)}
    sort_channels(network, trained)
    for ratio in (3, 4, 6):
        same = torch.allclose(outputs(network, ratio), before[ratio], atol=2e-5)
        assert same == (ratio in trained), f"expand ratio {ratio} with {trained} trained"


def test_importance_falls_within_every_segment(network: ElasticNetwork) -> None:
    sort_channels(network, [4, 6])
    weight = network.state_dict()["blocks.14.conv.point_linear.conv.conv.weight"]
    importance = weight.abs().sum((0, 2, 3)).numpy()
    first = len(importance) * 4 // 6
    assert (np.diff(importance[:first]) <= 0).all()
    assert (np.diff(importance[first:]) <= 0).all()
    assert importance[first] > importance[first - 1], "random segments overlap"
    hidden = network.state_dict()["blocks.14.conv.depth_conv.se.fc.expand.weight"].abs().sum((0, 2, 3)).numpy()
    assert (np.diff(hidden) <= 0).sum() >= len(hidden) - 2
