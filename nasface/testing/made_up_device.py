"""A device made of numbers, for tests of what is done with measured times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from nasface.errors import ModelRefused
from nasface.timing.transports import Sample, Transport


class MadeUpDevice(Transport):
    """Gives known times with noise.

    Args:
        time_of: Milliseconds of a model's file.
        rng: Draws the noise.
        noise: Relative standard deviation of a block; single runs have the same again.
        refuse: Names of models that the runtime refuses.

    Attributes:
        calls: Names of the models timed, in order.
    """

    def __init__(
        self,
        time_of: Callable[[Path], float],
        rng: np.random.Generator,
        noise: float = 0.01,
        refuse: tuple[str, ...] = (),
    ) -> None:
        self._time_of, self._rng, self._noise, self._refuse = time_of, rng, noise, refuse
        self._models: dict[str, Path] = {}
        self.calls: list[str] = []

    def describe(self) -> Mapping[str, str]:
        return {"device": "made up", "runtime": "numbers"}

    def send(self, models: Mapping[str, Path]) -> None:
        self._models |= models

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        if model in self._refuse:
            raise ModelRefused(f"made up refuses {model}.")
        self.calls.append(model)
        block = self._time_of(self._models[model]) / threads * np.exp(self._noise * self._rng.standard_normal())
        times = block * np.exp(self._noise * self._rng.standard_normal(runs))
        return Sample(tuple(times.tolist()), runs, notes={"clock_mhz": str(2400 + len(self.calls) % 3)})
