"""Augmentation of whole batches on the training device: one affine sampling, then contrast, blur and tint."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from nasface.training.options import Augmentation


def augment(images: Tensor, options: Augmentation, resolution: int, generator: torch.Generator) -> Tensor:
    """Network input [n, 3, resolution, resolution], channels-last, from photos.

    Args:
        images: uint8[n, height, width, 3] on the device; grey photos (equal channels) may come as [..., 1].
        options: Ranges.
        resolution: Side of the result.
        generator: On the CPU: the same numbers are drawn for every device.
    """
    draw = _Draw(len(images), images.device, generator)
    x = images.permute(0, 3, 1, 2).float().div_(255)
    grid = F.affine_grid(_affine(draw, options), [len(x), 1, resolution, resolution], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    x = _blur(x, draw.chance(options.blur))
    x = _tone(x, draw, options)
    mean, std = (torch.tensor(values, device=x.device)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


class _Draw:
    """Uniform numbers, one a photo."""

    def __init__(self, n: int, device: torch.device, generator: torch.Generator) -> None:
        self._n, self._device, self._generator = n, device, generator

    def between(self, low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand((self._n, *shape), generator=self._generator)
        return (drawn * (high - low) + low).to(self._device)

    def chance(self, probability: float) -> Tensor:
        """1 with `probability`, else 0."""
        return (self.between(0, 1) < probability).float()


def _affine(draw: _Draw, options: Augmentation) -> Tensor:
    """[n, 2, 3]: where every pixel of the result comes from, in units of half the side."""
    size = 1 / draw.between(1 - options.scale, 1 + options.scale)
    angle = draw.between(-math.radians(options.rotate), math.radians(options.rotate))
    mirror = 1 - 2 * draw.chance(options.flip)
    cos, sin = size * angle.cos(), size * angle.sin()
    dx, dy = draw.between(-2 * options.shift, 2 * options.shift, 2).unbind(1)
    return torch.stack([torch.stack([cos * mirror, -sin, dx], 1), torch.stack([sin * mirror, cos, dy], 1)], 1)


def _blur(x: Tensor, chosen: Tensor) -> Tensor:
    weights = torch.tensor([1.0, 2.0, 1.0], device=x.device)
    kernel = (weights[:, None] * weights / 16).expand(x.shape[1], 1, 3, 3)
    blurred = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=x.shape[1])
    return torch.lerp(x, blurred, chosen[:, None, None, None])


def _tone(x: Tensor, draw: _Draw, options: Augmentation) -> Tensor:
    """Contrast about the photo's mean, brightness, and a gain per colour channel; three channels in 0..1."""
    middle = x.mean((1, 2, 3), keepdim=True)
    gain = draw.between(-1, 1).mul(math.log1p(options.contrast)).exp()[:, None, None, None]
    x = (x - middle) * gain + middle + draw.between(-options.brightness, options.brightness)[:, None, None, None]
    tint = 1 + draw.chance(options.tint)[:, None] * draw.between(-0.2, 0.2, 3)
    return (x * tint[:, :, None, None]).clamp_(0, 1)
