"""The elastic network against an independent restatement of OFA's rules."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasface.spaces import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig
from nasface.supernets import ElasticNetwork, SpecModule
from nasface.supernets.supernet import ElasticSupernet

from . import _reference
from .conftest import randomise


@pytest.fixture(scope="module")
def face() -> ElasticSupernet:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=64))
    return ElasticSupernet(randomise(ElasticNetwork(space)), "face")


def reference(supernet: ElasticSupernet, genotype: np.ndarray, x: torch.Tensor) -> torch.Tensor:
    genes = supernet.space.to_dict(genotype)
    return _reference.forward(supernet.network.state_dict(), genes["ks"], genes["e"], genes["d"], x)


@torch.no_grad()
def test_random_subnets_equal_the_reference(face: ElasticSupernet, rng: np.random.Generator) -> None:
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for genotype in face.space.sample(rng, 6):
        expected = reference(face, genotype, x)
        scale = expected.norm(dim=1).max()
        assert scale > 0.1
        assert (face.extract(genotype)(x) - expected).abs().max() < 1e-5 * scale
        assert (face.network(x, genotype) - expected).abs().max() < 1e-5 * scale


@pytest.mark.parametrize("choice", [(3, 3, 2), (5, 4, 3), (7, 6, 4)])
@torch.no_grad()
def test_uniform_subnets_equal_the_reference_after_folding(face: ElasticSupernet, choice: tuple[int, int, int]) -> None:
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    genotype = face.network.genotype_of(*choice)
    folded = SpecModule.from_weights(face.space.build(genotype), face.weights(genotype))
    expected = reference(face, genotype, x)
    assert (folded(x) - expected).abs().max() < 1e-5 * expected.norm(dim=1).max()


def test_dynamic_keys_are_ofas(face: ElasticSupernet) -> None:
    keys = list(ElasticNetwork(face.space, classes=8).state_dict())
    assert len(keys) == 475
    assert keys[-2:] == ["classifier.linear.weight", "classifier.linear.bias"]
    assert [key for key in keys if key.startswith("blocks.5.conv.depth_conv")] == [
        "blocks.5.conv.depth_conv.conv.5to3_matrix",
        "blocks.5.conv.depth_conv.conv.7to5_matrix",
        "blocks.5.conv.depth_conv.conv.conv.weight",
        "blocks.5.conv.depth_conv.bn.bn.weight",
        "blocks.5.conv.depth_conv.bn.bn.bias",
        "blocks.5.conv.depth_conv.bn.bn.running_mean",
        "blocks.5.conv.depth_conv.bn.bn.running_var",
        "blocks.5.conv.depth_conv.bn.bn.num_batches_tracked",
        "blocks.5.conv.depth_conv.se.fc.reduce.weight",
        "blocks.5.conv.depth_conv.se.fc.reduce.bias",
        "blocks.5.conv.depth_conv.se.fc.expand.weight",
        "blocks.5.conv.depth_conv.se.fc.expand.bias",
    ]
    shapes = {key: list(value.shape) for key, value in face.network.state_dict().items()}
    assert shapes["blocks.20.conv.inverted_bottleneck.conv.conv.weight"] == [1152, 192, 1, 1]
    assert shapes["blocks.20.conv.depth_conv.conv.7to5_matrix"] == [25, 25]
    assert shapes["feature_mix_layer.conv.weight"] == [1536, 1152, 1, 1]


@pytest.mark.parametrize(("kernels", "count"), [([3, 5, 7], 475), ([3, 7], 455), ([7], 435)])
def test_matrices_follow_the_kernel_list(kernels: list[int], count: int) -> None:
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, kernels=kernels))
    keys = ElasticNetwork(space, classes=2).state_dict()
    assert len(keys) == count
    assert sum(key.endswith("7to3_matrix") for key in keys) == (20 if kernels == [3, 7] else 0)


def test_a_kernel_skipped_in_the_list_is_derived_in_one_step() -> None:
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, kernels=[3, 7]))
    network = randomise(ElasticNetwork(space))
    state = network.subnet_state(network.genotype_of(3, 3, 2))
    own = network.state_dict()
    path = "blocks.1.conv.depth_conv.conv"
    derived = state[f"{path}.weight"]
    crop = own[f"{path}.conv.weight"][: len(derived), 0, 2:5, 2:5].reshape(-1, 9).numpy()
    expected = crop @ own[f"{path}.7to3_matrix"].numpy().T
    np.testing.assert_allclose(derived.detach().reshape(-1, 9).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("depth", "count"), [(2, 229), (4, 433)])
def test_static_keys_of_an_extracted_net(face: ElasticSupernet, depth: int, count: int) -> None:
    """OFA's counts are 231 and 435 with the two tensors of the classifier."""
    keys = face.extract({"ks": 5, "e": 4, "d": depth}).state_dict()
    assert len(keys) == count
    assert "blocks.3.conv.inverted_bottleneck.conv.weight" in keys
    assert "blocks.3.conv.inverted_bottleneck.bn.running_mean" in keys
    assert not [key for key in keys if "_matrix" in key or ".bn.bn." in key or ".conv.conv." in key]


