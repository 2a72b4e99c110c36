"""Re-calibration of batch normalisation: the running statistics a sub-network needs before it is measured or exported.

A supernet's running statistics are a mixture over all sub-networks it was trained with and fit none of them. As in
OFA's `set_running_statistics`, the network runs over training images with every batch normalisation using the batch's
own mean and biased variance; the averages over batches, weighted by their sizes, become the running statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nasface.errors import InvalidInput
from nasface.netspec import INPUT, Conv
from nasface.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from nasface.supernets.interpreter import LiveValues
from nasface.supernets.module import SpecModule
from nasface.supernets.statistics import CalibrationBatch, Moments

BATCH = 64
"""Images a batch; how the statistics are averaged depends on it, so that tables are comparable only at one value."""

CHUNK = 8
"""Images of a batch that a CPU computes at once, so that values stay in its caches; results do not depend on it."""

Images = npt.NDArray[np.uint8]
"""uint8[n, height, width, 3], RGB."""


def normalise(images: Images, device: torch.device | None = None) -> Tensor:
    """float32 [n, 3, height, width], channels-last in memory: (x / 255 - mean) / std with ImageNet's mean and std."""
    x = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2).float()
    std, mean = torch.tensor(IMAGENET_STD, device=device), torch.tensor(IMAGENET_MEAN, device=device)
    return x.mul_((1 / (255 * std))[:, None, None]).sub_((mean / std)[:, None, None])


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
    totals = Totals(module, len(images))
    for rows in even_batches(len(images), batch_size):
        batch = images[rows]
        x = batch if isinstance(batch, Tensor) else normalise(batch, module.device)
        totals.add(CalibrationBatch(in_chunks(x)).advance(module, totals.end), len(x))
    return totals.store()


def in_chunks(x: Tensor) -> list[LiveValues]:
    """A batch as the values that a network begins with."""
    size = CHUNK if x.device.type == "cpu" else len(x)
    return [{INPUT: x[start : start + size]} for start in range(0, len(x), size)]


def even_batches(n: int, batch_size: int) -> Iterator[slice]:
    """Batches of n images: as many as needed, of equal size to within one."""
    edges = np.linspace(0, n, -(-n // batch_size) + 1).round().astype(int).tolist()
    return (slice(*edge) for edge in pairwise(edges))


class Totals:
    """Sums statistics over batches and makes them the running statistics of a module.

    Args:
        module: An unfolded network; channels-last in memory from now on, which is faster.
        n: Number of images of all batches.

    Raises:
        InvalidInput: See `calibrate`.
    """

    def __init__(self, module: SpecModule, n: int) -> None:
        if n < 2 or module.folded:
            raise InvalidInput(
                f"BN re-calibration needs an unfolded network and at least 2 images, not {n}; give some hundred."
            )
        self._module, self._n = module, n
        self._sums: dict[str, Tensor] = {}
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def end(self) -> int:
        """Index behind the last operation with a normalisation: batches need not go further."""
        return max((i + 1 for i, op in enumerate(self._module.spec.ops) if isinstance(op, Conv) and op.norm), default=0)

    def add(self, moments: Mapping[str, Moments], size: int) -> None:
        """Add one batch's statistics, by the name of the convolution before the normalisation."""
        for name, values in moments.items():
            self._sums[name] = self._sums.get(name, 0.0) + torch.stack(values) * size

    @torch.no_grad()
    def store(self) -> SpecModule:
        """The module with its running statistics, in eval mode."""
        for op in self._module.spec.ops:
            norm = self._module.norm(op)
            if op.name in self._sums and norm and norm.running_mean is not None and norm.running_var is not None:
                mean, variance = self._sums[op.name] / self._n
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(variance)
        self._module.calibrated = True
        return self._module.eval()
