"""A plain restatement of OFA's training step: what it does for every step, without its classes.

Restated from the published code's behaviour: contiguous (NCHW) tensors, dynamic convolutions that slice and copy their
filters, kernels derived by reshaping every channel, h-swish and h-sigmoid from relu6, two-step pooling, batch
normalisation on slices of the running buffers, the teacher once a step in train mode without gradients, label-smoothed
and soft-label cross entropies from explicit targets, gradients filled with zeros, SGD with Nesterov momentum; photos
are opened, cropped, coloured and normalised one by one.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image, ImageEnhance
from torch import Tensor

from nasface.spaces import OfaMbv3
from nasface.spaces._ofa_network import ACTIVATION, SQUEEZE, STRIDES, make_divisible

MEAN, STD = torch.tensor([0.485, 0.456, 0.406])[:, None, None], torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def hard_sigmoid(x: Tensor) -> Tensor:
    return F.relu6(x + 3.0, inplace=True) / 6.0


def hard_swish(x: Tensor) -> Tensor:
    return x * F.relu6(x + 3.0, inplace=True) / 6.0


def norm(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    state[f"{name}.num_batches_tracked"] += 1
    n = x.size(1)
    mean, var, weight, bias = (state[f"{name}.{p}"][:n] for p in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, mean, var, weight, bias, True, 0.1, 1e-5)


def depthwise_filter(state: dict[str, Tensor], path: str, channels: int, kernel: int) -> Tensor:
    filters = state[f"{path}.conv.weight"][:channels, :, :, :]
    for source, target in ((7, 5), (5, 3)):
        if kernel < source:
            start = (source - target) // 2
            part = filters[:, :, start : start + target, start : start + target].contiguous()
            part = part.view(part.size(0), part.size(1), -1).view(-1, target**2)
            part = F.linear(part, state[f"{path}.{source}to{target}_matrix"])
            filters = part.view(channels, 1, target**2).view(channels, 1, target, target)
    return filters


def mbconv(
    state: dict[str, Tensor], index: int, stage: int, position: int, kernel: int, expand: int, x: Tensor
) -> Tensor:
    path, in_channels = f"blocks.{index}.conv", x.size(1)
    mid = make_divisible(round(in_channels * expand))
    act = hard_swish if ACTIVATION[stage] == "h_swish" else F.relu
    part = f"{path}.inverted_bottleneck"
    y = F.conv2d(x, state[f"{part}.conv.conv.weight"][:mid, :in_channels, :, :].contiguous())
    y = act(norm(y, state, f"{part}.bn.bn"))
    part = f"{path}.depth_conv"
    stride = 1 if position else STRIDES[stage]
    y = F.conv2d(y, depthwise_filter(state, f"{part}.conv", mid, kernel), None, stride, kernel // 2, 1, mid)
    y = act(norm(y, state, f"{part}.bn.bn"))
    if SQUEEZE[stage]:
        hidden = make_divisible(mid // 4)
        gate = y.mean(3, keepdim=True).mean(2, keepdim=True)
        reduce = state[f"{part}.se.fc.reduce.weight"][:hidden, :mid, :, :].contiguous()
        gate = F.relu(F.conv2d(gate, reduce, state[f"{part}.se.fc.reduce.bias"][:hidden]), inplace=True)
        widen = state[f"{part}.se.fc.expand.weight"][:mid, :hidden, :, :].contiguous()
        y = y * hard_sigmoid(F.conv2d(gate, widen, state[f"{part}.se.fc.expand.bias"][:mid]))
    part = f"{path}.point_linear"
    project = state[f"{part}.conv.conv.weight"]
    y = norm(F.conv2d(y, project[:, :mid, :, :].contiguous()), state, f"{part}.bn.bn")
    return y + x if stride == 1 and y.size(1) == in_channels else y


def forward(state: dict[str, Tensor], space: OfaMbv3, genotype: Any, x: Tensor) -> Tensor:
    """Logits of one sub-network, straight from the dynamic parameters."""
    genes = space.to_dict(genotype)
    x = hard_swish(norm(F.conv2d(x, state["first_conv.conv.weight"], None, 2, 1), state, "first_conv.bn"))
    part = "blocks.0.conv"
    y = F.conv2d(x, state[f"{part}.depth_conv.conv.weight"], None, 1, 1, 1, x.size(1))
    y = F.relu(norm(y, state, f"{part}.depth_conv.bn"))
    x = x + norm(F.conv2d(y, state[f"{part}.point_linear.conv.weight"]), state, f"{part}.point_linear.bn")
    for stage, depth in enumerate(genes["d"]):
        for position in range(depth):
            at = 4 * stage + position
            x = mbconv(state, at + 1, stage, position, genes["ks"][at], genes["e"][at], x)
    x = hard_swish(norm(F.conv2d(x, state["final_expand_layer.conv.weight"]), state, "final_expand_layer.bn"))
    x = x.mean(3, keepdim=True).mean(2, keepdim=True)
    x = hard_swish(F.conv2d(x, state["feature_mix_layer.conv.weight"]))
    return F.linear(x.view(x.size(0), -1), state["classifier.linear.weight"], state["classifier.linear.bias"])


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return torch.mean(torch.sum(-target * F.log_softmax(logits, 1), 1))


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    n = logits.size(1)
    one_hot = torch.zeros_like(logits).scatter_(1, labels.unsqueeze(1), 1)
    return soft_cross_entropy(logits, one_hot * (1 - smoothing) + smoothing / n)


def accuracy(logits: Tensor, labels: Tensor) -> list[float]:
    _, predicted = logits.topk(5, 1, True, True)
    correct = predicted.t().eq(labels.view(1, -1))
    return [float(correct[:k].reshape(-1).float().sum().mul_(100.0 / len(labels))) for k in (1, 5)]


def load(jpegs: Sequence[bytes], size: int) -> Tensor:
    """RandomResizedCrop, flip, ColorJitter(brightness 32/255, saturation 0.5), to tensor, normalise: photo by photo."""
    return torch.stack([_load(jpeg, size) for jpeg in jpegs])


def _load(jpeg: bytes, size: int) -> Tensor:
    image = Image.open(io.BytesIO(jpeg), formats=("JPEG",)).convert("RGB")
    area = random.uniform(0.08, 1.0) * image.width * image.height
    ratio = random.uniform(0.75, 4 / 3)
    w = min(image.width, max(1, round((area * ratio) ** 0.5)))
    h = min(image.height, max(1, round((area / ratio) ** 0.5)))
    left, top = random.randint(0, image.width - w), random.randint(0, image.height - h)
    image = image.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + w, top + h))
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = ImageEnhance.Brightness(image).enhance(random.uniform(1 - 32 / 255, 1 + 32 / 255))
    image = ImageEnhance.Color(image).enhance(random.uniform(0.5, 1.5))
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(size, size, 3)
    return (pixels.permute(2, 0, 1).contiguous().float().div(255) - MEAN) / STD
