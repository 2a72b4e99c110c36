"""What can be trained: an elastic network, or one fixed network such as a teacher."""

from __future__ import annotations

from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nasface.netspec import NetSpec
from nasface.supernets.elastic import ElasticNetwork, stage_ends
from nasface.supernets.module import SpecModule
from nasface.training.options import Phase
from nasface.training.phases import SubnetSampler
from nasface.training.validation import validation_list

Genotype = npt.NDArray[np.int8]
THE_ONLY: Genotype = np.zeros(0, np.int8)
"""Stands for the network where there is but one."""


class FixedNetwork(nn.Module):
    """One network with a classifier, trained like a sub-network.

    Args:
        spec: The network, e.g. `nasface.spaces.references.efficientnet_b0`.
        classes: Outputs of the classifier.
    """

    def __init__(self, spec: NetSpec, classes: int) -> None:
        super().__init__()
        self.body = SpecModule(spec)
        self.classifier = nn.Module()
        self.classifier.add_module("linear", nn.Linear(spec.output_shape[2], classes))
        for module in self.body.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def descriptor(self) -> int:
        """Numbers in the descriptor."""
        return self.body.spec.output_shape[2]

    @property
    def resolution(self) -> int:
        """Side of the input in pixels."""
        return self.body.spec.input_shape[0]

    def forward(self, x: Tensor, genotype: Genotype, features: list[Tensor] | None = None) -> Tensor:
        """As `ElasticNetwork.forward`; there is but one network."""
        ends = stage_ends(self.body.spec)
        watched = None if features is None else dict.fromkeys(ends, x)
        descriptors = self.body.run(x, self.body.compute, watched)
        if features is not None and watched is not None:
            features += [watched[name] for name in ends]
        return descriptors


Network = ElasticNetwork | FixedNetwork


class Sampler(Protocol):
    """Networks for the steps and the validations of a phase."""

    def draw(self, rng: np.random.Generator) -> list[Genotype]:
        """Those of one step."""
        ...

    def judged(self) -> dict[str, Genotype]:
        """Those that the phase is judged by, by name."""
        ...


class _Elastic(SubnetSampler):
    def judged(self) -> dict[str, Genotype]:
        return validation_list(self.space, self._phase.validate)


class _Fixed:
    def __init__(self, name: str) -> None:
        self._name = name

    def draw(self, rng: np.random.Generator) -> list[Genotype]:
        return [THE_ONLY]

    def judged(self) -> dict[str, Genotype]:
        return {self._name: THE_ONLY}


def open_sampler(network: Network, phase: Phase) -> Sampler:
    """The networks of a phase."""
    if isinstance(network, ElasticNetwork):
        return _Elastic(network.space, phase)
    return _Fixed(network.body.spec.name)


@torch.no_grad()
def cut(network: Network, genotype: Genotype) -> SpecModule:
    """A copy of one network as a module of its own, on the CPU."""
    if isinstance(network, FixedNetwork):
        module = SpecModule(network.body.spec)
        module.load_state_dict(network.body.state_dict())
        return module
    module = SpecModule(network.space.build(genotype))
    module.load_state_dict(network.subnet_state(genotype, module.spec))
    return module


def head_of(network: Network) -> nn.Linear:
    """The classifier."""
    return cast(nn.Linear, network.get_submodule("classifier.linear"))


def size_of(network: Network) -> tuple[int, int]:
    """Side of the input in pixels, and numbers in the descriptor."""
    if isinstance(network, FixedNetwork):
        return network.resolution, network.descriptor
    return network.space.resolution, network.space.descriptor
