"""A training step against OFA's plain loop: same sub-network, batch, weights, threads; with the breakdown.

Run `python benchmarks/bench_training.py [--side 112] [--batch 64] [--threads 1] [--rounds 5]` for the table of
processor times (fair on a busy machine), or `python -m pytest benchmarks/bench_training.py` for pytest-benchmark's
clock times.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import ofa_training_loop as ofa
import pytest
import torch
from _sizes import size
from PIL import Image

from nasface.data import load_data
from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3FaceConfig
from nasface.training.augmentation import augment
from nasface.training.losses import build_loss
from nasface.training.memory import keep_freed_memory
from nasface.training.networks import TrainableSupernet
from nasface.training.objectives import LargestTeacherConfig, SoftmaxConfig
from nasface.training.options import Augmentation
from nasface.training.step import PhotoBatch, Student, build_optimizer
from nasface.training.teachers import NetworkTeacher

CLASSES = 1000
Parts = dict[str, Callable[[], Any]]


class Both:
    """The same weights, photos and sub-network for the two ways."""

    def __init__(self, side: int, batch: int) -> None:
        self.space = OfaMbv3(OfaMbv3FaceConfig(resolution=side))
        photos = load_data({"name": "procedural", "people": 40, "photos": 2}).require("training")
        self.images = np.resize(photos.load(size=side).images, (batch, side, side, 3))
        self.jpegs = [_jpeg(image) for image in self.images]
        self.labels = torch.arange(batch) % CLASSES
        self.genotype = self.space.sample(np.random.default_rng(0), 1)[0]
        self.side = side
        torch.manual_seed(0)
        self.network, self.largest = (TrainableSupernet(self.space, CLASSES) for _ in range(2))
        self.largest.load_state_dict(self.network.state_dict())
        self.top = self.network.largest

    def ofa(self) -> Parts:
        """The parts of OFA's step, in order."""
        state = dict(self.network.state_dict(keep_vars=True))
        frozen = self.largest.state_dict()
        parameters = list(self.network.parameters())
        optimizer = torch.optim.SGD(parameters, 1e-4, momentum=0.9, nesterov=True, weight_decay=3e-5)
        box: dict[str, Any] = {}

        def data() -> None:
            box["x"] = ofa.load(self.jpegs, self.side)

        def teacher() -> None:
            with torch.no_grad():
                box["soft"] = torch.softmax(ofa.forward(frozen, self.space, self.top, box["x"]), 1)

        def forward() -> None:
            optimizer.zero_grad(set_to_none=False)
            logits = ofa.forward(state, self.space, self.genotype, box["x"])
            box["loss"] = ofa.soft_cross_entropy(logits, box["soft"]) + ofa.smoothed_cross_entropy(logits, self.labels)
            ofa.accuracy(logits, self.labels)

        return _parts(box, data, teacher, forward, optimizer)

    def ours(self) -> Parts:
        """The parts of our step, in order."""
        loss = build_loss(SoftmaxConfig())
        self.network.to(memory_format=torch.channels_last)
        student = Student(self.network, loss, live=LargestTeacherConfig()).train()
        asked = NetworkTeacher(self.largest.to(memory_format=torch.channels_last), self.top, loss, False)
        optimizer = build_optimizer(student, "sgd", 1e-4, 0.9, 3e-5)
        noise, photos, box = torch.Generator().manual_seed(0), torch.from_numpy(self.images), {}
        rows = torch.arange(len(photos))

        def data() -> None:
            box["x"] = augment(photos, Augmentation(), self.side, noise)

        def teacher() -> None:
            box["taught"] = asked(box["x"])

        def forward() -> None:
            optimizer.zero_grad(set_to_none=True)
            batch = PhotoBatch(box["x"], self.labels, rows)
            terms, _ = student.losses(batch, self.genotype, 0.5, noise, box["taught"])
            box["loss"] = torch.stack(list(terms.values())).sum()

        return _parts(box, data, teacher, forward, optimizer)


def _parts(box: dict[str, Any], data: Any, teacher: Any, forward: Any, optimizer: torch.optim.Optimizer) -> Parts:
    return {
        "photos": data,
        "teacher": teacher,
        "forward": forward,
        "backward": lambda: box["loss"].backward(),
        "update": optimizer.step,
    }


def _jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    return file.getvalue()


def test_both_ways_compute_the_same() -> None:
    """What is timed is the same network: equal logits from equal weights."""
    both = Both(64, 4)
    x = torch.randn(4, 3, 64, 64)
    state = dict(both.network.state_dict(keep_vars=True))
    torch.testing.assert_close(
        ofa.forward(state, both.space, both.genotype, x),
        both.network.get_submodule("classifier.linear")(both.network(x, both.genotype)),
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize("way", ["ofa", "ours"])
def test_step(benchmark: Any, way: str) -> None:
    if way == "ours":
        keep_freed_memory()
    parts = getattr(Both(*size((112, 64), (64, 4))), way)()

    def step() -> None:
        for part in parts.values():
            part()

    benchmark.pedantic(step, rounds=5, warmup_rounds=1)


def main() -> None:
    """Print processor milliseconds of every part, the median over rounds."""
    parser = argparse.ArgumentParser()
    for name, value in (("side", 112), ("batch", 64), ("threads", 1), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    found: dict[str, dict[str, list[float]]] = {}
    for way in ("ofa", "ours"):  # one after the other: what ours asks of the allocator must not help the other
        if way == "ours":
            keep_freed_memory()
        parts = getattr(Both(given.side, given.batch), way)()
        for round_ in range(given.rounds + 1):
            for name, part in parts.items():
                began = time.process_time()
                part()
                if round_:
                    found.setdefault(name, {}).setdefault(way, []).append(1e3 * (time.process_time() - began))
    print(
        f"{given.side} pixels, batch {given.batch}, {given.threads} thread(s): processor ms, median of {given.rounds}"
    )
    totals = {"ofa": 0.0, "ours": 0.0}
    for name, times in found.items():
        medians = {way: float(np.median(values)) for way, values in times.items()}
        totals = {way: totals[way] + medians[way] for way in totals}
        print(f"{name:10s} {medians['ofa']:9.1f} {medians['ours']:9.1f} {medians['ofa'] / medians['ours']:6.2f}x")
    print(f"{'step':10s} {totals['ofa']:9.1f} {totals['ours']:9.1f} {totals['ofa'] / totals['ours']:6.2f}x")


if __name__ == "__main__":
    main()
