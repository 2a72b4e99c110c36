"""Re-calibration against a straightforward restatement with hooks on torch's own modules."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from nasface.errors import InvalidInput
from nasface.supernets import ElasticNetwork, calibrate, normalise
from nasface.supernets.module import SpecModule, deployed_weights
from nasface.supernets.supernet import ElasticSupernet


def expected_statistics(module: SpecModule, batches: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """Means over batches, weighted by batch size, of the mean and biased variance at every norm's input (facts 2.6)."""
    norms = {name: m for name, m in module.named_modules() if isinstance(m, nn.BatchNorm2d)}
    sums: dict[str, torch.Tensor] = {}
    total = sum(len(batch) for batch in batches)

    def watch(name: str, size: int):
        def hook(norm: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            flat = inputs[0].transpose(0, 1).flatten(1)
            row = torch.stack([flat.mean(1), ((flat - flat.mean(1, keepdim=True)) ** 2).mean(1)])
            sums[name] = sums.get(name, 0) + row * size / total

        return hook

    module.train()
    for batch in batches:
        handles = [norm.register_forward_pre_hook(watch(name, len(batch))) for name, norm in norms.items()]
        with torch.no_grad():
            module(batch)
        for handle in handles:
            handle.remove()
    return sums


def test_statistics_are_weighted_means_over_batches(small: ElasticNetwork) -> None:
    supernet = ElasticSupernet(small, "small")
    genotype = {"ks": 5, "e": 4, "d": [2, 3, 4, 2, 3]}
    images = np.random.default_rng(0).integers(0, 256, (11, 32, 32, 3)).astype(np.uint8)
    module = calibrate(supernet.extract(genotype), images, batch_size=6)
    batches = [normalise(images[:6]), normalise(images[6:])]
    for name, (mean, variance) in expected_statistics(supernet.extract(genotype), batches).items():
        norm = module.get_submodule(name)
        np.testing.assert_allclose(norm.running_mean.numpy(), mean.numpy(), rtol=1e-3, atol=1e-4, err_msg=name)
        np.testing.assert_allclose(norm.running_var.numpy(), variance.numpy(), rtol=1e-3, atol=1e-4, err_msg=name)


def test_only_statistics_change(small: ElasticNetwork) -> None:
    supernet = ElasticSupernet(small, "small")
    before = {name: value.clone() for name, value in small.state_dict().items()}
    module = supernet.extract({"ks": 3, "e": 3, "d": 2})
    own = {name: value.clone() for name, value in module.state_dict().items()}
    calibrate(module, np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8))
    changed = {name for name, value in module.state_dict().items() if not torch.equal(value, own[name])}
    assert changed == {name for name in own if "running_" in name}
    assert all(torch.equal(value, before[name]) for name, value in small.state_dict().items())
    assert not module.training


def test_a_calibrated_net_normalises_its_calibration_images(small: ElasticNetwork) -> None:
    """One batch: in eval mode every norm's output then has exactly the affine's mean."""
    module = ElasticSupernet(small, "small").extract({"ks": 7, "e": 6, "d": 2})
    x = torch.randn(16, 3, 32, 32)
    calibrate(module, x, batch_size=16)
    seen = []
    norm = module.get_submodule("blocks.4.conv.depth_conv.bn")
    norm.register_forward_hook(lambda _m, _i, output: seen.append(output.clone()))
    with torch.no_grad():
        module(x)
    np.testing.assert_allclose(seen[0].mean((0, 2, 3)).numpy(), norm.bias.detach().numpy(), atol=1e-4)


def test_normalise_is_imagenets() -> None:
    images = np.zeros((1, 2, 2, 3), np.uint8)
    images[0, 0, 1] = (255, 128, 0)
    x = normalise(images)
    expected = [(1 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    np.testing.assert_allclose(x[0, :, 0, 1].numpy(), expected, rtol=1e-5)


def test_folding_keeps_the_function(small: ElasticNetwork) -> None:
    module = ElasticSupernet(small, "small").extract({"ks": 5, "e": 6, "d": 3})
    folded = SpecModule.from_weights(module.spec, deployed_weights(module.state_dict(), module.spec))
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        assert (folded(x) - module(x)).abs().max() < 1e-5 * module(x).norm(dim=1).max()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images(small: ElasticNetwork, count: int) -> None:
    module = ElasticSupernet(small, "small").extract({"ks": 3, "e": 3, "d": 2})
    with pytest.raises(InvalidInput, match="at least 2 images"):
        calibrate(module, np.zeros((count, 32, 32, 3), np.uint8))
