"""Sorting of channels by importance before a phase that makes expand ratios elastic.

The importance of a hidden channel of a block is the L1 norm of the projection's weights that read it. The same
permutation is applied to everything that makes or reads the channel, so that the largest network stays the same. As in
OFA, prefixes that an earlier phase trained stay prefixes. Unlike OFA, that holds for the hidden units of squeeze and
excitation too, so that every network of the earlier phase stays exactly the same, not only those without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nasface.spaces import N_BLOCKS, make_divisible
from nasface.supernets.elastic import ElasticNetwork

_NORM = ("weight", "bias", "running_mean", "running_var")


@torch.no_grad()
def sort_channels(network: ElasticNetwork, trained: Sequence[int]) -> None:
    """Sort the hidden channels of all blocks in place.

    Args:
        network: Its largest network stays the same, and so do those of the trained expand ratios.
        trained: Expand ratios that were trained before, the largest included or not.
    """
    own = dict(network.state_dict(keep_vars=True))
    for index in range(1, N_BLOCKS + 1):
        if f"blocks.{index}.conv.point_linear.conv.conv.weight" in own:
            _sort_block(own, f"blocks.{index}.conv", trained)


def _sort_block(own: dict[str, Tensor], path: str, trained: Sequence[int]) -> None:
    expand, depthwise = f"{path}.inverted_bottleneck", f"{path}.depth_conv"
    project = own[f"{path}.point_linear.conv.conv.weight"]
    widths = [make_divisible(round(own[f"{expand}.conv.conv.weight"].shape[1] * ratio)) for ratio in trained]
    order = _order(project.abs().sum((0, 2, 3)), widths)
    _permute(project, order, 1)
    _permute(own[f"{expand}.conv.conv.weight"], order)
    _permute(own[f"{depthwise}.conv.conv.weight"], order)
    for norm in (f"{expand}.bn.bn", f"{depthwise}.bn.bn"):
        for part in _NORM:
            _permute(own[f"{norm}.{part}"], order)
    if f"{depthwise}.se.fc.expand.weight" in own:
        _sort_squeeze(own, f"{depthwise}.se.fc", order, [make_divisible(width // 4) for width in widths])


def _sort_squeeze(own: dict[str, Tensor], path: str, order: Tensor, widths: Sequence[int]) -> None:
    """Follow the channels' permutation, then sort the hidden units by the L1 norm of what they give."""
    reduce, expand = own[f"{path}.reduce.weight"], own[f"{path}.expand.weight"]
    _permute(reduce, order, 1)
    _permute(expand, order)
    _permute(own[f"{path}.expand.bias"], order)
    hidden = _order(expand.abs().sum((0, 2, 3)), widths)
    _permute(expand, hidden, 1)
    _permute(reduce, hidden)
    _permute(own[f"{path}.reduce.bias"], hidden)


def _order(importance: Tensor, widths: Sequence[int]) -> Tensor:
    """Indices by descending importance within every segment between the given prefix widths."""
    edges = sorted({0, len(importance), *(width for width in widths if width < len(importance))})
    parts = []
    for left, right in pairwise(edges):
        parts.append(left + importance[left:right].argsort(descending=True, stable=True))
    return torch.cat(parts)


def _permute(tensor: Tensor, order: Tensor, dim: int = 0) -> None:
    tensor.copy_(tensor.index_select(dim, order))
