"""A loss and a teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nasface import register

if TYPE_CHECKING:
    from nasface.training.teachers import Teacher
    from torch import Tensor


@dataclass
class NormFaceConfig:
    """Parameters of the loss.

    Attributes:
        weight: Of this term in the sum.
        scale: Factor of the cosines.
    """

    name: str = "normface"
    weight: float = 1.0
    scale: float = 16.0


@register("loss", "normface", config=NormFaceConfig)
class NormFace:
    """Cross entropy of scaled cosines without a margin (Wang et al., NormFace, 2017)."""

    def __init__(self, config: NormFaceConfig) -> None:
        self.config = config

    def logits(self, descriptors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """[n, classes]."""
        from torch.nn import functional

        return self.config.scale * functional.linear(
            functional.normalize(descriptors, dim=1), functional.normalize(weight, dim=1)
        )

    def __call__(self, logits: Tensor, labels: Tensor, progress: float) -> Tensor:
        """Mean over the batch."""
        from torch.nn import functional

        return functional.cross_entropy(logits, labels)


@dataclass
class UniformConfig:
    """Parameters of the teacher.

    Attributes:
        weight: Of the cross entropy with the teacher's probabilities.
        temperature: Both logits are divided by it.
    """

    name: str = "uniform"
    weight: float = 0.1
    temperature: float = 1.0


@register("teacher", "uniform", config=UniformConfig)
def uniform(config: UniformConfig, *, classes: int, side: int) -> Teacher:
    """Says that everybody is equally likely: a penalty on too sure students (Pereyra et al., 2017)."""
    import torch
    from nasface.training.teachers import Taught

    def teach(x: Tensor) -> Taught:
        return Taught(torch.zeros(len(x), classes, device=x.device))

    return teach
