"""Two processes under torchrun (gloo, CPU) against one process that normalises the same two half-batches separately."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nasface.training.options import Phase
from nasface.training.schedule import AUGMENTATION, SUBNETS, generator
from nasface.training.step import accumulate, build_optimizer

from ._tiny import tiny_trainer

PLAN = {"sandwich": Phase(steps=2, subnets=2, learning_rate=1e-2, validate="extremes")}
OPTIONS = {"plan": PLAN, "batch": 12, "optimizer": "sgd", "momentum": 0.9, "ema": 0.0, "dropout": 0.0, "clip": None}

SCRIPT = """
import os, sys, torch
from pathlib import Path
from tests.training._tiny import tiny_trainer
from tests.training.test_distributed import OPTIONS
torch.set_num_threads(1)
folder = Path(sys.argv[1])
drawn = []
trainer = tiny_trainer(folder, **OPTIONS)
draw = trainer.samplers[0].draw
trainer.samplers[0].draw = lambda rng: drawn.append(draw(rng)) or drawn[-1]
trainer.run()
genotypes = [[row.tolist() for row in step] for step in drawn]
torch.save({"student": trainer.student.state_dict(), "genotypes": genotypes}, folder / f"rank{os.environ['RANK']}.pt")
"""


@pytest.mark.slow
def test_two_processes_equal_one_with_two_half_batches(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", str(script), str(tmp_path)]
    root = Path(__file__).resolve().parents[2]
    environment = {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    ranks = [torch.load(tmp_path / f"rank{i}.pt", weights_only=True) for i in range(2)]
    assert ranks[0]["genotypes"] == ranks[1]["genotypes"], "the same sub-networks in both processes"
    expected = _one_process(tmp_path / "one")
    for name, value in expected.items():
        if "running" in name or "num_batches" in name:
            continue  # every process keeps its own statistics; they are calibrated anew before use
        for rank in ranks:
            torch.testing.assert_close(rank["student"][name], value, rtol=1e-4, atol=1e-6)
    moved = (expected["network.first_conv.conv.weight"] - _initial(tmp_path)["network.first_conv.conv.weight"]).abs()
    assert float(moved.max()) > 1e-4, "the steps did something"


def _initial(tmp_path: Path) -> dict[str, torch.Tensor]:
    return tiny_trainer(tmp_path / "initial", **OPTIONS).student.state_dict()


def _one_process(folder: Path) -> dict[str, torch.Tensor]:
    """Both steps by hand: gradients of either half of 24 photos, averaged."""
    trainer = tiny_trainer(folder, **OPTIONS | {"batch": 24})
    student, phase = trainer.student.train(), PLAN["sandwich"]
    optimizer = build_optimizer(student, "sgd", 0.0, 0.9, trainer.config.weight_decay)
    timeline = trainer.timelines[0]
    for step in range(2):
        genotypes = trainer.samplers[0].draw(generator(trainer.seed, SUBNETS, 0, step))
        gradients = []
        for rank in range(2):
            noise = torch.Generator().manual_seed(
                int(generator(trainer.seed, AUGMENTATION, 0, step, rank).integers(2**62))
            )
            batch = _half(trainer, step, rank, noise)
            student.zero_grad(set_to_none=True)
            accumulate(trainer.fabric, student, batch, genotypes, step / 2, noise, None, phase.sandwich)
            gradients.append([copy.copy(p.grad) for p in student.parameters()])
        for parameter, one, two in zip(student.parameters(), *gradients, strict=True):
            parameter.grad = None if one is None or two is None else (one + two) / 2
        for group in optimizer.param_groups:
            group["lr"] = 2 * timeline.rate(step)  # the rate grows with the number of processes
        optimizer.step()
    return student.state_dict()


def _half(trainer: object, step: int, rank: int, noise: torch.Generator) -> object:
    from nasface.training.augmentation import augment
    from nasface.training.step import PhotoBatch
    from nasface.training.trainer import Trainer

    assert isinstance(trainer, Trainer)
    rows = np.array_split(trainer.order.rows(step), 2)[rank]
    images, rows = trainer.photos.batch(rows)
    x = augment(torch.from_numpy(images), trainer.config.augmentation, trainer.resolution, noise)
    return PhotoBatch(x, torch.from_numpy(trainer.photos.labels[rows]), torch.from_numpy(rows))
