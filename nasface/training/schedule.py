"""What happens at which step: learning rate, resolution, photos. No torch.

Everything is a function of the seed and the step, so that a resumed run needs no generator's state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from nasface.errors import DataError, InvalidInput
from nasface.training.options import Phase

Rows = npt.NDArray[np.int64]

ORDER, SUBNETS, AUGMENTATION, CALIBRATION, INITIAL = range(5)
"""Streams of random numbers: `generator(seed, stream, ...)`."""

GROWTH = 16
"""Pixels by which the resolution grows."""


def generator(seed: int, *key: int) -> np.random.Generator:
    """The generator of one use, e.g. of the sub-networks of one step."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@dataclass(frozen=True)
class Timeline:
    """Lengths of one phase in steps, and its learning rate at every step.

    Attributes:
        steps: All steps of the phase.
        warmup: Steps of the warm-up, the first ones.
        learning_rate: After the warm-up.
        start: At its start.
    """

    steps: int
    warmup: int
    learning_rate: float
    start: float

    @classmethod
    def of(cls, phase: Phase, per_epoch: int, scale: float, processes: int = 1) -> Timeline:
        """Of a phase with `per_epoch` steps an epoch; as in OFA the rate grows with the number of processes."""
        warmup = round(phase.warmup_epochs * scale * per_epoch)
        steps = warmup + round((phase.epochs or 0) * scale * per_epoch) if phase.steps is None else phase.steps
        if steps < 1:
            raise InvalidInput(
                f"A phase of {steps} steps trains nothing; give training.plan.PHASE.epochs or .steps above 0."
            )
        return cls(steps, min(warmup, steps - 1), phase.learning_rate * processes, phase.warmup_learning_rate)

    def rate(self, step: int) -> float:
        """Linear up to the end of the warm-up, then half a cosine to 0."""
        if step < self.warmup:
            return self.start + (step + 1) / self.warmup * (self.learning_rate - self.start)
        return 0.5 * self.learning_rate * (1 + math.cos(math.pi * (step - self.warmup) / (self.steps - self.warmup)))


def resolution_at(progress: float, first: int | None, growth: float, final: int) -> int:
    """Side of the input after a fraction `progress` of the phase: equal shares of `growth` for all smaller sizes.

    Raises:
        InvalidInput: `first` is not a side from 32 to `final`.
    """
    if first is not None and not 32 <= first <= final:
        raise InvalidInput(
            f"training.first_resolution is {first}; give pixels from 32 to the space's {final}, or null."
        )
    smaller = [] if first is None else list(range(first, final, GROWTH))
    if not smaller or progress >= growth:
        return final
    return smaller[int(progress / growth * len(smaller))]


class Order:
    """Which photos a step sees.

    Args:
        labels: Person of every photo.
        batch: Photos of a step over all processes.
        seed: Of the order.
        sampling: "uniform" or "pairs", see `TrainingConfig.sampling`.

    Raises:
        DataError: Too few photos for a batch, or too few people with two photos.
    """

    def __init__(self, labels: Rows, batch: int, seed: int, sampling: str = "uniform") -> None:
        self._labels, self.batch, self._seed = labels, batch, seed
        if not 2 <= batch <= len(labels):
            raise DataError(
                f"A batch of {batch} does not fit {len(labels)} training photos; give training.batch from 2 to them."
            )
        if sampling not in ("uniform", "pairs"):
            raise InvalidInput(f"training.sampling is '{sampling}'; give uniform or pairs.")
        self._pairs = sampling == "pairs"
        if self._pairs:
            self._check_pairs()
        self.per_epoch = len(labels) // batch
        self._epoch = lru_cache(2)(self._epoch_rows)

    def rows(self, step: int) -> Rows:
        """int64[batch] rows of the photos of a step."""
        epoch, at = divmod(step, self.per_epoch)
        return self._epoch(epoch)[at * self.batch : (at + 1) * self.batch]

    def _epoch_rows(self, epoch: int) -> Rows:
        rng = generator(self._seed, ORDER, epoch)
        if not self._pairs:
            return rng.permutation(len(self._labels))
        rows = [self._draw_pairs(rng) for _ in range(self.per_epoch)]
        return np.concatenate(rows)

    def _draw_pairs(self, rng: np.random.Generator) -> Rows:
        people = rng.choice(len(self._several), self.batch // 2, replace=False)
        return np.concatenate([rng.choice(self._several[person], 2, replace=False) for person in people])

    @cached_property
    def _several(self) -> list[Rows]:
        """Rows of every person with at least two photos."""
        order = np.argsort(self._labels, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(self._labels[order])) + 1)
        return [group for group in groups if len(group) > 1]

    def _check_pairs(self) -> None:
        if self.batch % 2 or len(self._several) < self.batch // 2:
            raise DataError(
                f"training.sampling=pairs takes two photos of each of {self.batch // 2} people, and only "
                f"{len(self._several)} of {len(np.unique(self._labels))} people have two; "
                "give an even, smaller training.batch, more photos, or training.sampling=uniform."
            )
