"""The simplest shared weights, for any space: the largest network's, of which every network takes the first parts.

A network's tensor is that of the same name in the largest one from its first channels on, as many as it needs; networks
of fewer blocks leave the others out. Sources: slimmable networks (Yu et al., ICLR 2019), OFA's elastic width and depth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from nasface.errors import CheckpointError, InvalidInput
from nasface.netspec import Add, Conv, NetSpec
from nasface.spaces import SearchSpace
from nasface.supernets.module import SpecModule
from nasface.training.networks import Genotype, Sampler, StageShape, Trainable
from nasface.training.options import Phase
from nasface.training.phases import check_subnets

_RESTRICTIONS: Final = ("kernels", "expands", "depths", "sort")
"""Of a phase; they are of OFA's spaces."""


class SlicedSupernet(Trainable):
    """All networks of a space as parts of the largest one.

    Args:
        space: Any whose networks are parts of one.
        largest: That one, int8[n_genes].
        smallest: Trained with it in every step of a phase with `sandwich`.
        classes: Outputs of the classifier.
    """

    def __init__(self, space: SearchSpace, largest: Genotype, smallest: Genotype, classes: int) -> None:
        super().__init__()
        self.space, self._ends = space, {"largest": largest, "smallest": smallest}
        self.body = SpecModule(space.build(largest))
        self.classifier = nn.Module()
        self.classifier.add_module("linear", nn.Linear(self.whole.output_shape[2], classes))

    @property
    def whole(self) -> NetSpec:
        """The largest network."""
        return self.body.spec

    @property
    def largest(self) -> Genotype:
        """Its genotype."""
        return self._ends["largest"]

    def forward(self, x: Tensor, genotype: Genotype, features: list[Tensor] | None = None) -> Tensor:
        """Descriptors of one network; gradients and running statistics reach the shared weights."""
        module = SpecModule(self.space.build(genotype)).train(self.training)
        shared = parts(self.body.state_dict(keep_vars=True), module.state_dict())
        found: Tensor = functional_call(module, shared, x)
        return found

    def sampler(self, phase: Phase) -> Sampler:
        """Networks as the phase says."""
        return _Sampler(self.space, phase, self._ends)

    def stages(self) -> list[StageShape]:
        """What stages hand on is not known here."""
        raise InvalidInput(
            f"Features of stages are taught in ofa_mbv3 spaces alone, not in {self.space.name}; set teacher.features "
            "to 0 or choose another teacher."
        )

    @torch.no_grad()
    def cut(self, genotype: Genotype) -> SpecModule:
        """A copy of one network."""
        module = SpecModule(self.space.build(genotype))
        module.load_state_dict(parts(self.body.state_dict(), module.state_dict()))
        return module

    def is_elastic(self, phase: Phase) -> bool:
        """Whether there is more than one network."""
        return self.space.size() > 1

    def load(self, state: Mapping[str, Tensor], source: str) -> None:
        """Take over the largest network's tensors.

        Raises:
            CheckpointError: They are of another network.
        """
        try:
            self.body.load_state_dict({name: value for name, value in state.items() if name in self.body.state_dict()})
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise CheckpointError(
                f"{source} does not fit the largest network of {self.space.name} ({reason})."
            ) from None

    @torch.no_grad()
    def begin_as_identity(self) -> None:
        """Set the gain of the last norm of every residual block to 0 (Goyal et al. 2017, section 5.1)."""
        makers = {op.name: op for op in self.whole.ops}
        for op in self.whole.ops:
            last = makers.get(op.inputs[0]) if isinstance(op, Add) else None
            norm = self.body.norm(last) if isinstance(last, Conv) else None
            if norm is not None:
                norm.weight.zero_()


def parts(largest: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of every tensor of the largest network the first part, in the shape of the one of that name that is wanted."""
    return {name: largest[name][tuple(map(slice, value.shape))] for name, value in wanted.items()}


class _Sampler:
    """Draws the networks of a phase."""

    def __init__(self, space: SearchSpace, phase: Phase, ends: Mapping[str, Genotype]) -> None:
        if given := [name for name in _RESTRICTIONS if getattr(phase, name)]:
            raise InvalidInput(
                f"A phase sets {', '.join(given)}, which ofa_mbv3 spaces have and {space.name} does not; leave it out, "
                "as training=sandwich does."
            )
        check_subnets(phase)
        self._space, self._phase, self._ends = space, phase, dict(ends)

    def draw(self, rng: np.random.Generator) -> list[Genotype]:
        """The networks of one step."""
        fixed = list(self._ends.values()) if self._phase.sandwich else []
        return fixed + [self._one(rng) for _ in range(self._phase.subnets - len(fixed))]

    def judged(self) -> dict[str, Genotype]:
        """The two ends."""
        return self._ends

    def _one(self, rng: np.random.Generator) -> Genotype:
        chance, drawn = rng.random(), self._space.sample(rng, 1)[0]
        if chance < self._phase.largest:
            return self._ends["largest"]
        return self._ends["smallest"] if chance < self._phase.largest + self._phase.smallest else drawn
