"""An independent torch evaluation of a NetSpec, the oracle of the exporters' tests; and networks to export."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from nasface.netspec import (
    ACTIVATIONS,
    INPUT,
    Activation,
    Add,
    AvgPool,
    Concat,
    Conv,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Multiply,
    NetBuilder,
    NetSpec,
    Shape,
    Upsample,
    Weights,
    random_weights,
)

Array = npt.NDArray[np.float32]
Reference = Callable[[NetSpec, Weights, Array], Array]

BLOCKS = (
    (3, 1, "relu", False),
    (5, 2, "relu", True),
    (7, 1, "relu", True),
    (7, 2, "h_swish", False),
    (7, 1, "h_swish", True),
)
"""Kernel, stride, activation, squeeze-and-excitation."""


@pytest.fixture
def reference() -> Reference:
    """(spec, weights, images [n, height, width, 3]) to outputs [n, height * width * channels], computed by torch."""
    return evaluate


def evaluate(spec: NetSpec, weights: Weights, images: Array) -> Array:
    return maps(spec, weights, images)[spec.output].reshape(len(images), -1)


def maps(spec: NetSpec, weights: Weights, images: Array) -> dict[str, Array]:
    """Outputs [n, height, width, channels] by name, computed by torch."""
    torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(np.asarray(value)) for name, value in weights.items()}
    values = {INPUT: torch.from_numpy(images.transpose(0, 3, 1, 2).copy())}
    with torch.no_grad():
        for op in spec.ops:
            inputs = [values[name] for name in op.inputs]
            values[op.name] = _compute(op, inputs, tensors)
            assert tuple(values[op.name].shape[1:]) == (op.shape[2], *op.shape[:2])
    return {name: values[name].permute(0, 2, 3, 1).contiguous().numpy() for name in spec.outputs}


def _compute(op, inputs, tensors):
    import torch.nn.functional as F

    x, weight, bias = inputs[0], tensors.get(f"{op.name}.weight"), tensors.get(f"{op.name}.bias")
    match op:
        case Conv():
            return F.conv2d(x, weight, bias, op.stride, op.padding, groups=op.groups)
        case Linear():
            return F.linear(x.flatten(1), weight, bias)[:, :, None, None]
        case Activation(function="prelu"):
            return F.prelu(x, weight)
        case Activation():
            return getattr(F, _FUNCTIONS[op.function])(x)
        case GlobalAvgPool():
            return F.adaptive_avg_pool2d(x, 1)
        case MaxPool():
            return F.max_pool2d(x, op.kernel, op.stride, op.padding)
        case AvgPool():
            return F.avg_pool2d(x, op.kernel, op.stride, op.padding)
        case Upsample():
            return x.repeat_interleave(op.factor, 2).repeat_interleave(op.factor, 3)
        case Concat():
            return inputs[0].new_tensor(np.concatenate([value.numpy() for value in inputs], 1))
        case Flatten():
            return x.reshape(len(x), -1, 1, 1)
        case Add():
            return x + inputs[1]
        case Multiply():
            return x * inputs[1]


_FUNCTIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "h_swish": "hardswish",
    "h_sigmoid": "hardsigmoid",
    "swish": "silu",
    "sigmoid": "sigmoid",
}


@pytest.fixture
def reference_maps() -> Callable[[NetSpec, Weights, Array], dict[str, Array]]:
    """The same for every output: [n, height, width, channels] by name."""
    return maps


@pytest.fixture
def pyramid() -> tuple[NetSpec, Weights]:
    """Two maps of different sizes, as a detector gives: one is read on, one is enlarged, joined and added to."""
    net = NetBuilder("pyramid", (12, 10, 3))
    with net.layer("Pyramid"):
        fine = net.conv(INPUT, "fine", channels=4, kernel=3, bias=True)
        coarse = net.avg_pool(net.activation(fine, "relu"), "coarse", kernel=2, stride=2)
        joined = net.concat([fine, net.upsample(coarse, "enlarged", factor=2)], "joined")
        score = net.activation(net.conv(joined, "score", channels=2, bias=True), "sigmoid")
    spec = net.build(score, "fine", "coarse")
    return spec, random_weights(spec, np.random.default_rng(2))


@pytest.fixture
def images(rng: np.random.Generator) -> Callable[[NetSpec, int], Array]:
    """(spec, n) to random normalised images [n, height, width, 3]."""
    return lambda spec, n=2: rng.standard_normal((n, *spec.input_shape), dtype=np.float32)


def every_operation(shape: Shape = (12, 13, 6)) -> NetSpec:
    """A network with every operation and every activation of the core, and a descriptor of ten numbers."""
    net = NetBuilder("all", shape)
    with net.layer("Layer"):
        x = INPUT
        for index, function in enumerate(ACTIVATIONS):
            x = net.conv(x, f"c{index}", channels=6, kernel=3, groups=(1, 2, 6)[index % 3], norm="bn")
            x = net.activation(x, function)
        x = net.conv(x, "deep", channels=12, kernel=5, stride=2, groups=6, bias=True)
        x = net.max_pool(x, "max", kernel=3, stride=2, padding=1)
        x = net.avg_pool(x, "average", kernel=3, stride=1, padding=1)
        x = net.concat([x, net.avg_pool(net.upsample(x, "up", factor=2), "down", kernel=2, stride=2)], "joined")
        x = net.linear(net.flatten(x, "flat"), "fc", features=10)
        x = net.linear(net.global_avg_pool(x, "mean"), "fc2", features=10, bias=False)
        net.add(x, net.multiply(x, x, "square"), "sum")
    return net.build()


@pytest.fixture
def mobile() -> tuple[NetSpec, Weights]:
    """A small MobileNetV3: all kernel sizes and strides of the face space, SE, residuals, a mixing layer."""
    net = NetBuilder("mobile", (40, 40, 3))
    with net.layer("Conv"):
        x = net.activation(net.conv(INPUT, "stem", channels=8, kernel=3, stride=2, norm="stem.bn"), "h_swish")
    for index, (kernel, stride, function, squeeze) in enumerate(BLOCKS):
        x = mbconv(net, x, f"blocks.{index}", kernel, stride, function, squeeze)
    with net.layer("Conv_1"):
        x = net.activation(net.conv(x, "expand", channels=48, norm="expand.bn"), "h_swish")
        x = net.global_avg_pool(x, "pool")
        net.activation(net.conv(x, "mix", channels=64), "h_swish")
    spec = net.build()
    return spec, random_weights(spec, np.random.default_rng(1))


def mbconv(net: NetBuilder, x: str, path: str, kernel: int, stride: int, function: str, squeeze: bool) -> str:
    with net.layer("expanded_conv"):
        y = net.activation(net.conv(x, f"{path}.expand", channels=24, norm=f"{path}.expand.bn"), function)
        y = net.conv(y, f"{path}.depth", channels=24, kernel=kernel, stride=stride, groups=24, norm=f"{path}.depth.bn")
        y = net.activation(y, function)
        if squeeze:
            s = net.global_avg_pool(y, f"{path}.se.pool")
            s = net.activation(net.conv(s, f"{path}.se.reduce", channels=8, bias=True), "relu")
            s = net.activation(net.conv(s, f"{path}.se.expand", channels=24, bias=True), "h_sigmoid")
            y = net.multiply(y, s, f"{path}.se")
        y = net.conv(y, f"{path}.project", channels=8, norm=f"{path}.project.bn")
        return net.add(y, x, f"{path}.add") if stride == 1 else y
