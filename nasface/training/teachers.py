"""Teachers that are asked about every batch: a frozen network, or a model file. They give logits and features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.errors import DataError, InvalidInput
from nasface.training.losses import ClassificationLoss, full_precision
from nasface.training.networks import Genotype, StageShape, Trainable


@dataclass(frozen=True)
class Taught:
    """What a teacher says about a batch.

    Attributes:
        logits: [b, classes], without a margin.
        features: Outputs of its stages, or nothing.
        descriptors: [b, width], or None where it has none to give.
    """

    logits: Tensor
    features: tuple[Tensor, ...] = ()
    descriptors: Tensor | None = None


class Teacher(Protocol):
    """Answers for a batch, without gradients."""

    def __call__(self, x: Tensor) -> Taught:
        """Args: x: Network input [b, 3, side, side]."""
        ...


class NetworkTeacher:
    """A frozen network of ours.

    As OFA's teacher it uses the batch's own statistics, which suit the augmented photos; its running ones play no role.

    Args:
        network: With a classifier; it is frozen.
        genotype: Which of its networks.
        loss: Whose logits it gives.
        features: Whether the outputs of its stages are asked for.
    """

    def __init__(self, network: Trainable, genotype: Genotype, loss: ClassificationLoss, features: bool) -> None:
        self._network, self._genotype, self._loss, self._features = network.train(), genotype, loss, features
        network.requires_grad_(False)

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Taught:
        """See `Teacher`."""
        features: list[Tensor] | None = [] if self._features else None
        descriptors = self._network(x, self._genotype, features)
        head = self._network.head
        return Taught(self._loss.logits(descriptors, head.weight, head.bias), tuple(features or ()), descriptors)


class FileTeacher:
    """A model file whose outputs are logits of the training people.

    Args:
        embed: From float32[n, side, side, 3] to float32[n, classes].
        side: Of its input in pixels.
        classes: Training people.
        path: For messages.
    """

    def __init__(self, embed: Callable[[np.ndarray], np.ndarray], side: int, classes: int, path: Path) -> None:
        self._embed, self._side = embed, side
        outputs = self._run(torch.zeros(2, 3, side, side)).shape[1]
        if outputs != classes:
            raise DataError(
                f"The teacher {path} has {outputs} outputs, and there are {classes} training people; give a classifier "
                "of these people, or teacher=descriptors for a network of other people."
            )

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Taught:
        """See `Teacher`; inputs of another size are resized."""
        if x.shape[-1] != self._side:
            x = F.interpolate(x, (self._side, self._side), mode="bilinear", align_corners=False)
        return Taught(self._run(x).to(x.device))

    def _run(self, x: Tensor) -> Tensor:
        images = np.ascontiguousarray(x.permute(0, 2, 3, 1).float().cpu().numpy())
        return torch.from_numpy(np.asarray(self._embed(images), np.float32))


def logits_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Cross entropy with the teacher's probabilities, as OFA's with temperature 1; mean over the batch."""
    return -(F.softmax(teacher / temperature, 1) * F.log_softmax(student / temperature, 1)).sum(1).mean()


def descriptors_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - cosine of [b, width] and [b, width], mean over the batch, in float32."""
    with full_precision(student):
        return 1 - F.cosine_similarity(student.float(), teacher.float(), dim=1).mean()


def features_loss(student: list[Tensor], teacher: tuple[Tensor, ...]) -> Tensor:
    """Mean over stages of the squared difference in units of the teacher's mean square."""
    parts = [(own - other).square().mean() / other.square().mean() for own, other in zip(student, teacher, strict=True)]
    return torch.stack(parts).mean()


def matching_stages(student: Sequence[StageShape], teacher: Sequence[StageShape]) -> list[int]:
    """For each of the student's stages, the teacher's stage of that side that it learns from.

    Raises:
        InvalidInput: The teacher has no stage of some side.
    """
    found: list[int] = []
    for at, (side, _) in enumerate(student):
        later = sum(other == side for other, _ in student[at + 1 :])
        fitting = [i for i, (other, _) in enumerate(teacher) if other == side and i not in found]
        if not fitting:
            raise InvalidInput(
                f"The teacher has no stage of {side} pixels for teacher.features; set teacher.features=0."
            )
        found.append(fitting[0] if later else fitting[-1])
    return found
