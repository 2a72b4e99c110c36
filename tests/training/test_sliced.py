"""A supernet of any space whose networks are parts of the largest one can be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nasface.errors import CheckpointError, InvalidInput
from nasface.testing.synthetic import tiny_space
from nasface.training.options import Phase
from nasface.training.sliced import SlicedSupernet

SPACE = tiny_space()
SMALLEST, LARGEST = (SPACE.from_dict({"ks": 3, "e": expand, "d": 1}) for expand in (3, 6))
PHASE = Phase(learning_rate=1e-3, steps=2, subnets=3, sandwich=True, validate="extremes")
EXPANSION = "blocks.1.conv.inverted_bottleneck.conv.weight"


@pytest.fixture
def network() -> SlicedSupernet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SlicedSupernet(SPACE, LARGEST, SMALLEST, classes=4)


def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32))


def test_a_network_computes_what_its_cut_computes(network: SlicedSupernet) -> None:
    network.eval()
    with torch.no_grad():
        for genotype in (SMALLEST, LARGEST):
            torch.testing.assert_close(network(images(), genotype), network.cut(genotype).eval()(images()))


def test_gradients_and_statistics_reach_the_first_channels_alone(network: SlicedSupernet) -> None:
    network.train()
    network(images(), SMALLEST).square().sum().backward()
    weight = network.body.get_parameter(EXPANSION)
    used = len(network.cut(SMALLEST).get_parameter(EXPANSION))
    assert 0 < used < len(weight)
    assert weight.grad[:used].abs().sum() > 0
    assert weight.grad[used:].abs().sum() == 0
    mean = network.body.get_buffer(EXPANSION.replace("conv.weight", "bn.running_mean"))
    assert mean[:used].abs().sum() > 0
    assert mean[used:].abs().sum() == 0


def test_a_step_trains_both_ends_and_random_networks(network: SlicedSupernet) -> None:
    sampler = network.sampler(PHASE)
    largest, smallest, other = sampler.draw(np.random.default_rng(0))
    np.testing.assert_array_equal([largest, smallest], [LARGEST, SMALLEST])
    SPACE.validate(other[None])
    assert set(sampler.judged()) == {"largest", "smallest"}


def test_blocks_can_begin_as_the_identity(network: SlicedSupernet) -> None:
    network.begin_as_identity()
    gains = {name: value for name, value in network.body.named_parameters() if name.endswith("point_linear.bn.weight")}
    zero = [name for name, value in gains.items() if not value.any()]
    assert zero == ["blocks.0.conv.point_linear.bn.weight"], "the only block of this space that adds its input"


@pytest.mark.parametrize("given", [{"kernels": [3]}, {"sort": True}, {"subnets": 2}])
def test_phases_of_other_spaces_are_refused(network: SlicedSupernet, given: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=r"which ofa_mbv3 spaces have|too few"):
        network.sampler(replace(PHASE, **given))


def test_weights_of_another_network_are_refused(network: SlicedSupernet, tmp_path: Path) -> None:
    state = network.body.state_dict()
    network.load(state, "same")
    with pytest.raises(CheckpointError, match="other does not fit"):
        network.load({**state, EXPANSION: state[EXPANSION][:3]}, "other")
