"""What exists while a phase is trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nasface.training.networks import Sampler, Trainable
from nasface.training.options import Phase
from nasface.training.schedule import Timeline
from nasface.training.teachers import Teacher


@dataclass(frozen=True)
class Underway:
    """A phase while it is trained: what exists from its beginning to its end.

    Attributes:
        name: Of the phase.
        phase: Its options.
        timeline: Its steps and learning rates.
        sampler: Its networks.
        optimizer: Of the student.
        average: Running average of the student's network, or the network itself.
        teacher: Asked about every batch, or None.
    """

    name: str
    phase: Phase
    timeline: Timeline
    sampler: Sampler
    optimizer: torch.optim.Optimizer
    average: Trainable
    teacher: Teacher | None
