"""How OFA measures one sub-network after another, restated plainly; the yardstick of `bench_accuracy.py`.

As in OFA's accuracy data sets (`AccuracyDataset.build_acc_dataset`, `set_running_statistics`): the dynamic supernet
itself runs, in NCHW, deriving kernels and slicing weights in every pass; re-calibration deep-copies the whole network
and takes each batch's mean, then its variance, from the values; h-swish and h-sigmoid are written out; photos are read,
decoded and normalised one by one by a data loader made anew for every network. Calibration images are cached tensors in
batches of 200, as there. Weights are those of the supernet under test, so that both ways must agree.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nasface.data import FaceSet
from nasface.netspec import INPUT, Activation, Add, Conv, GlobalAvgPool, Multiply
from nasface.supernets.calibration import normalise
from nasface.supernets.elastic import ElasticNetwork

CALIBRATION_BATCH = 200
TEST_BATCH = 100

Norm = Callable[[str, Tensor, dict[str, Tensor]], Tensor]


class Photos(Dataset[Tensor]):
    """Reads, decodes and normalises one photo at a time."""

    def __init__(self, faces: FaceSet, size: int) -> None:
        self.faces, self.size = faces, size

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Tensor:
        photo = self.faces.source.photo(int(self.faces.rows[index]), self.size)
        x = torch.from_numpy(photo.copy()).permute(2, 0, 1).float().div(255)
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        return (x - mean[:, None, None]) / std[:, None, None]


def calibration_batches(images: np.ndarray[Any, Any]) -> list[Tensor]:
    """Cached tensors, as OFA keeps them."""
    return [normalise(images[i : i + CALIBRATION_BATCH]).contiguous() for i in range(0, len(images), CALIBRATION_BATCH)]


@torch.no_grad()
def descriptors(
    network: ElasticNetwork, genotype: np.ndarray[Any, Any], batches: list[Tensor], faces: FaceSet, size: int
) -> np.ndarray[Any, Any]:
    """Calibrate one sub-network and describe all photos."""
    statistics = running_statistics(network, genotype, batches)

    def norm(name: str, x: Tensor, state: dict[str, Tensor]) -> Tensor:
        return F.batch_norm(x, *statistics[name], state[f"{name}.weight"], state[f"{name}.bias"], False, 0.1, 1e-5)

    loader = DataLoader(Photos(faces, size), batch_size=TEST_BATCH, num_workers=0)
    return np.concatenate([forward(network, genotype, x, norm).numpy() for x in loader])


def running_statistics(
    network: ElasticNetwork, genotype: np.ndarray[Any, Any], batches: list[Tensor]
) -> dict[str, tuple[Tensor, Tensor]]:
    """`set_running_statistics`: averages over batches of mean and biased variance, weighted by size."""
    own = copy.deepcopy(network)
    sums: dict[str, list[Tensor]] = {}

    def norm(name: str, x: Tensor, state: dict[str, Tensor]) -> Tensor:
        mean = x.mean(0, keepdim=True).mean(2, keepdim=True).mean(3, keepdim=True)
        variance = (x - mean) * (x - mean)
        variance = variance.mean(0, keepdim=True).mean(2, keepdim=True).mean(3, keepdim=True)
        mean, variance = mean.squeeze(), variance.squeeze()
        sums[name] = [
            total + value * len(x) for total, value in zip(sums.get(name, [0, 0]), (mean, variance), strict=True)
        ]
        return F.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"], False, 0.0, 1e-5)

    for x in batches:
        forward(own, genotype, x, norm)
    n = sum(len(x) for x in batches)
    return {name: (mean / n, variance / n) for name, (mean, variance) in sums.items()}


def forward(network: ElasticNetwork, genotype: np.ndarray[Any, Any], x: Tensor, norm: Norm) -> Tensor:
    """One pass of the dynamic network; kernels are derived and weights sliced anew."""
    spec = network.space.build(genotype)
    state = network.subnet_state(genotype, spec)
    values = {INPUT: x}
    for op in spec.ops:
        inputs = [values[name] for name in op.inputs]
        if isinstance(op, Conv):
            weight = state[f"{op.name}.weight"].contiguous()
            y = F.conv2d(inputs[0], weight, state.get(f"{op.name}.bias"), op.stride, op.padding, 1, op.groups)
            values[op.name] = norm(op.norm, y, state) if op.norm else y
        elif isinstance(op, Activation):
            values[op.name] = _activation(op.function, inputs[0])
        elif isinstance(op, GlobalAvgPool):
            values[op.name] = inputs[0].mean(3, keepdim=True).mean(2, keepdim=True)
        elif isinstance(op, Add):
            values[op.name] = inputs[0] + inputs[1]
        elif isinstance(op, Multiply):
            values[op.name] = inputs[0] * inputs[1]
        else:
            raise TypeError(type(op).__name__)
        for name in op.inputs:
            if not any(name in later.inputs for later in spec.ops[spec.ops.index(op) + 1 :]):
                values.pop(name, None)
    return values[spec.output].flatten(1)


def _activation(function: str, x: Tensor) -> Tensor:
    if function == "relu":
        return F.relu(x, inplace=True)
    sigmoid = F.relu6(x + 3.0, inplace=True) / 6.0
    return x * sigmoid if function == "h_swish" else sigmoid
