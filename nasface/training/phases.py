"""Which networks phases train: their part of the space, what a step draws from it, the phases' order. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, UnknownName
from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3Config
from nasface.training.options import Phase, TrainingConfig

Genotype = npt.NDArray[np.int8]


def chosen_phases(config: TrainingConfig) -> list[tuple[str, Phase]]:
    """The phases to run, in order.

    Raises:
        UnknownName: One is not in the plan.
        InvalidInput: There are none.
    """
    names = list(config.plan) if config.phases is None else config.phases
    for name in names:
        if name not in config.plan:
            raise UnknownName("phase", name, config.plan)
    if not names or len(set(names)) < len(names):
        raise InvalidInput(f"training.phases is {names}; name each phase once, of {', '.join(config.plan)}.")
    return [(name, config.plan[name]) for name in names]


def trained_before(config: TrainingConfig, name: str, space: OfaMbv3) -> list[int]:
    """Expand ratios that the plan's phase before `name` trained: prefixes of channels that sorting must keep."""
    names = list(config.plan)
    before = names[: names.index(name)]
    chosen = config.plan[before[-1]].expands if before else [space.expands[-1]]
    return list(space.expands if chosen is None else chosen)


def check_subnets(phase: Phase) -> None:
    """Raise `InvalidInput` for too few sub-networks a step."""
    if phase.subnets < 1 or (phase.sandwich and phase.subnets < 3):
        raise InvalidInput(
            f"{phase.subnets} sub-networks a step are too few: give 1 or more, 3 or more with sandwich=true."
        )


class SubnetSampler:
    """Which sub-networks a step trains.

    Args:
        space: The whole space.
        phase: Restricts it and says how many.
    """

    def __init__(self, space: OfaMbv3, phase: Phase) -> None:
        self._phase = phase
        self.space = subspace(space, phase)
        self.largest, self.smallest = self._everywhere(-1), self._everywhere(0)
        check_subnets(phase)

    def draw(self, rng: np.random.Generator) -> list[Genotype]:
        """The sub-networks of one step."""
        fixed = [self.largest, self.smallest] if self._phase.sandwich else []
        return fixed + [self._one(rng) for _ in range(self._phase.subnets - len(fixed))]

    def _one(self, rng: np.random.Generator) -> Genotype:
        chance, drawn = rng.random(), self.space.sample(rng, 1)[0]
        if chance < self._phase.largest:
            return self.largest
        return self.smallest if chance < self._phase.largest + self._phase.smallest else drawn

    def _everywhere(self, at: int) -> Genotype:
        space = self.space
        return space.from_dict({"ks": space.kernels[at], "e": space.expands[at], "d": space.depths[at]})


def subspace(space: OfaMbv3, phase: Phase) -> OfaMbv3:
    """The networks of the space that a phase trains; their genotypes are genotypes of the space.

    Raises:
        InvalidInput: The phase names choices that the space does not have.
    """

    def choices(what: str, wanted: Sequence[int] | None, allowed: Sequence[int]) -> list[int]:
        if wanted is not None and not set(wanted) <= set(allowed):
            raise InvalidInput(f"A phase trains {what} {list(wanted)}, and the space has {list(allowed)}; give some.")
        return list(allowed if wanted is None else wanted)

    return OfaMbv3(
        OfaMbv3Config(
            name=space.name,
            width=space.width,
            resolution=space.resolution,
            kernels=choices("kernels", phase.kernels, space.kernels),
            expands=choices("expands", phase.expands, space.expands),
            depths=choices("depths", phase.depths, space.depths),
            descriptor=space.descriptor,
        )
    )
