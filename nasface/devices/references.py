"""Reference networks that budgets and published timings refer to, as NetSpecs at any resolution, no classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nasface.errors import UnknownName
from nasface.netspec import INPUT, NetBuilder, NetSpec
from nasface.spaces._ofa_network import make_divisible

EFFICIENTNET_B0_STAGES: Final = (
    # expand, channels, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Tan and Le, EfficientNet (ICML 2019), table 1."""

MOBILENET_V1_BLOCKS: Final = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
"""(channels, stride) of the depthwise-separable blocks: Howard et al., MobileNets (2017), table 1."""


def efficientnet_b0(resolution: int) -> NetSpec:
    """EfficientNet-B0 up to its 1280 pooled features: 4,007,548 parameters (5,288,548 with 1000 classes).

    Swish everywhere; squeeze-and-excitation reduces to a quarter of the block's *input* channels.
    """
    net = NetBuilder("efficientnet_b0", (resolution, resolution, 3))
    x, channels = _conv(net, "Conv", INPUT, "stem", 32, kernel=3, stride=2, activation="swish"), 32
    index = 0
    for expand, out, blocks, stride, kernel in EFFICIENTNET_B0_STAGES:
        for position in range(blocks):
            path = f"blocks.{index}"
            x = _mbconv(net, x, path, channels, out, expand, kernel, 1 if position else stride)
            channels, index = out, index + 1
    x = _conv(net, "Conv_1", x, "head", 1280, activation="swish")
    with net.layer("AvgPool2D"):
        net.global_avg_pool(x, "pool")
    return net.build()


def mobilenet_v1(resolution: int) -> NetSpec:
    """MobileNet v1 of width 1 up to its 1024 pooled features: 3,206,976 parameters (4,231,976 with 1000 classes)."""
    net = NetBuilder("mobilenet_v1", (resolution, resolution, 3))
    x, channels = _conv(net, "Conv", INPUT, "stem", 32, kernel=3, stride=2, activation="relu6"), 32
    for index, (out, stride) in enumerate(MOBILENET_V1_BLOCKS):
        path = f"blocks.{index}"
        with net.layer("separable_conv", kernel=3, stride=stride):
            x = net.conv(
                x, f"{path}.dw", channels=channels, kernel=3, stride=stride, groups=channels, norm=f"{path}.bn1"
            )
            x = net.activation(x, "relu6")
            x = net.conv(x, f"{path}.pw", channels=out, norm=f"{path}.bn2")
            x = net.activation(x, "relu6")
        channels = out
    with net.layer("AvgPool2D"):
        net.global_avg_pool(x, "pool")
    return net.build()


REFERENCES: Final[dict[str, Callable[[int], NetSpec]]] = {
    "efficientnet_b0": efficientnet_b0,
    "mobilenet_v1": mobilenet_v1,
}
"""Name in a table's `references` and the network at a resolution in pixels."""


def reference_network(name: str, resolution: int) -> NetSpec:
    """A network of `REFERENCES`; raises `UnknownName`."""
    if name not in REFERENCES:
        raise UnknownName("reference network", name, REFERENCES)
    return REFERENCES[name](resolution)


def _conv(
    net: NetBuilder, kind: str, x: str, path: str, channels: int, *, kernel: int = 1, stride: int = 1, activation: str
) -> str:
    with net.layer(kind):
        x = net.conv(x, f"{path}.conv", channels=channels, kernel=kernel, stride=stride, norm=f"{path}.bn")
        return net.activation(x, activation)


def _mbconv(net: NetBuilder, x: str, path: str, channels: int, out: int, expand: int, kernel: int, stride: int) -> str:
    mid, residual = make_divisible(channels * expand), stride == 1 and channels == out
    attrs = {"expand": mid, "kernel": kernel, "stride": stride, "idskip": int(residual), "se": 1, "swish": 1}
    with net.layer("expanded_conv", **attrs):
        y = x
        if expand > 1:
            y = net.activation(net.conv(y, f"{path}.expand", channels=mid, norm=f"{path}.bn0"), "swish")
        y = net.conv(y, f"{path}.dw", channels=mid, kernel=kernel, stride=stride, groups=mid, norm=f"{path}.bn1")
        y = net.activation(y, "swish")
        gate = net.global_avg_pool(y, f"{path}.se.pool")
        gate = net.activation(net.conv(gate, f"{path}.se.reduce", channels=max(1, channels // 4), bias=True), "swish")
        gate = net.activation(net.conv(gate, f"{path}.se.expand", channels=mid, bias=True), "sigmoid")
        y = net.multiply(y, gate, f"{path}.se.scale")
        y = net.conv(y, f"{path}.project", channels=out, norm=f"{path}.bn2")
        return net.add(y, x, f"{path}.add") if residual else y
