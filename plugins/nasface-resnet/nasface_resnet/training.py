"""Trains the supernet that comes with the plug-in: `python -m nasface_resnet.training`, half a minute on one core.

Every step trains the largest network, the smallest and a random one on the same drawn faces (sandwich rule). Then
`python -m nasface space=resnet_small supernet=resnet_small task=estimate_accuracy data=procedural data.people=120
data.photos=8 latency=analytic accuracy.sampling=uniform
accuracy.calibration_photos=128 accuracy.n_subnets=48 accuracy.table=resnet_small.csv` measures the table.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from nasface.data import load_data
from nasface.supernets import SpecModule
from nasface.supernets.calibration import normalise
from nasface.training.sliced import parts
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from nasface_resnet.elastic import seeded, write_weights
from nasface_resnet.space import HIGHEST, Resnet
from nasface_resnet.supernet import WEIGHTS

STEPS: Final = 200
BATCH: Final = 48
SCALE: Final = 16.0


def train(seed: int = 0) -> dict[str, Tensor]:
    """State dict of the largest network."""
    faces = load_data({"name": "procedural", "people": 80, "photos": 8}).require("training")
    loaded = faces.load(np.arange(len(faces)), size=32)
    x, labels = normalise(loaded.images), torch.from_numpy(np.unique(loaded.labels, return_inverse=True)[1])
    space, rng, torch_rng = Resnet(), np.random.default_rng(seed), seeded(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        largest = SpecModule(space.build(HIGHEST)).train()
        head = nn.Parameter(0.05 * torch.randn(int(labels.max()) + 1, space.descriptor, generator=torch_rng))
    learned = [*largest.parameters(), head]
    optimizer = torch.optim.AdamW(learned, lr=4e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (BATCH,), generator=torch_rng)
        for genotype in (HIGHEST, np.ones_like(HIGHEST), space.sample(rng, 1)[0]):
            descriptors = _describe(largest, SpecModule(space.build(genotype)).train(), x[rows])
            cosines = functional.normalize(descriptors, dim=1) @ functional.normalize(head, dim=1).T
            loss: Tensor = functional.cross_entropy(SCALE * cosines, labels[rows])
            loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return {name: value.detach() for name, value in largest.state_dict().items()}


def _describe(largest: SpecModule, network: SpecModule, x: Tensor) -> Tensor:
    """Descriptors [n, d] by the network's part of the largest one's weights; gradients reach those."""
    shared = parts(dict(largest.named_parameters()), dict(network.named_parameters()))
    found: Tensor = functional_call(network, shared, x)
    return found


if __name__ == "__main__":
    write_weights(WEIGHTS, train())
