"""One step: photos, sub-networks, losses, update. What runs a million times stands here, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nasface.supernets.elastic import ElasticNetwork
from nasface.training.distillation import DescriptorTeacher
from nasface.training.losses import ClassificationLoss

Genotype = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Batch:
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
    """What is trained: the elastic network with its head, and the teacher's projection.

    Args:
        network: With a classifier.
        loss: Of the labels.
        teacher: Of descriptors, or None.
        dropout: Share of descriptor numbers dropped before the head.
    """

    def __init__(
        self,
        network: ElasticNetwork,
        loss: ClassificationLoss,
        teacher: DescriptorTeacher | None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.network, self.loss, self.teacher, self.dropout = network, loss, teacher, dropout
        self.head = network.get_submodule("classifier.linear")

    def losses(self, batch: Batch, genotype: Genotype, progress: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Weighted terms of one sub-network by name; their sum is minimised."""
        descriptors = self.network(batch.x, genotype)
        terms = {}
        if self.loss.config.weight:
            logits = self._logits(self._dropped(descriptors, generator))
            terms[self.loss.config.name] = self.loss.config.weight * self.loss(logits, batch.labels, progress)
        if self.teacher is not None:
            terms |= self.teacher.losses(descriptors, batch.rows)
        return terms

    def _logits(self, descriptors: Tensor) -> Tensor:
        weight, bias = self.head.weight, self.head.bias
        return self.loss.logits(descriptors, weight, bias)  # type: ignore[arg-type]

    def _dropped(self, descriptors: Tensor, generator: torch.Generator) -> Tensor:
        if not self.dropout:
            return descriptors
        kept = torch.rand(descriptors.shape, generator=generator).to(descriptors.device) >= self.dropout
        return descriptors * kept / (1 - self.dropout)


def accumulate(
    fabric: Any, student: Student, batch: Batch, genotypes: Sequence[Genotype], progress: float, generator: torch.Generator
) -> dict[str, Tensor]:
    """Add the gradients of all sub-networks; their sum, as in OFA. Returns the mean of every term."""
    sums: dict[str, Tensor] = {}
    for genotype in genotypes:
        with fabric.autocast():
            terms = student.losses(batch, genotype, progress, generator)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        for name, value in terms.items():
            sums[name] = sums.get(name, torch.zeros(())) + value.detach().cpu() / len(genotypes)
    return sums


def average_gradients(fabric: Any, parameters: Sequence[nn.Parameter]) -> None:
    """The mean over processes, which all trained the same sub-networks and so have the same gradients to share."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean")
    for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def build_optimizer(student: Student, name: str, rate: float, momentum: float, decay: float) -> torch.optim.Optimizer:
    """SGD with Nesterov's momentum, or AdamW.

    Weight decay is for convolutions and the head; not for norms and biases, as in OFA, nor for transform matrices,
    which OFA decays towards zero although the identity is where they start.
    """
    decayed, free = [], []
    for parameter_name, parameter in student.named_parameters():
        plain = parameter.ndim > 1 and not parameter_name.endswith("_matrix")
        (decayed if plain else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": decay}, {"params": free, "weight_decay": 0.0}]
    if name == "adamw":
        return torch.optim.AdamW(groups, rate)
    return torch.optim.SGD(groups, rate, momentum=momentum, nesterov=momentum > 0)


@torch.no_grad()
def follow(average: ElasticNetwork, network: ElasticNetwork, decay: float) -> None:
    """Move a running average of the weights towards them; statistics are copied, as calibration replaces them."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
    for own, other in zip(average.buffers(), network.buffers(), strict=True):
        own.copy_(other)


