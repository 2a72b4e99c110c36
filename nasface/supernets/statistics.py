"""Batch-normalisation statistics of one batch, operation by operation, in chunks that stay in the processor's caches.

Every normalisation uses the statistics of the whole batch, so the batch advances to it before any image passes it. What
lies between two normalisations runs chunk by chunk. Where a pointwise convolution widens (the expansion of an inverted
bottleneck), the statistics of its output follow from mean m and covariance C of its input: W m and diag(W C W'). The
widest values of the network then never have to be held for the whole batch, nor read again for their statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasface.netspec import Conv, Op
from nasface.supernets.interpreter import LiveValues, Weighted
from nasface.supernets.module import SpecModule


class Moments(NamedTuple):
    """Mean and biased variance [channels] over images and places."""

    mean: Tensor
    variance: Tensor


class CalibrationBatch:
    """One batch on its way through a network.

    Args:
        chunks: Per chunk of images the values alive before operation `position`; changed in place.
        position: Index of the next operation.
    """

    def __init__(self, chunks: list[LiveValues], position: int = 0) -> None:
        self.chunks, self.position = chunks, position

    @torch.no_grad()
    def advance(self, module: SpecModule, stop: int) -> dict[str, Moments]:
        """Run `module`, unfolded, up to operation `stop` (exclusive).

        Returns:
            The statistics at every normalisation passed, by the name of its convolution.
        """
        found: dict[str, Moments] = {}
        kept = frozenset(self.chunks[0])
        compute = _computer(module, found)
        for position in range(self.position, stop):
            op = module.spec.ops[position]
            norm = module.norm(op)
            if norm is None or not isinstance(op, Conv):
                continue
            self._run(module, compute, position, kept)
            if _widens(op):
                found[op.name] = _of_output(module.convolution(op), [chunk[op.inputs[0]] for chunk in self.chunks])
                continue
            self._run(module, module.convolve, position + 1, kept)
            found[op.name] = _of_values([chunk[op.name] for chunk in self.chunks])
            for chunk in self.chunks:
                chunk[op.name] = _normalised(chunk[op.name], norm, found[op.name])
        self._run(module, compute, stop, kept)
        return found

    def _run(self, module: SpecModule, compute: Weighted, stop: int, kept: frozenset[str]) -> None:
        for chunk in self.chunks:
            module.run.advance(chunk, compute, self.position, stop, kept)
        self.position = stop


def _computer(module: SpecModule, found: dict[str, Moments]) -> Weighted:
    """Computes operations with weights; those whose statistics are known beforehand with these folded in."""
    folded: dict[str, tuple[Tensor, Tensor]] = {}

    def compute(op: Op, x: Tensor) -> Tensor:
        norm = module.norm(op)
        if norm is None or not isinstance(op, Conv):
            return module.convolve(op, x)
        if op.name not in folded:
            folded[op.name] = _fold(module.convolution(op).weight, norm, found[op.name])
        return F.conv2d(x, *folded[op.name])

    return compute


def _widens(op: Conv) -> bool:
    pointwise = op.kernel == op.stride == op.groups == 1 and op.padding == 0
    return pointwise and op.shape[2] >= 2 * op.in_channels


def _of_values(chunks: Sequence[Tensor]) -> Moments:
    """Statistics of values given in chunks [n_i, channels, height, width]."""
    channels = chunks[0].shape[1]
    sizes = [chunk.numel() // channels for chunk in chunks]
    scratch = torch.zeros(2, channels, device=chunks[0].device)
    parts = []
    for chunk, size in zip(chunks, sizes, strict=True):
        mean, unbiased = scratch.clone()
        torch.batch_norm_update_stats(chunk, mean, unbiased, 1.0)  # momentum 1 replaces them by the chunk's own
        parts.append((mean, unbiased * ((size - 1) / size)))
    return _pooled(parts, sizes)


def _of_output(conv: nn.Conv2d, inputs: Sequence[Tensor]) -> Moments:
    """Statistics of a pointwise convolution's output, from its input in chunks."""
    rows = [x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]) for x in inputs]
    parts = []
    for chunk in rows:
        mean = chunk.mean(0)
        centred = chunk - mean
        parts.append((mean, centred.T @ centred / len(chunk)))
    mean, covariance = _pooled(parts, [len(chunk) for chunk in rows])
    weight = conv.weight.flatten(1)
    return Moments(weight @ mean, ((weight @ covariance) * weight).sum(1))


def _pooled(parts: Sequence[tuple[Tensor, Tensor]], sizes: Sequence[int]) -> Moments:
    """Mean, and variance [channels] or covariance [channels, channels], of all values from those of the chunks."""
    share = torch.tensor(sizes, dtype=torch.float32, device=parts[0][0].device) / sum(sizes)
    means = torch.stack([mean for mean, _ in parts])
    mean = share @ means
    within = sum(s * second for s, (_, second) in zip(share, parts, strict=True))
    apart = means - mean
    between = share @ apart.square() if parts[0][1].ndim == 1 else apart.T @ (apart * share[:, None])
    return Moments(mean, within + between)


def _normalised(y: Tensor, norm: nn.BatchNorm2d, moments: Moments) -> Tensor:
    return F.batch_norm(y, moments.mean, moments.variance, norm.weight, norm.bias, False, 0.0, norm.eps)


def _fold(weight: Tensor, norm: nn.BatchNorm2d, moments: Moments) -> tuple[Tensor, Tensor]:
    scale = norm.weight / (moments.variance + norm.eps).sqrt()
    folded = (weight * scale[:, None, None, None]).contiguous(memory_format=torch.channels_last)
    return folded, norm.bias - moments.mean * scale
