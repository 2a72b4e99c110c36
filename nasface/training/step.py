"""One step: losses of the sub-networks, gradients, optimiser. What runs a million times, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from nasface.errors import InvalidInput
from nasface.training.components import ForeignTeacher
from nasface.training.distillation import DescriptorTeacher
from nasface.training.losses import ClassificationLoss
from nasface.training.networks import Genotype, Trainable
from nasface.training.objectives import LargestTeacherConfig, LogitsTeacherConfig, NetworkTeacherConfig
from nasface.training.teachers import (
    Taught,
    Teacher,
    descriptors_loss,
    features_loss,
    logits_loss,
    matching_stages,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

TERMS = ("logits", "features", "descriptors", "span", "similarities")
"""Names of the distillation terms; the label's is the loss's own name."""


class Losses(NamedTuple):
    """Of one sub-network on a batch.

    Attributes:
        terms: Weighted, by name; their sum is minimised.
        taught: What the sub-network could teach smaller ones.
    """

    terms: dict[str, Tensor]
    taught: Taught


@dataclass(frozen=True)
class PhotoBatch:
    """One step's photos on the device.

    Attributes:
        x: Network input [b, 3, side, side].
        labels: [b] person of every photo.
        rows: [b] row of every photo.
    """

    x: Tensor
    labels: Tensor
    rows: Tensor


class Student(nn.Module):
    """What is trained: a network with its head, and what the teacher's answers are compared through.

    Args:
        network: With a classifier.
        loss: Of the labels.
        descriptors: Teacher of descriptors, or None.
        live: Weights for a teacher that is asked about every batch, or None.
        dropout: Share of descriptor numbers dropped before the head.
    """

    def __init__(
        self,
        network: Trainable,
        loss: ClassificationLoss,
        descriptors: DescriptorTeacher | None = None,
        live: NetworkTeacherConfig | LogitsTeacherConfig | ForeignTeacher | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise InvalidInput(f"training.dropout is {dropout:g}; give a share from 0 to below 1.")
        self.network, self.loss, self.live, self.dropout = network, loss, live, dropout
        self.teacher = descriptors
        self.feature_weight = live.features if isinstance(live, NetworkTeacherConfig) else 0.0
        self.descriptor_weight = live.descriptors if isinstance(live, LargestTeacherConfig) else 0.0
        self.adaptors = nn.ModuleList()
        self.stages: list[int] = []

    def adapt(self, teacher: Trainable) -> None:
        """Learn the stages of another network through 1 x 1 convolutions, where channels differ."""
        own, other = self.network.stages(), teacher.stages()
        self.stages = matching_stages(own, other)
        for (_, channels), stage in zip(own, self.stages, strict=True):
            same = channels == other[stage].channels
            self.adaptors.append(nn.Identity() if same else nn.Conv2d(channels, other[stage].channels, 1))

    def losses(
        self, batch: PhotoBatch, genotype: Genotype, progress: float, noise: torch.Generator, taught: Taught | None
    ) -> Losses:
        """The losses of one sub-network on a batch."""
        features: list[Tensor] | None = [] if self.feature_weight else None
        descriptors = self.network(batch.x, genotype, features)
        head, terms = self.network.head, {}
        logits = self.loss.logits(self._dropped(descriptors, noise), head.weight, head.bias)
        if self.loss.config.weight:
            terms[self.loss.config.name] = self.loss.config.weight * self.loss(logits, batch.labels, progress)
        if self.teacher is not None:
            terms |= self.teacher.losses(descriptors, batch.rows)
        if taught is not None and self.live is not None:
            terms |= self._taught(self.live, logits, descriptors, features, taught)
        return Losses(terms, Taught(logits.detach(), tuple(f.detach() for f in features or ()), descriptors.detach()))

    def terms(self) -> list[str]:
        """Names of all terms there can be."""
        own = [self.loss.config.name] if self.loss.config.weight else []
        asked = 0.0 if self.live is None else self.live.weight
        taught = self.teacher is not None
        given = (asked, self.feature_weight, taught or self.descriptor_weight, taught, taught)
        return own + [name for name, value in zip(TERMS, given, strict=True) if value]

    def _taught(
        self,
        live: NetworkTeacherConfig | LogitsTeacherConfig | ForeignTeacher,
        logits: Tensor,
        descriptors: Tensor,
        features: list[Tensor] | None,
        taught: Taught,
    ) -> dict[str, Tensor]:
        """What a teacher that is asked about every batch adds."""
        terms = {}
        if live.weight:
            terms["logits"] = live.weight * logits_loss(logits, taught.logits, live.temperature)
        if features is not None:
            terms["features"] = self.feature_weight * self._features_loss(features, taught)
        if self.descriptor_weight and taught.descriptors is not None:
            terms["descriptors"] = self.descriptor_weight * descriptors_loss(descriptors, taught.descriptors)
        return terms

    def _features_loss(self, features: list[Tensor], taught: Taught) -> Tensor:
        if not self.stages:
            return features_loss(features, taught.features)
        adapted = [adaptor(feature) for adaptor, feature in zip(self.adaptors, features, strict=True)]
        return features_loss(adapted, tuple(taught.features[stage] for stage in self.stages))

    def _dropped(self, descriptors: Tensor, noise: torch.Generator) -> Tensor:
        if not self.dropout:
            return descriptors
        kept = torch.rand(descriptors.shape, generator=noise).to(descriptors.device) >= self.dropout
        return descriptors * kept / (1 - self.dropout)


def accumulate(
    fabric: Fabric,
    student: Student,
    batch: PhotoBatch,
    genotypes: Sequence[Genotype],
    progress: float,
    noise: torch.Generator,
    teacher: Teacher | None,
    in_place: bool,
) -> dict[str, Tensor]:
    """Add the gradients of all sub-networks: their sum, as in OFA. Returns the mean of every term.

    With `in_place` the first sub-network, the largest, teaches the others of the step.
    """
    sums: dict[str, Tensor] = {}
    with fabric.autocast():
        taught = None if teacher is None else teacher(batch.x)
    for genotype in genotypes:
        with fabric.autocast():
            terms, own = student.losses(batch, genotype, progress, noise, taught)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        if in_place and taught is None:
            taught = own
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + value.detach() / len(genotypes)
    return sums


def average_gradients(fabric: Fabric, parameters: Sequence[nn.Parameter]) -> None:
    """The mean over processes; all trained the same sub-networks, so the same parameters have gradients."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = cast(Tensor, fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean"))
    for gradient, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def build_optimizer(student: Student, name: str, rate: float, momentum: float, decay: float) -> torch.optim.Optimizer:
    """SGD with Nesterov's momentum, or AdamW.

    Weight decay is for convolutions and the head; not for norms and biases, as in OFA, nor for transform matrices,
    which OFA decays towards zero although the identity is where they start.
    """
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for parameter_name, parameter in student.named_parameters():
        plain = parameter.ndim > 1 and not parameter_name.endswith("_matrix")
        (decayed if plain else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": decay}, {"params": free, "weight_decay": 0.0}]
    if name == "adamw":
        return torch.optim.AdamW(groups, rate)
    if name == "sgd":
        return torch.optim.SGD(groups, rate, momentum=momentum, nesterov=momentum > 0)
    raise InvalidInput(f"training.optimizer is '{name}'; give sgd or adamw.")


@torch.no_grad()
def follow(average: Trainable, network: Trainable, decay: float) -> None:
    """Move a running average of the weights towards them; statistics are copied, as calibration replaces them."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for own, other in zip(average.buffers(), network.buffers(), strict=True):
        own.copy_(other)
