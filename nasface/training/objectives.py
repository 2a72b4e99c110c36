"""Types, meaning and defaults of the groups `loss` and `teacher`, whose options are `conf/loss` and `conf/teacher`."""

from __future__ import annotations

from dataclasses import dataclass, field

from nasface.configs import existing
from nasface.training.options import Phase


@dataclass
class SoftmaxConfig:
    """Cross entropy over the training people.

    Attributes:
        weight: Of this term in the sum.
        smoothing: Of the labels; 0 is plain.
    """

    name: str = "softmax"
    weight: float = 1.0
    smoothing: float = 0.1


@dataclass
class MarginConfig:
    """Cross entropy over scaled cosines, the true person's being made harder by a margin.

    The margin acts in this term only: distillation and validation see cosines without it.

    Attributes:
        name: "arcface" or "cosface".
        margin: Radians added to the angle (arcface), or subtracted from the cosine (cosface).
        weight: Of this term in the sum.
        smoothing: Of the labels. With a large scale it fights the margin: 64 with 0.1 never comes near zero.
        scale: Factor of the cosines.
        margin_warmup: Fraction of a phase in which the margin rises linearly from 0.
    """

    name: str
    margin: float
    weight: float = 1.0
    smoothing: float = 0.0
    scale: float = 64.0
    margin_warmup: float = 0.0


@dataclass
class ArcFaceConfig(MarginConfig):
    """Parameters of `arcface`, see `MarginConfig`."""

    name: str = "arcface"
    margin: float = 0.5


@dataclass
class CosFaceConfig(MarginConfig):
    """Parameters of `cosface`, see `MarginConfig`."""

    name: str = "cosface"
    margin: float = 0.35


@dataclass
class NoTeacherConfig:
    """Labels alone."""

    name: str = "none"


@dataclass
class DescriptorTeacherConfig:
    """Descriptors of the training photos that another network computed.

    Attributes:
        file: Array `.npy` [n, d], one row a photo; or a model (`.tflite`, `.onnx`, TorchScript `.pt`) that is run over
            the training photos once.
        names: Text file with the photo's name "person/file" of every row; needed for an array.
        sha256: Of the array; None does not check it.
        descriptors: Weight of 1 - cosine between a projection of the descriptor and the teacher's.
        projection: "fixed" (a random orthonormal layer: with `span`, the descriptor's own cosines are the teacher's
            when the terms are 0), which learns sooner from scratch; or "learned" (a linear layer), for `training.init`.
        span: Weight of the descriptor's part outside a fixed projection: 1 - the length inside.
        similarities: Weight of the squared difference between the cosines of photos of a batch and the teacher's.
    """

    name: str = "descriptors"
    file: str = field(default="", metadata=existing())
    names: str | None = field(default=None, metadata=existing())
    sha256: str | None = None
    descriptors: float = 4.0
    projection: str = "fixed"
    span: float = 0.5
    similarities: float = 2.0


@dataclass
class NetworkTeacherConfig:
    """A frozen network that is asked about every batch.

    Attributes:
        name: "largest" or "efficientnet_b0".
        weight: Of the cross entropy with the teacher's probabilities; 0 asks for none.
        temperature: Both logits are divided by it.
        features: Weight of the squared difference between the outputs of the five stages, each in units of the
            teacher's own mean square; 0 for none.
    """

    name: str
    weight: float = 1.0
    temperature: float = 1.0
    features: float = 0.0


@dataclass
class LargestTeacherConfig(NetworkTeacherConfig):
    """The largest network of the supernet itself.

    As in OFA it is frozen as the phase `full` (or `init`) left it; in a phase with `sandwich` it is the largest network
    of the same step. A single network (`task=train_network`) learns from that of the supernet it was cut from.

    Attributes:
        descriptors: Weight of 1 - cosine between the descriptors of the same photo; 0 for none.
    """

    name: str = "largest"
    descriptors: float = 0.0


@dataclass
class EfficientNetTeacherConfig(NetworkTeacherConfig):
    """EfficientNet-B0 (the paper's teacher), trained first, by the same command, on the same photos and loss.

    Attributes:
        optimizer: That trains it, see `TrainingConfig.optimizer`.
        plan: Its one phase, "teacher"; everything else is as in `training`.
    """

    name: str = "efficientnet_b0"
    optimizer: str = "adamw"
    plan: dict[str, Phase] = field(default_factory=dict)


@dataclass
class LogitsTeacherConfig:
    """Any classifier of the training people as a file, run on every batch.

    Attributes:
        file: TorchScript `.pt`, `.onnx` or `.tflite`, from normalised photos to one logit a training person, people in
            the order of their names.
        resolution: Side of its input, for files that do not say it; None takes the space's.
        weight: Of the cross entropy with the teacher's probabilities.
        temperature: Both logits are divided by it.
    """

    name: str = "logits"
    file: str = field(default="", metadata=existing())
    resolution: int | None = None
    weight: float = 1.0
    temperature: float = 1.0
