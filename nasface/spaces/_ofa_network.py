"""The networks of OFA's MobileNetV3 space as NetSpecs: widths, strides, activations, names.

Operation names are the module paths of OFA's static network, so that a static state dict addresses them directly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nasface.netspec import INPUT, Layer, NetBuilder, NetSpec, single_layer

N_STAGES = 5
MAX_DEPTH = 4
N_BLOCKS = N_STAGES * MAX_DEPTH

BASE_WIDTHS = (16, 16, 24, 40, 80, 112, 160, 960, 1280)
"""Stem, fixed block, five stages, final expand, feature mix, before the width multiplier."""

STRIDES = (2, 2, 2, 1, 2)
ACTIVATION = ("relu", "relu", "h_swish", "h_swish", "h_swish")
SQUEEZE = (False, True, False, True, True)


class BlockChoice(NamedTuple):
    """One elastic block: stage 0..4, position 0..3 in it, kernel size, expand ratio."""

    stage: int
    position: int
    kernel: int
    expand: int


def make_divisible(value: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, never below it and never below 90 % of `value` (OFA, after MobileNetV2)."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


@dataclass(frozen=True)
class Block:
    """Everything that fixes one MBConv block, elastic or not; `mid` equal to `in_channels` means no expansion.

    Attributes:
        path: Module path, e.g. "blocks.3".
    """

    path: str
    in_channels: int
    out_channels: int
    mid: int
    kernel: int
    stride: int
    activation: str
    squeeze: bool
    expansion: bool
    stage: int | None

    @property
    def residual(self) -> bool:
        """Whether input and output are added."""
        return self.stride == 1 and self.in_channels == self.out_channels


class Network:
    """Builds networks and single layers for one width, resolution and descriptor size."""

    def __init__(self, width: float, resolution: int, descriptor: int | None) -> None:
        widths = [make_divisible(base * width) for base in BASE_WIDTHS]
        self.stem, self.fixed, *self.stages, self.final_expand, mix = widths
        self.descriptor = mix if descriptor is None else descriptor
        self.resolution = resolution

    def block(self, choice: BlockChoice, index: int) -> Block:
        """The block at place `index` of the static network, counted from 1."""
        stage, position, kernel, expand = choice
        before = self.stages[stage - 1] if stage else self.fixed
        in_channels = self.stages[stage] if position else before
        return Block(
            path=f"blocks.{index}",
            in_channels=in_channels,
            out_channels=self.stages[stage],
            mid=make_divisible(round(in_channels * expand)),
            kernel=kernel,
            stride=1 if position else STRIDES[stage],
            activation=ACTIVATION[stage],
            squeeze=SQUEEZE[stage],
            expansion=True,
            stage=stage,
        )

    def fixed_block(self) -> Block:
        """blocks.0: depthwise 3x3 and projection, no expansion."""
        return Block("blocks.0", self.stem, self.fixed, self.stem, 3, 1, "relu", False, False, None)

    def build(self, name: str, choices: Sequence[BlockChoice]) -> NetSpec:
        """The network with the given active blocks in order; the input is `resolution` x `resolution` x 3."""
        net = NetBuilder(name, (self.resolution, self.resolution, 3))
        with net.layer("Conv"):
            x = net.conv(INPUT, "first_conv.conv", channels=self.stem, kernel=3, stride=2, norm="first_conv.bn")
            x = net.activation(x, "h_swish")
        x = add_mbconv(net, x, self.fixed_block())
        for index, choice in enumerate(choices, start=1):
            x = add_mbconv(net, x, self.block(choice, index))
        with net.layer("Conv_1"):
            x = net.conv(x, "final_expand_layer.conv", channels=self.final_expand, norm="final_expand_layer.bn")
            x = net.activation(x, "h_swish")
        with net.layer("AvgPool2D"):
            x = net.global_avg_pool(x, "global_avg_pool")
        with net.layer("Conv_2"):
            x = net.conv(x, "feature_mix_layer.conv", channels=self.descriptor)
            net.activation(x, "h_swish")
        return net.build()

    def fixed_layers(self) -> tuple[Layer, ...]:
        """Stem, fixed block, final expand, pool and feature mix."""
        layers = self.build("", [BlockChoice(s, 0, 3, 3) for s in range(N_STAGES)]).layers
        return layers[:2] + layers[-3:]

    def block_layer(self, choice: BlockChoice) -> Layer:
        """One elastic block alone, with its input size as in the network."""
        size = self._halved(self.resolution, 1 + sum(s == 2 for s in STRIDES[: choice.stage]))
        if choice.position:
            size = self._halved(size, int(STRIDES[choice.stage] == 2))
        block = self.block(choice, 1)
        net = NetBuilder("", (size, size, block.in_channels))
        add_mbconv(net, INPUT, block)
        return single_layer(net.build().layers[0]).layers[0]

    @staticmethod
    def _halved(size: int, times: int) -> int:
        for _ in range(times):
            size = (size + 1) // 2
        return size


def add_mbconv(net: NetBuilder, x: str, block: Block) -> str:
    """Append an inverted-residual block: expand, depthwise, squeeze after the activation, project, add."""
    conv = f"{block.path}.conv"
    with net.layer(
        "expanded_conv",
        stage=block.stage,
        expand=block.mid,
        kernel=block.kernel,
        stride=block.stride,
        idskip=block.residual,
        se=block.squeeze,
        hs=block.activation == "h_swish",
    ):
        y = x
        if block.expansion:
            part = f"{conv}.inverted_bottleneck"
            y = net.conv(y, f"{part}.conv", channels=block.mid, norm=f"{part}.bn")
            y = net.activation(y, block.activation)
        part = f"{conv}.depth_conv"
        y = net.conv(
            y,
            f"{part}.conv",
            channels=block.mid,
            kernel=block.kernel,
            stride=block.stride,
            groups=block.mid,
            norm=f"{part}.bn",
        )
        y = net.activation(y, block.activation)
        if block.squeeze:
            y = _add_squeeze(net, y, f"{part}.se", block.mid)
        part = f"{conv}.point_linear"
        y = net.conv(y, f"{part}.conv", channels=block.out_channels, norm=f"{part}.bn")
        return net.add(y, x, f"{block.path}.add") if block.residual else y


def _add_squeeze(net: NetBuilder, x: str, path: str, mid: int) -> str:
    """Squeeze-and-excitation: pool, reduce to a quarter, ReLU, expand, hard sigmoid, scale; both with a bias."""
    gate = net.global_avg_pool(x, f"{path}.pool")
    gate = net.conv(gate, f"{path}.fc.reduce", channels=make_divisible(mid // 4), bias=True)
    gate = net.activation(gate, "relu")
    gate = net.conv(gate, f"{path}.fc.expand", channels=mid, bias=True)
    gate = net.activation(gate, "h_sigmoid")
    return net.multiply(x, gate, f"{path}.scale")
