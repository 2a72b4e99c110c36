"""The kinds `loss` and `teacher`: what their names stand for. Types and defaults lie in `objectives`.

Protocol. A loss is registered as a class or function that is called as `factory(config)` and gives a
`losses.ClassificationLoss`. A teacher of a plug-in is called as `factory(config, classes=..., side=...)`, the number of
training people and the side of the photos in pixels, and gives a `teachers.Teacher`; its config has the fields `weight`
and `temperature` of the term. The teachers of the core stand for themselves: `assembly` knows what each one needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from nasface.registry import register
from nasface.training.objectives import (
    ArcFaceConfig,
    CosFaceConfig,
    DescriptorTeacherConfig,
    EfficientNetTeacherConfig,
    LargestTeacherConfig,
    LogitsTeacherConfig,
    NoTeacherConfig,
    SoftmaxConfig,
)

if TYPE_CHECKING:
    from nasface.training.losses import ClassificationLoss
    from nasface.training.teachers import Teacher

T = TypeVar("T")


@dataclass(frozen=True)
class ForeignTeacher:
    """A teacher of a plug-in, which is asked about every batch; its config has the fields weight and temperature.

    Attributes:
        name: Registered.
        weight: Of the cross entropy with the teacher's probabilities.
        temperature: Both logits are divided by it.
        open: From the number of training people and the side of the photos in pixels to the teacher.
    """

    name: str
    weight: float
    temperature: float
    open: Callable[[int, int], Teacher]


TeacherConfig = (
    NoTeacherConfig
    | DescriptorTeacherConfig
    | LargestTeacherConfig
    | EfficientNetTeacherConfig
    | LogitsTeacherConfig
    | ForeignTeacher
)


@register("loss", "softmax", config=SoftmaxConfig)
def softmax(config: SoftmaxConfig) -> ClassificationLoss:
    """Cross entropy over the training people."""
    from nasface.training.losses import build_loss

    return build_loss(config)


@register("loss", "arcface", config=ArcFaceConfig)
def arcface(config: ArcFaceConfig) -> ClassificationLoss:
    """ArcFace: a margin is added to the angle."""
    from nasface.training.losses import build_loss

    return build_loss(config)


@register("loss", "cosface", config=CosFaceConfig)
def cosface(config: CosFaceConfig) -> ClassificationLoss:
    """CosFace: a margin is subtracted from the cosine."""
    from nasface.training.losses import build_loss

    return build_loss(config)


def _itself(config: type[T]) -> Callable[[T], T]:
    def give(config: T) -> T:
        return config

    give.__doc__ = config.__doc__
    return give


for _name, _config in {
    "none": NoTeacherConfig,
    "descriptors": DescriptorTeacherConfig,
    "largest": LargestTeacherConfig,
    "efficientnet_b0": EfficientNetTeacherConfig,
    "logits": LogitsTeacherConfig,
}.items():
    register("teacher", _name, config=_config)(_itself(_config))
