"""YuNet as a `NetSpec`, for photos of any size: the network of OpenCV's face detector.

Wu, Peng, Yu: YuNet: a tiny millisecond-level face detector. Machine Intelligence Research 20, 656-665 (2023). The
weights are those of `face_detection_yunet_2023mar.onnx` of the OpenCV Zoo (MIT licence, beside the embedded file).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from nasface.errors import InvalidInput, requires
from nasface.exporters import weight_shapes
from nasface.netspec import INPUT, NetBuilder, NetSpec, Weights
from nasface.runs import Json

STRIDES: Final = (8, 16, 32)
"""Pixels of the photo that a cell of each of the three maps stands for."""

HEADS: Final = {"cls": 1, "bbox": 4, "obj": 1, "kps": 10}
"""What is said of a cell, and by how many numbers: face or not, the box, how well it fits, five points."""

OUTPUTS: Final = tuple(f"{head}_{stride}" for head in HEADS for stride in STRIDES)

PREPROCESSING: Final[dict[str, Json]] = {
    "colour": "RGB",
    "scale": 1.0,
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
    "resize": "the longer side, aspect kept; black below and to the right up to a multiple of 32",
}
"""How a photo becomes the network's input: as it is, in 0..255."""


def yunet(height: int, width: int) -> NetSpec:
    """The network for photos of one size; both sides are multiples of 32.

    Its input is RGB in 0..255. It gives a map a head and stride: `cls_8` (height / 8, width / 8, 1), and so on.

    Raises:
        InvalidInput: Another size.
    """
    if height % STRIDES[-1] or width % STRIDES[-1] or min(height, width) < STRIDES[-1]:
        raise InvalidInput(f"YuNet takes photos whose sides are multiples of 32, not {width} x {height}.")
    net = NetBuilder("yunet", (height, width, 3))
    with net.layer("YuNet"):
        maps = _neck(net, _backbone(net))
        for head, channels in HEADS.items():
            for stride, x in zip(STRIDES, maps, strict=True):
                _head(net, x, f"{head}_{stride}", channels)
    return net.build(*OUTPUTS)


def _backbone(net: NetBuilder) -> list[str]:
    """Features at the three strides, finest first."""
    x = net.activation(net.conv(INPUT, "stem", channels=16, kernel=3, stride=2, bias=True), "relu")
    x = _pool(net, _unit(net, x, "stage0", 16))
    x = _stage(net, x, "stage1", 16, 32)
    x = _stage(net, x, "stage2", 32, 64)
    features = []
    for number in (3, 4, 5):
        x = _stage(net, _pool(net, x), f"stage{number}", 64, 64)
        features.append(x)
    return features


def _stage(net: NetBuilder, x: str, name: str, inner: int, channels: int) -> str:
    return _unit(net, _unit(net, x, f"{name}.0", inner), f"{name}.1", channels)


def _unit(net: NetBuilder, x: str, name: str, channels: int) -> str:
    """A 1x1 and a depthwise convolution, then a rectifier."""
    x = net.conv(x, f"{name}.point", channels=channels, bias=True)
    return net.activation(net.conv(x, name, channels=channels, kernel=3, groups=channels, bias=True), "relu")


def _pool(net: NetBuilder, x: str) -> str:
    return net.max_pool(x, f"{x}.max", kernel=2, stride=2, padding=0)


def _neck(net: NetBuilder, features: list[str]) -> list[str]:
    """Coarse features enlarged and added to finer ones; the three maps, finest first."""
    maps = [_unit(net, features[2], "lateral32", 64)]
    for stride, x in ((16, features[1]), (8, features[0])):
        enlarged = net.upsample(maps[0], f"enlarged{stride}", factor=2)
        maps.insert(0, _unit(net, net.add(x, enlarged, f"sum{stride}"), f"lateral{stride}", 64))
    return maps


def _head(net: NetBuilder, x: str, name: str, channels: int) -> None:
    probability = channels == 1
    x = net.conv(x, f"{name}.point", channels=channels, bias=True)
    value = f"{name}.logit" if probability else name
    x = net.conv(x, value, channels=channels, kernel=3, groups=channels, bias=True)
    if probability:
        net.activation(x, "sigmoid", name)


def read_onnx(path: Path) -> Weights:
    """The weights of `yunet` from OpenCV Zoo's file, whose convolutions come in the same order.

    Its network takes BGR and this one RGB, so the channels of the first convolution are turned round.

    Raises:
        InvalidInput: The file does not hold this network.
        MissingDependency: The package onnx is not installed.
    """
    with requires("onnx", "onnx", f"reading {path.name}"):
        import onnx
    graph = onnx.load(str(path)).graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays = [stored[name] for node in graph.node if node.op_type == "Conv" for name in node.input[1:]]
    shapes = weight_shapes(yunet(32, 32))
    if [array.shape for array in arrays] != list(shapes.values()):
        raise InvalidInput(f"{path} is not YuNet as of March 2023; give face_detection_yunet_2023mar.onnx.")
    weights = dict(zip(shapes, arrays, strict=True))
    weights["stem.weight"] = np.ascontiguousarray(weights["stem.weight"][:, ::-1])
    return weights
