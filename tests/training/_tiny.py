"""A trainer in a few lines; also run by tests in processes of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3Config
from nasface.training.assembly import open_fabric
from nasface.training.losses import build_loss
from nasface.training.networks import TrainableSupernet
from nasface.training.objectives import LargestTeacherConfig, MarginConfig
from nasface.training.options import Phase, TrainingConfig
from nasface.training.photos import MemoryPhotos
from nasface.training.state import Checkpoints
from nasface.training.step import Student
from nasface.training.trainer import Trainer
from nasface.training.validation import Judges

SIDE, PEOPLE, PHOTOS = 32, 8, 6


def tiny_space(**options: Any) -> OfaMbv3:
    """A space of width 0.25 at 32 pixels."""
    return OfaMbv3(OfaMbv3Config(**{"width": 0.25, "resolution": SIDE, "descriptor": 24} | options))


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """uint8[48, 32, 32, 3] of noise with a person's own mean, and the people."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(PEOPLE), PHOTOS)
    own = rng.integers(60, 200, (PEOPLE, SIDE, SIDE, 3))
    return np.clip(own[labels] + rng.normal(0, 30, (len(labels), SIDE, SIDE, 3)), 0, 255).astype(np.uint8), labels


def tiny_config(**options: Any) -> TrainingConfig:
    """Sandwich sampling for six steps, a checkpoint after every step, validation only at the end."""
    given: dict[str, Any] = {
        "name": "tiny",
        "plan": {"sandwich": Phase(2e-3, steps=6, warmup_epochs=0.4, largest=0.2, smallest=0.2, validate="extremes")},
        "batch": 12,
        "dropout": 0.1,
        "log_every": 2,
        "validate_every": 100.0,
        "checkpoint_minutes": 0.0,
        "accelerator": "cpu",
    }
    return TrainingConfig(**given | options)


def tiny_trainer(
    folder: Path,
    listener: Callable[[Any], None] = lambda told: None,
    live: LargestTeacherConfig | None = None,
    seed: int = 3,
    loss: Any = None,
    **options: Any,
) -> Trainer:
    """A trainer whose state lives in `folder`; `options` are those of the training."""
    config = tiny_config(**options)
    images, labels = pictures()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TrainableSupernet(tiny_space(), PEOPLE)
    student = Student(network, build_loss(loss or MarginConfig("arcface", 0.5, scale=16.0)), None, live, config.dropout)
    photos = MemoryPhotos(images, np.arange(len(images)), labels)
    judges = Judges(images[:24], images, labels)
    fabric = open_fabric(config)
    return Trainer(config, student, photos, judges, seed, Checkpoints(folder, config.keep), fabric, None, listener)


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Copies of everything that is trained, running averages included."""
    states = {"student": trainer.student.state_dict(), "average": trainer.best.state_dict()}
    return {f"{part}.{name}": value.clone() for part, state in states.items() for name, value in state.items()}
