"""What neighbours share is computed once, and nothing changes by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nasface.accuracy.candidates import Plan, candidates
from nasface.accuracy.estimator import describe, measured_network
from nasface.accuracy.runner import SubnetRunner, open_accelerator, shared_operations
from nasface.errors import InvalidInput, UnknownName
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.supernets import ElasticNetwork, ElasticSupernet, SpecModule

SIDE = 32


@pytest.fixture(scope="module")
def supernet() -> ElasticSupernet:
    torch.manual_seed(0)
    return ElasticSupernet(ElasticNetwork(OfaMbv3(OfaMbv3Config(width=0.25, resolution=SIDE))), "tiny")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def family(supernet: ElasticSupernet) -> np.ndarray:
    """A family of three, a stranger, and the same again."""
    population, _ = candidates(supernet.space, 4, 0, Plan(family=3))
    return population[[0, 1, 2, 3, 3]]


def operations_run(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    run: list[str] = []
    compute = SpecModule.compute
    monkeypatch.setattr(SpecModule, "compute", lambda self, op, x: run.append(op.name) or compute(self, op, x))
    return run


@pytest.mark.parametrize("memory", [10**9, 0])
def test_descriptors_are_those_of_networks_measured_alone(
    supernet: ElasticSupernet, images: np.ndarray, family: np.ndarray, memory: int
) -> None:
    runner = SubnetRunner(images[:20], images[20:], memory)
    modules = [supernet.extract(row) for row in family]
    for row, module, following in zip(family, modules, [*modules[1:], None], strict=True):
        alone = describe(measured_network(supernet, row, images[:20]), images[20:])
        np.testing.assert_array_equal(runner.describe(module, following), alone)


@pytest.mark.slow
def test_shared_layers_are_not_computed_again(
    supernet: ElasticSupernet, images: np.ndarray, family: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, run = SubnetRunner(images[:20], images[20:]), operations_run(monkeypatch)
    modules = [supernet.extract(row) for row in family[:4]]
    counts = []
    for module, following in zip(modules, [*modules[1:], None], strict=True):
        run.clear()
        runner.describe(module, following)
        counts.append({name.partition(".")[0] for name in run} & {"first_conv"} != set())
        assert ("blocks.1.conv.depth_conv.conv" in run) == (module is modules[0] or module is modules[3])
    assert counts == [True, False, False, False]  # the stem is computed once for all


def test_without_memory_everything_is_computed(
    supernet: ElasticSupernet, images: np.ndarray, family: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, run = SubnetRunner(images[:20], images[20:], memory=0), operations_run(monkeypatch)
    modules = [supernet.extract(row) for row in family[:2]]
    runner.describe(modules[0], modules[1])
    run.clear()
    runner.describe(modules[1])
    assert "first_conv.conv" in run


def test_networks_share_layers_only_with_equal_weights(supernet: ElasticSupernet, family: np.ndarray) -> None:
    first, second = supernet.extract(family[0]), supernet.extract(family[0])
    assert shared_operations(first, second) == len(first.spec.ops)
    with torch.no_grad():
        second.get_submodule("blocks.1.conv.depth_conv.bn").bias.add_(1)
    stem = sum(len(layer.ops) for layer in first.spec.layers[:2])
    assert shared_operations(first, second) == stem


def test_too_few_calibration_images(supernet: ElasticSupernet, images: np.ndarray, family: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="at least 2 images, not 1"):
        SubnetRunner(images[:1], images).describe(supernet.extract(family[0]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_a_gpu_gives_the_descriptors_of_a_cpu(
    supernet: ElasticSupernet, images: np.ndarray, family: np.ndarray
) -> None:
    runner = SubnetRunner(images[:20], images[20:], device=open_accelerator("gpu"))
    modules = [supernet.extract(row) for row in family]
    for row, module, following in zip(family, modules, [*modules[1:], None], strict=True):
        alone = describe(measured_network(supernet, row, images[:20]), images[20:])
        difference = np.abs(runner.describe(module, following) - alone).max()
        assert difference < 1e-3 * np.abs(alone).max()  # about 1e-4 was seen on an H100


def test_accelerators() -> None:
    assert open_accelerator("cpu") == torch.device("cpu")
    with pytest.raises(UnknownName, match="auto, cpu, gpu"):
        open_accelerator("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a GPU")
def test_a_gpu_that_is_not_there_is_said() -> None:
    assert open_accelerator("auto") == torch.device("cpu")
    with pytest.raises(InvalidInput, match="sees no GPU; give cpu"):
        open_accelerator("gpu")
