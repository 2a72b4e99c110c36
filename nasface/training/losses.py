"""Classification losses. Margins act in training's cross entropy only, never on logits used for anything else.

Sources: ArcFace (Deng et al., CVPR 2019), eq. 3; CosFace (Wang et al., CVPR 2018), eq. 4. As in
pytorch-metric-learning, the gradient goes through the angle, and past pi - m ArcFace
goes on falling as cos t - m sin m.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from nasface.errors import InvalidInput
from nasface.training.objectives import MarginConfig, SoftmaxConfig

_EPS = 1e-7


def full_precision(x: Tensor) -> torch.autocast:
    """A context in which operations on the device of `x` do not take lower precision by themselves."""
    return torch.autocast(x.device.type, enabled=False)


def cosines(descriptors: Tensor, weight: Tensor) -> Tensor:
    """[n, classes]: cosine of every descriptor with every person's row of the head, in -1..1, in float32."""
    with full_precision(descriptors):
        return F.linear(F.normalize(descriptors.float(), dim=1), F.normalize(weight.float(), dim=1)).clamp(-1, 1)


def arcface_margin(cosine: Tensor, margin: float) -> Tensor:
    """cos(t + margin) of cos t; beyond t = pi - margin, cos t - margin sin(margin), so that it falls everywhere."""
    sine = (1 - cosine.square()).clamp_min(_EPS).sqrt()  # its gradient is finite at t = 0, unlike that of arccos
    moved = cosine * math.cos(margin) - sine * math.sin(margin)
    return torch.where(cosine > math.cos(math.pi - margin), moved, cosine - margin * math.sin(margin))


@dataclass(frozen=True)
class SoftmaxLoss:
    """Cross entropy of the linear head's logits."""

    config: SoftmaxConfig

    def logits(self, descriptors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """[n, classes]."""
        with full_precision(descriptors):
            return F.linear(descriptors.float(), weight.float(), bias.float())

    def __call__(self, logits: Tensor, labels: Tensor, progress: float) -> Tensor:
        """Mean over the batch."""
        return F.cross_entropy(logits, labels, label_smoothing=self.config.smoothing)


@dataclass(frozen=True)
class MarginLoss:
    """Cross entropy of scaled cosines with a margin on the true person's."""

    config: MarginConfig

    def logits(self, descriptors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """[n, classes], without the margin: what distillation and validation use; the head's bias plays no role."""
        return self.config.scale * cosines(descriptors, weight)

    def __call__(self, logits: Tensor, labels: Tensor, progress: float) -> Tensor:
        """Mean over the batch; `progress`, 0..1 through the phase, raises the margin."""
        cosine = logits.gather(1, labels[:, None]) / self.config.scale
        harder = self._moved(cosine, self.margin(progress))
        with_margin = logits.scatter(1, labels[:, None], self.config.scale * harder)
        return F.cross_entropy(with_margin, labels, label_smoothing=self.config.smoothing)

    def margin(self, progress: float) -> float:
        """The margin after a fraction of the phase."""
        warmup = self.config.margin_warmup
        return self.config.margin * (min(1.0, progress / warmup) if warmup else 1.0)

    def _moved(self, cosine: Tensor, margin: float) -> Tensor:
        return cosine - margin if self.config.name == "cosface" else arcface_margin(cosine, margin)


class Term(Protocol):
    """What every loss's config has."""

    name: str
    weight: float


class ClassificationLoss(Protocol):
    """A loss of the labels."""

    @property
    def config(self) -> Term:
        """Its parameters."""

    def logits(self, descriptors: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """[n, classes] of descriptors [n, d] and the head's rows: what distillation and validation use."""

    def __call__(self, logits: Tensor, labels: Tensor, progress: float) -> Tensor:
        """Mean over the batch; `progress` is 0..1 through the phase."""


def build_loss(config: SoftmaxConfig | MarginConfig) -> ClassificationLoss:
    """The loss of a config.

    Raises:
        InvalidInput: A number is outside what makes sense.
    """
    if not 0 <= config.smoothing < 1 or config.weight < 0:
        raise InvalidInput(
            f"loss.smoothing is {config.smoothing:g} and loss.weight {config.weight:g}; "
            "give 0 to below 1, and 0 or more."
        )
    if not isinstance(config, MarginConfig):
        return SoftmaxLoss(config)
    if config.scale <= 0 or not 0 <= config.margin < math.pi / 2 or not 0 <= config.margin_warmup <= 1:
        raise InvalidInput(
            f"loss.scale {config.scale:g}, margin {config.margin:g} and margin_warmup {config.margin_warmup:g} must be "
            "above 0, from 0 to below 1.57 and from 0 to 1."
        )
    return MarginLoss(config)