def test_depth_keeps_the_first_blocks_of_a_stage(small: ElasticNetwork) -> None:
    state = small.subnet_state(small.space.from_dict({"ks": 7, "e": 6, "d": [2, 3, 2, 2, 2]}))
    own = small.state_dict()
    key = "conv.point_linear.conv"
    for static, elastic in ((1, 1), (2, 2), (3, 5), (5, 7), (6, 9), (11, 18)):
        assert torch.equal(state[f"blocks.{static}.{key}.weight"], own[f"blocks.{elastic}.{key}.conv.weight"])
    assert not any(name.startswith("blocks.12.") for name in state)


def test_depths_below_four_number_the_elastic_blocks_by_the_largest_depth() -> None:
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, depths=[1, 2]))
    network = randomise(ElasticNetwork(space))
    assert max(int(name.split(".")[1]) for name in network.state_dict() if name.startswith("blocks.")) == 10
    assert network(torch.zeros(2, 3, 32, 32), network.genotype_of(3, 3, 1)).shape == (2, space.descriptor)


def test_gradients_reach_only_the_active_part(small: ElasticNetwork) -> None:
    small(torch.randn(4, 3, 32, 32), small.genotype_of(3, 3, 2)).sum().backward()
    first = small.get_parameter("blocks.1.conv.inverted_bottleneck.conv.conv.weight").grad
    assert first is not None
    mid = small.space.build(small.genotype_of(3, 3, 2)).layers[2].ops[0].shape[2]
    assert first[:mid].abs().sum() > 0
    assert first[mid:].abs().sum() == 0
    assert small.get_parameter("blocks.4.conv.point_linear.conv.conv.weight").grad is None
    matrix = small.get_parameter("blocks.1.conv.depth_conv.conv.5to3_matrix").grad
    assert matrix is not None
    assert matrix.abs().sum() > 0


def test_training_updates_the_prefix_of_running_statistics(small: ElasticNetwork) -> None:
    name = "blocks.1.conv.inverted_bottleneck.bn.bn"
    genotype = small.genotype_of(3, 3, 2)
    mid = small.space.build(genotype).layers[2].ops[0].shape[2]
    before = small.get_buffer(f"{name}.running_mean").clone()
    small.train()(torch.randn(4, 3, 32, 32), genotype)
    after = small.get_buffer(f"{name}.running_mean")
    assert (after[:mid] != before[:mid]).all()
    assert torch.equal(after[mid:], before[mid:])
    assert small.get_buffer(f"{name}.num_batches_tracked") == 1
    assert small.get_buffer("blocks.3.conv.point_linear.bn.bn.num_batches_tracked") == 0


def test_extraction_copies(small: ElasticNetwork) -> None:
    supernet = ElasticSupernet(small, "small")
    module = supernet.extract({"ks": 7, "e": 6, "d": 4})
    before = supernet.fingerprint
    with torch.no_grad():
        for value in module.state_dict().values():
            value.zero_()
    assert ElasticSupernet(small, "small").fingerprint == before


def test_head_gives_logits(small: ElasticNetwork) -> None:
    assert small.get_submodule("classifier.linear")(torch.zeros(3, small.space.descriptor)).shape == (3, 5)


def test_largest_is_the_largest_choice_everywhere() -> None:
    network = ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, kernels=[5, 3], expands=[4, 3], depths=[3, 2])))
    np.testing.assert_array_equal(network.largest, network.genotype_of(5, 4, 3))
