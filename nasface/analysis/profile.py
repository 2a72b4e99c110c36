"""What is reachable in a space: the range of every cost, and the share of the networks within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost
from nasface.runs import Json
from nasface.spaces import Population, SearchSpace, StageIndices, join_stages
from nasface.strategies import Constraint
from nasface.strategies.constraints import notes

SAMPLES: Final = 100_000
"""Networks that shares and quartiles are taken from, drawn with every gene uniform."""

QUANTILES: Final = {"1 %": 0.01, "25 %": 0.25, "median": 0.5, "75 %": 0.75}


@dataclass(frozen=True)
class CostProfile:
    """One cost over the space.

    Attributes:
        cost: Which.
        values: float64[n], of sampled networks.
        smallest: Genotype of least cost: exact where the cost decomposes over stages, else among the samples.
        largest: Genotype of highest cost, likewise.
        exact: Whether the two are exact.
    """

    cost: Cost
    values: npt.NDArray[np.float64]
    smallest: npt.NDArray[np.int8]
    largest: npt.NDArray[np.int8]
    exact: bool

    @property
    def label(self) -> str:
        """E.g. "latency on sd865, ms (estimated)"."""
        return f"{self.cost.label}, {self.cost.unit}{' (estimated)' if self.cost.estimated else ''}"

    def figures(self) -> dict[str, float]:
        """Minimum, quantiles and maximum by name."""
        low, high = self.cost.predict(np.stack([self.smallest, self.largest])).tolist()
        quantiles = np.quantile(self.values, list(QUANTILES.values())).tolist()
        return {"minimum": low, **dict(zip(QUANTILES, quantiles, strict=True)), "maximum": high}

    def networks(self) -> dict[str, Json]:
        """The two genotypes as dictionaries."""
        space = self.cost.space
        return {"smallest": space.to_dict(self.smallest), "largest": space.to_dict(self.largest)}

    def to_json(self) -> dict[str, Json]:
        """An entry of `costs` of `result.json`."""
        return {**self.figures(), "exact": self.exact, **self.networks()}


@dataclass(frozen=True)
class Share:
    """What a bound leaves of the space.

    Attributes:
        constraint: The bound.
        within: Share of the networks within it.
        without: Share within all others, if this one were not.
    """

    constraint: Constraint
    within: float
    without: float

    def to_json(self) -> dict[str, Json]:
        """An entry of `constraints` of `result.json`."""
        c = self.constraint
        bound: dict[str, Json] = {"constraint": c.label, "bound": c.bound, "unit": c.cost.unit, "basis": c.basis}
        return bound | {"share": self.within, "without it": self.without}


@dataclass(frozen=True)
class SpaceProfile:
    """All of it.

    Attributes:
        space: Which.
        costs: One per cost.
        shares: One per bound.
        within_all: Share of the networks within all bounds; None with fewer than two of them.
        remarks: Sentences for the user.
    """

    space: SearchSpace
    costs: tuple[CostProfile, ...]
    shares: tuple[Share, ...]
    within_all: float | None
    remarks: tuple[str, ...]

    def bound(self, cost: Cost) -> float | None:
        """The bound on a cost, if there is one."""
        return next((s.constraint.bound for s in self.shares if s.constraint.cost.label == cost.label), None)

    def to_json(self) -> dict[str, Json]:
        """`decision` of `result.json`."""
        shares = [share.to_json() for share in self.shares]
        if self.within_all is not None:
            shares.append({"constraint": "all", "share": self.within_all})
        costs = {entry.label: entry.to_json() for entry in self.costs}
        return {"costs": costs, "constraints": shares, "notes": self.remarks, "samples": SAMPLES}


def profile_space(
    space: SearchSpace, costs: Sequence[Cost], constraints: Sequence[Constraint], rng: np.random.Generator
) -> SpaceProfile:
    """Sample the space, and look at every cost and bound.

    Args:
        space: Which.
        costs: What to look at.
        constraints: Bounds.
        rng: Draws the samples.
    """
    population = space.sample(rng, SAMPLES)
    indices = space.stage_indices(population)
    met = [_values(c.cost, population, indices) <= c.bound for c in constraints]
    shares = tuple(Share(c, float(met[i].mean()), _share([*met[:i], *met[i + 1 :]])) for i, c in enumerate(constraints))
    within_all = _share(met) if len(met) > 1 else None
    profiles = tuple(profile_cost(cost, population, indices) for cost in costs)
    return SpaceProfile(space, profiles, shares, within_all, (*notes(constraints), *_binding(shares)))


def profile_cost(cost: Cost, population: Population, indices: StageIndices | None) -> CostProfile:
    """One cost over sampled networks, with its extremes; `indices` are their `stage_indices`."""
    values = _values(cost, population, indices)
    tables, choices = cost.decompose(), cost.space.stage_choices()
    if tables is None or choices is None:
        return CostProfile(cost, values, population[values.argmin()], population[values.argmax()], exact=False)
    smallest, largest = (join_stages(choices, end.choices) for end in (tables.minimum(), tables.maximum()))
    return CostProfile(cost, values, smallest, largest, exact=True)


def share_text(share: float) -> str:
    """A share of the sampled networks in words."""
    return f"{share:.2%} of the networks" if share else f"fewer than 1 in {SAMPLES:,} networks"


def _values(cost: Cost, population: Population, indices: StageIndices | None) -> npt.NDArray[np.float64]:
    """float64[n]; from the stage tables, many times faster, where there are some."""
    tables = cost.decompose()
    return cost.predict(population) if tables is None or indices is None else tables.predict(indices)


def _share(met: Sequence[npt.NDArray[np.bool_]]) -> float:
    """Share of the networks that meet all of some bounds; all of them where there is no bound."""
    return float(np.all(met, axis=0).mean()) if met else 1.0


def _binding(shares: Sequence[Share]) -> list[str]:
    """Which of several bounds costs most of the space: the one without which most networks are left."""
    if len(shares) < 2:
        return []
    binds = max(shares, key=lambda share: share.without)
    left = share_text(binds.without)
    return [f"The bound on {binds.constraint.label} binds most: without it {left} would be left."]
