"""Images a second of training steps on a GPU: batch and precision, largest network and random ones.

Run `python benchmarks/gpu_training.py [--side 112] [--seconds 4]`. A step is augmentation, forward, backward, clipping
and AdamW's update of one sub-network, as `training=sandwich` with one sub-network a step.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from lightning_fabric import Fabric

from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3FaceConfig
from nasface.training.augmentation import augment
from nasface.training.losses import build_loss
from nasface.training.networks import TrainableSupernet
from nasface.training.objectives import MarginConfig
from nasface.training.options import Augmentation
from nasface.training.step import PhotoBatch, Student, accumulate, build_optimizer

CLASSES = 4186
PHOTOS = 4096
WARM_UP = 60


def images_per_second(side: int, batch: int, precision: str, largest: bool, seconds: float) -> float:
    """Over `seconds` of steps, after `WARM_UP` steps: cuDNN plans every new shape, for a minute if random."""
    fabric = Fabric(accelerator="gpu", devices=1, precision=precision)  # type: ignore[arg-type]
    fabric.launch()
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=side))
    student = Student(TrainableSupernet(space, CLASSES), build_loss(MarginConfig("arcface", 0.2, scale=20.0))).train()
    student.to(fabric.device)
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = build_optimizer(student, "adamw", 1e-4, 0.9, 0.01)
    rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
    photos = rng.integers(0, 256, (PHOTOS, side, side, 1)).astype(np.uint8)
    top = student.network.largest  # type: ignore[union-attr]

    def step() -> None:
        rows = torch.from_numpy(rng.integers(0, PHOTOS, batch)).to(fabric.device)
        x = augment(torch.from_numpy(photos[rows.cpu().numpy()]).to(fabric.device), Augmentation(), side, noise)
        genotype = top if largest else space.sample(rng, 1)[0]
        optimizer.zero_grad(set_to_none=True)
        accumulate(fabric, student, PhotoBatch(x, rows % CLASSES, rows), [genotype], 0.5, noise, None, False)
        torch.nn.utils.clip_grad_norm_(list(student.parameters()), 5.0, foreach=True)
        optimizer.step()

    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    began, steps = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        step()
        torch.cuda.synchronize()
        steps += 1
    return steps * batch / (time.monotonic() - began)


def main() -> None:
    """Print a row for every combination."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {given.side} pixels: images a second")
    for batch in given.batches:
        for precision in ("32-true", "bf16-mixed"):
            rates = [images_per_second(given.side, batch, precision, which, given.seconds) for which in (True, False)]
            print(f"batch {batch:4d} {precision:10s} largest {rates[0]:9.0f} random {rates[1]:9.0f}", flush=True)


if __name__ == "__main__":
    main()
