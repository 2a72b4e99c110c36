"""What an analysis of a search starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nasface.accuracy.table import AccuracyTable
from nasface.composition import DeviceCosts, extreme_genotypes
from nasface.costs import Cost
from nasface.errors import NasfaceError
from nasface.predictors import QualityReport, Ranker, Targets
from nasface.spaces import SearchSpace
from nasface.spaces.published import published_genotypes, published_subnets
from nasface.strategies import Constraint, SearchResult

FOUND = "found"
REFERENCE = "efficientnet_b0"

Networks = dict[str, npt.NDArray[np.int8]]
"""Genotypes int8[n_genes] by name."""


@dataclass(frozen=True)
class SearchFacts:
    """What was searched, by whose opinion, and what came of it.

    Attributes:
        supernet: Its name, for people.
        space: At the supernet's resolution.
        devices: Their latency models; the first one is what pictures are drawn by.
        constraints: What the search had to meet.
        notes: Sentences for the user.
        table: What the predictor learned from.
        targets: float64[n], what the ranker learned from the table's rows, higher being better.
        metric: Its name.
        ranker: The opinion that was searched by.
        quality: How good that opinion is.
        result: Of the strategy.
        predictor: Name of the ranker's predictor.
    """

    supernet: str
    space: SearchSpace
    devices: tuple[DeviceCosts, ...]
    constraints: tuple[Constraint, ...]
    notes: tuple[str, ...]
    table: AccuracyTable
    targets: Targets
    metric: str
    ranker: Ranker
    quality: QualityReport
    result: SearchResult
    predictor: str

    def bound(self, cost: Cost) -> float | None:
        """The bound on a cost, in its unit; None where there is none."""
        return next((constraint.bound for constraint in self.constraints if constraint.cost is cost), None)

    @cached_property
    def networks(self) -> Networks:
        """The networks that are compared, by name: found, smallest, largest, published."""
        return {FOUND: self.result.best} | extreme_genotypes(self.space) | _published(self.space)


def reference_cost(cost: Cost) -> float | None:
    """What EfficientNet-B0 costs at the space's resolution, in the cost's unit; None where nobody knows it."""
    try:
        return cost.reference(REFERENCE).value
    except NasfaceError:  # it has no such network, or not at this resolution
        return None


def _published(space: SearchSpace) -> Networks:
    """The published face networks, with published times, that exist in this space."""
    timed = {net.name for net in published_subnets() if net.measured_tflite_cpu_ms is not None}
    return {name: genotype for name, genotype in published_genotypes(space).items() if name in timed}
