"""A task and an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nasface import register
from nasface.analysis import Row
from nasface.errors import InvalidInput
from nasface.experiments import Cell, Experiment, Report
from nasface.jobs import Outcome, Run
from nasface.randomness import Part


@dataclass
class CensusConfig:
    """Parameters of the task.

    Attributes:
        networks: How many random networks to look at.
    """

    name: str = "census"
    networks: int = 1000


@register("task", "census", config=CensusConfig)
def census(config: CensusConfig, *, run: Run) -> Outcome:
    """How many of some random networks are within the bounds."""
    if config.networks < 1:
        raise InvalidInput(f"census.networks is {config.networks}; give 1 or more.")
    space, bounds = run.workbench.space, run.workbench.constraints
    networks = space.sample(run.rng(Part.SEARCH), config.networks)
    within = np.ones(len(networks), bool)
    for constraint in bounds:
        within &= constraint.cost.predict(networks) <= constraint.bound
    run.console.print(f"{int(within.sum())} of {len(networks)} random networks are within the bounds")
    return Outcome({"networks": len(networks), "within": int(within.sum())})


@dataclass
class SharesConfig:
    """Parameters of the experiment.

    Attributes:
        sizes: Numbers of random networks.
    """

    name: str = "shares"
    sizes: tuple[int, ...] = (10, 100)


@dataclass(frozen=True)
class Share(Cell):
    """Of so many random networks."""

    size: int


@register("experiment", "shares", config=SharesConfig)
class Shares(Experiment[Share]):
    """Share of random networks within the bounds, by the number that is drawn."""

    name = "shares"
    cell = Share

    def __init__(self, config: SharesConfig, *, run: Run) -> None:
        self._sizes, self._bench = config.sizes, run.workbench
        self.fingerprint = self._bench.space.fingerprint()

    def cells(self) -> list[Share]:
        """One a size."""
        return [Share(size) for size in self._sizes]

    def measure(self, cell: Share) -> list[Row]:
        """Draw and count."""
        networks = self._bench.space.sample(np.random.default_rng(cell.size), cell.size)
        within = [constraint.cost.predict(networks) <= constraint.bound for constraint in self._bench.constraints]
        return [{"share": float(np.all(within, axis=0).mean()) if within else 1.0}]

    def report(self, rows: Sequence[Row]) -> Report:
        """One line a size."""
        return Report("Shares within the bounds", "\n".join(f"- {row['size']}: {row['share']:.3f}" for row in rows))
