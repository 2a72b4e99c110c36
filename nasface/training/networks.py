"""What can be trained: an elastic network, or one fixed network such as a teacher."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nasface.errors import InvalidInput
from nasface.netspec import NetSpec
from nasface.spaces import OfaMbv3
from nasface.supernets.elastic import ElasticNetwork, stage_ends
from nasface.supernets.module import SpecModule
from nasface.training.options import Phase, TrainingConfig
from nasface.training.phases import SubnetSampler, subspace, trained_before
from nasface.training.sorting import sort_channels
from nasface.training.validation import validation_list

Genotype = npt.NDArray[np.int8]
THE_ONLY: Genotype = np.zeros(0, np.int8)
"""Stands for the network where there is but one."""


class Sampler(Protocol):
    """Networks for the steps and the validations of a phase."""

    def draw(self, rng: np.random.Generator) -> list[Genotype]:
        """Those of one step."""
        ...

    def judged(self) -> dict[str, Genotype]:
        """Those that the phase is judged by, by name."""
        ...


class StageShape(NamedTuple):
    """Side in pixels and channels of what a stage hands on."""

    side: int
    channels: int


class Trainable(nn.Module, ABC):
    """A network with a classifier that a `Trainer` can train through phases."""

    @property
    @abstractmethod
    def whole(self) -> NetSpec:
        """The network, or the largest of several."""

    @property
    @abstractmethod
    def largest(self) -> Genotype:
        """Its genotype."""

    @property
    def head(self) -> nn.Linear:
        """The classifier."""
        return cast(nn.Linear, self.get_submodule("classifier.linear"))

    @property
    def resolution(self) -> int:
        """Side of the input in pixels."""
        return self.whole.input_shape[0]

    @abstractmethod
    def forward(self, x: Tensor, genotype: Genotype, features: list[Tensor] | None = None) -> Tensor:
        """As `ElasticNetwork.forward`."""

    @abstractmethod
    def sampler(self, phase: Phase) -> Sampler:
        """The networks of a phase."""

    @abstractmethod
    def cut(self, genotype: Genotype) -> SpecModule:
        """A copy of one network as a module of its own, on the CPU."""

    def begin(self, config: TrainingConfig, name: str, phase: Phase) -> None:
        """Change what has to be changed before the first step of the phase `name`."""

    def is_elastic(self, phase: Phase) -> bool:
        """Whether a phase trains more than one network."""
        return False

    def stages(self) -> list[StageShape]:
        """Of what the stages hand on."""
        shapes = {op.name: op.shape for op in self.whole.ops}
        return [StageShape(shapes[name][0], shapes[name][2]) for name in stage_ends(self.whole)]


class TrainableSupernet(ElasticNetwork, Trainable):
    """An elastic network; its parameters and their names are those of `ElasticNetwork`.

    Args:
        space: Its networks.
        classes: Outputs of the classifier.
    """

    def __init__(self, space: OfaMbv3, classes: int) -> None:
        super().__init__(space, classes)

    @property
    def whole(self) -> NetSpec:
        """The largest network."""
        return self.space.build(self.largest)

    def sampler(self, phase: Phase) -> Sampler:
        """Sub-networks as the phase says."""
        return _ElasticSampler(self.space, phase)

    @torch.no_grad()
    def cut(self, genotype: Genotype) -> SpecModule:
        """A copy of one sub-network."""
        module = SpecModule(self.space.build(genotype))
        module.load_state_dict(self.subnet_state(genotype, module.spec))
        return module

    def begin(self, config: TrainingConfig, name: str, phase: Phase) -> None:
        """Sort the channels, if the phase says so."""
        if phase.sort:
            sort_channels(self, trained_before(config, name, self.space))

    @torch.no_grad()
    def begin_as_identity(self) -> None:
        """Set the gain of the last norm of every residual block to 0 (Goyal et al. 2017, section 5.1)."""
        own = self.state_dict(keep_vars=True)
        for layer in self.whole.layers:
            if layer.idskip:
                path = layer.ops[0].name.split(".conv.")[0]
                elastic = f"{path}.conv.point_linear.bn.bn.weight"
                own[elastic if elastic in own else f"{path}.conv.point_linear.bn.weight"].zero_()

    def is_elastic(self, phase: Phase) -> bool:
        """Whether the phase's part of the space has more than one network."""
        return subspace(self.space, phase).size() > 1


class FixedNetwork(Trainable):
    """One network with a classifier, trained like a sub-network.

    Args:
        spec: The network, e.g. `nasface.spaces.references.efficientnet_b0`.
        classes: Outputs of the classifier.
        weights: Of the network, by its own names; None begins with random ones.
    """

    def __init__(self, spec: NetSpec, classes: int, weights: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.body = SpecModule(spec)
        self.classifier = nn.Module()
        self.classifier.add_module("linear", nn.Linear(spec.output_shape[2], classes))
        if weights is not None:
            self.body.load_state_dict(weights)
            return
        for module in self.body.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def whole(self) -> NetSpec:
        """The network."""
        return self.body.spec

    @property
    def largest(self) -> Genotype:
        """Stands for it."""
        return THE_ONLY

    def forward(self, x: Tensor, genotype: Genotype, features: list[Tensor] | None = None) -> Tensor:
        """As `ElasticNetwork.forward`; there is but one network."""
        if features is None:
            return self.body.run(x, self.body.compute)
        ends = stage_ends(self.whole)
        watched = dict.fromkeys(ends, x)
        descriptors = self.body.run(x, self.body.compute, watched)
        features += [watched[name] for name in ends]
        return descriptors

    def sampler(self, phase: Phase) -> Sampler:
        """The network, always; raises `InvalidInput` for a phase that is about several."""
        if given := [name for name, usual in _OF_SEVERAL.items() if getattr(phase, name) != usual]:
            raise InvalidInput(
                f"A phase sets {', '.join(given)}, which is of supernets, and a single network is trained; take a "
                "schedule without it, e.g. training=fine_tune."
            )
        return _TheOnly(self.whole.name)

    @torch.no_grad()
    def cut(self, genotype: Genotype) -> SpecModule:
        """A copy."""
        module = SpecModule(self.whole)
        module.load_state_dict(self.body.state_dict())
        return module


class _ElasticSampler(SubnetSampler):
    def judged(self) -> dict[str, Genotype]:
        return validation_list(self.space, self._phase.validate)


_OF_SEVERAL: Final[dict[str, object]] = {
    **{"subnets": 1, "sandwich": False, "largest": 0.0, "smallest": 0.0},
    **dict.fromkeys(("kernels", "expands", "depths")),
    "sort": False,
}
"""What a phase says of several networks, and what means nothing is said."""


class _TheOnly:
    def __init__(self, name: str) -> None:
        self._name = name

    def draw(self, rng: np.random.Generator) -> list[Genotype]:
        return [THE_ONLY]

    def judged(self) -> dict[str, Genotype]:
        return {self._name: THE_ONLY}
