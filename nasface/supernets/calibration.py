"""Re-calibration of batch normalisation: the running statistics a sub-network needs before it is measured or exported.

A supernet's running statistics are a mixture over all sub-networks it was trained with and fit none of them. As in
OFA's `set_running_statistics`, the network runs over training images with every batch normalisation using the batch's
own mean and biased variance; the averages over batches, weighted by their sizes, become the running statistics.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.errors import InvalidInput
from nasface.netspec import Op
from nasface.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from nasface.supernets.module import SpecModule

BATCH = 64
"""Images a batch; how the statistics are averaged depends on it, so that tables are comparable only at one value."""

Images = npt.NDArray[np.uint8]
"""uint8[n, height, width, 3], RGB."""


def normalise(images: Images) -> Tensor:
    """float32 [n, 3, height, width], channels-last in memory: (x / 255 - mean) / std with ImageNet's mean and std."""
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float()
    std, mean = torch.tensor(IMAGENET_STD), torch.tensor(IMAGENET_MEAN)
    return x.mul_((1 / (255 * std))[:, None, None]).sub_((mean / std)[:, None, None])


@torch.no_grad()
def calibrate(module: SpecModule, images: Images | Tensor, batch_size: int = BATCH) -> SpecModule:
    """Set the running statistics of every batch normalisation of `module` in place; nothing else changes.

    Args:
        module: An unfolded network.
        images: Training images: uint8[n, height, width, 3], or a normalised tensor [n, 3, height, width].
        batch_size: Images a batch; the images are split evenly, so that no batch is much smaller than another.

    Returns:
        The module, in eval mode.

    Raises:
        InvalidInput: There are fewer than two images, or the network has its batch normalisations folded away.
    """
    if len(images) < 2 or module.folded:
        raise InvalidInput(
            f"BN re-calibration needs an unfolded network and at least 2 images, not {len(images)}; give some hundred."
        )
    totals: dict[str, Tensor] = {}
    parts = np.array_split(np.arange(len(images)), -(-len(images) // batch_size))
    for part in parts:
        batch = images[part[0] : part[-1] + 1]
        _accumulate(module, batch if isinstance(batch, Tensor) else normalise(batch), totals)
    _store(module, totals, len(images))
    module.calibrated = True
    return module.eval()


def _accumulate(module: SpecModule, batch: Tensor, totals: dict[str, Tensor]) -> None:
    """Run one batch with its own statistics and add them, times its size, to `totals` (rows: mean, variance)."""

    def compute(op: Op, x: Tensor) -> Tensor:
        y = module.convolve(op, x)
        norm = module.norm(op)
        if norm is None:
            return y
        mean, variance = torch.zeros(2, y.shape[1])  # momentum 1 replaces them by the batch's own
        z = F.batch_norm(y, mean, variance, norm.weight, norm.bias, True, 1.0, norm.eps)
        size = y.numel() // y.shape[1]
        biased = variance * ((size - 1) / size)
        totals[op.name] = totals.get(op.name, 0.0) + torch.stack([mean, biased]) * len(batch)
        return z

    module.run(batch, compute)


def _store(module: SpecModule, totals: dict[str, Tensor], n: int) -> None:
    for op in module.spec.ops:
        norm = module.norm(op)
        if norm is not None and norm.running_mean is not None and norm.running_var is not None:
            mean, variance = totals[op.name] / n
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
