"""The generic interpreter on networks that are not OFA's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from nasface.netspec import ACTIVATIONS, INPUT, NetBuilder, NetSpec, random_weights
from nasface.supernets import SpecModule


def mixed() -> NetSpec:
    """Every operation and activation, two uses of one value, a PReLU, a linear layer."""
    net = NetBuilder("mixed", (16, 16, 3))
    with net.layer("Conv"):
        x = net.conv(INPUT, "stem.conv", channels=8, kernel=3, stride=2, norm="stem.bn")
        x = net.activation(x, "prelu")
        for function in ACTIVATIONS:
            if function != "prelu":
                x = net.activation(x, function, f"act.{function}")
    with net.layer("Block"):
        y = net.conv(x, "block.dw", channels=8, kernel=3, groups=8, bias=True)
        gate = net.global_avg_pool(y, "block.pool")
        y = net.multiply(y, net.conv(gate, "block.gate", channels=8, bias=True), "block.scale")
        x = net.add(x, y, "block.add")
        x = net.max_pool(x, "block.max", kernel=2, stride=2, padding=0)
        y = net.avg_pool(x, "block.average", kernel=3, stride=2, padding=1)
        x = net.concat([x, net.upsample(y, "block.up", factor=2)], "block.joined")
    with net.layer("Tail"):
        x = net.flatten(x, "flat")
        net.linear(x, "tail.fc", features=5)
    return net.build()


def expected(module: SpecModule, x: torch.Tensor) -> torch.Tensor:
    """The same by hand, from torch's modules."""
    part = module.get_submodule
    x = part("stem.conv.prelu")(part("stem.bn")(part("stem.conv")(x)))
    for layer in (nn.ReLU(), nn.ReLU6(), nn.Hardswish(), nn.Hardsigmoid(), nn.SiLU(), nn.Sigmoid()):
        x = layer(x)
    y = part("block.dw")(x)
    y = y * part("block.gate")(y.mean((2, 3), keepdim=True))
    x = nn.functional.max_pool2d(x + y, 2)
    y = nn.Upsample(scale_factor=2)(nn.AvgPool2d(3, 2, 1)(x))
    return part("tail.fc")(nn.Flatten()(torch.cat([x, y], 1)))


@pytest.mark.parametrize("grad", [True, False])
def test_every_operation(grad: bool) -> None:
    torch.manual_seed(0)
    module = SpecModule(mixed()).eval()
    x = torch.randn(3, 3, 16, 16)
    before = x.clone()
    with torch.set_grad_enabled(grad):
        torch.testing.assert_close(module(x), expected(module, x))
    assert torch.equal(x, before)


def test_values_end_with_their_last_use() -> None:
    """In-place activations must not touch a value that a later operation reads."""
    net = NetBuilder("fork", (4, 4, 3))
    with net.layer("Conv"):
        a = net.conv(INPUT, "a", channels=3)
        b = net.activation(a, "relu")
        net.add(b, a, "sum")
    module = SpecModule(net.build())
    x = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        y = module.get_submodule("a")(x)
        torch.testing.assert_close(module(x), (y.relu() + y).flatten(1))


def test_several_outputs_and_shared_memory() -> None:
    """Outputs, and what a flattened value shares its numbers with, are not overwritten by later operations."""
    net = NetBuilder("maps", (4, 4, 3))
    with net.layer("Conv"):
        a = net.conv(INPUT, "a", channels=3)
        flat = net.flatten(a, "flat")
        net.activation(flat, "relu", "rectified")
        net.activation(a, "sigmoid", "gate")
    module = SpecModule(net.build("a", "rectified", "gate"))
    x = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        y = module.get_submodule("a")(x)
        maps = module.maps(x)
    assert list(maps) == ["a", "rectified", "gate"]
    for name, value in {"a": y, "rectified": y.relu().reshape(2, -1, 1, 1), "gate": y.sigmoid()}.items():
        torch.testing.assert_close(maps[name], value)


def test_from_weights_takes_deployable_weights() -> None:
    spec = mixed()
    weights = random_weights(spec, np.random.default_rng(0))
    module = SpecModule.from_weights(spec, weights)
    assert set(module.state_dict()) == set(weights)
    assert module(torch.zeros(2, 3, 16, 16)).shape == (2, 5)


def test_importing_the_package_loads_no_torch() -> None:
    code = "import sys, nasface.supernets, nasface.accuracy.table; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
