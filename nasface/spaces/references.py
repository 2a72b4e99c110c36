"""Reference networks that budgets and published timings refer to, as NetSpecs at any resolution, no classifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nasface.errors import UnknownName
from nasface.netspec import INPUT, NetBuilder, NetSpec
from nasface.spaces._ofa_network import Block, add_mbconv, make_divisible

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

MOBILENET_V2_STAGES: Final = (
    # expand, channels, blocks, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Sandler et al., MobileNetV2 (CVPR 2018), table 2."""

MOBILENET_V3_BLOCKS: Final = (
    # kernel, expanded channels, channels, squeeze-and-excitation, activation, stride
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "h_swish", 2),
    (3, 200, 80, False, "h_swish", 1),
    (3, 184, 80, False, "h_swish", 1),
    (3, 184, 80, False, "h_swish", 1),
    (3, 480, 112, True, "h_swish", 1),
    (3, 672, 112, True, "h_swish", 1),
    (5, 672, 160, True, "h_swish", 2),
    (5, 960, 160, True, "h_swish", 1),
    (5, 960, 160, True, "h_swish", 1),
)
"""Howard et al., Searching for MobileNetV3 (ICCV 2019), table 1."""

MOBILE_FACE_NET_STAGES: Final = (
    # expand, channels, blocks, stride
    (2, 64, 5, 2),
    (4, 128, 1, 2),
    (2, 128, 6, 1),
    (4, 128, 1, 2),
    (2, 128, 2, 1),
)
"""Chen et al., MobileFaceNets (CCBR 2018), table 1."""


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


def mobilenet_v2(resolution: int) -> NetSpec:
    """MobileNet v2 of width 1 up to its 1280 pooled features: 2,223,872 parameters (3,504,872 with 1000 classes)."""
    net = NetBuilder("mobilenet_v2", (resolution, resolution, 3))
    x, channels, index = _conv(net, "Conv", INPUT, "stem", 32, kernel=3, stride=2, activation="relu6"), 32, 0
    for expand, out, blocks, stride in MOBILENET_V2_STAGES:
        for position in range(blocks):
            mid, step = channels * expand, 1 if position else stride
            block = Block(f"blocks.{index}", channels, out, mid, 3, step, "relu6", False, expand > 1, None)
            x, channels, index = add_mbconv(net, x, block), out, index + 1
    x = _conv(net, "Conv_1", x, "head", 1280, activation="relu6")
    with net.layer("AvgPool2D"):
        net.global_avg_pool(x, "pool")
    return net.build()


def mobilenet_v3_large(resolution: int) -> NetSpec:
    """MobileNet v3 large of width 1 up to its 1280 features: 4,202,032 parameters (5,483,032 with 1000 classes)."""
    net = NetBuilder("mobilenet_v3_large", (resolution, resolution, 3))
    x, channels = _conv(net, "Conv", INPUT, "stem", 16, kernel=3, stride=2, activation="h_swish"), 16
    for index, (kernel, mid, out, squeeze, activation, stride) in enumerate(MOBILENET_V3_BLOCKS):
        block = Block(f"blocks.{index}", channels, out, mid, kernel, stride, activation, squeeze, mid != channels, None)
        x, channels = add_mbconv(net, x, block), out
    x = _conv(net, "Conv_1", x, "head", 960, activation="h_swish")
    with net.layer("AvgPool2D"):
        x = net.global_avg_pool(x, "pool")
    with net.layer("Conv_2"):
        net.activation(net.conv(x, "features", channels=1280, bias=True), "h_swish")
    return net.build()


def mobile_face_net(resolution: int) -> NetSpec:
    """MobileFaceNet with 128 numbers; made for 112 pixels, where it has 0.99 M parameters.

    Its global depthwise convolution has the size of the last map, so parameters grow with the resolution.
    """
    net = NetBuilder("mobile_face_net", (resolution, resolution, 3))
    x = _conv(net, "Conv", INPUT, "stem", 64, kernel=3, stride=2, activation="prelu")
    x, channels, index = _depthwise(net, x, "stem_dw", 64), 64, 0
    for expand, out, blocks, stride in MOBILE_FACE_NET_STAGES:
        for position in range(blocks):
            mid, step = channels * expand, 1 if position else stride
            block = Block(f"blocks.{index}", channels, out, mid, 3, step, "prelu", False, True, None)
            x, channels, index = add_mbconv(net, x, block), out, index + 1
    x, size = _conv(net, "Conv_1", x, "head", 512, activation="prelu"), -(-resolution // 16)
    with net.layer("GlobalDepthwise"):
        x = net.conv(x, "global_dw", channels=512, kernel=size, padding=0, groups=512, norm="global_dw.bn")
    with net.layer("Conv_2"):
        net.conv(x, "features", channels=128, norm="features.bn")
    return net.build()


REFERENCES: Final[dict[str, Callable[[int], NetSpec]]] = {
    "efficientnet_b0": efficientnet_b0,
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobile_face_net": mobile_face_net,
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


def _depthwise(net: NetBuilder, x: str, path: str, channels: int) -> str:
    with net.layer("depthwise_conv", kernel=3, stride=1):
        x = net.conv(x, f"{path}.conv", channels=channels, kernel=3, groups=channels, norm=f"{path}.bn")
        return net.activation(x, "prelu")


def _mbconv(net: NetBuilder, x: str, path: str, channels: int, out: int, expand: int, kernel: int, stride: int) -> str:
    mid, residual = make_divisible(channels * expand), stride == 1 and channels == out
    with net.layer("expanded_conv", expand=mid, kernel=kernel, stride=stride, idskip=residual, se=True, swish=1):
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
