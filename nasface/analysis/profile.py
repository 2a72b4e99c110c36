"""What is reachable in a space: the range of every cost, and the share of the networks within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost
from nasface.errors import listing
from nasface.runs import Json
from nasface.spaces import Population, SearchSpace
from nasface.strategies import Constraint, Extremes, Progress, extremes, no_progress
from nasface.strategies.constraints import notes

SAMPLES: Final = 100_000
"""Networks that shares and quartiles are taken from, drawn with every gene uniform."""

BUILT_SAMPLES: Final = 10_000
"""The same where every network has to be built, because the space has no stages."""

_STEPS: Final = 20
"""Parts that the samples are looked at in."""

QUANTILES: Final = {"1 %": 0.01, "25 %": 0.25, "median": 0.5, "75 %": 0.75}


@dataclass(frozen=True)
class CostProfile:
    """One cost over the space.

    Attributes:
        cost: Which.
        values: float64[n], of sampled networks.
        ends: The networks of least and of highest cost: exact where the cost decomposes over stages, else found by a
            short search that begins with the samples.
    """

    cost: Cost
    values: npt.NDArray[np.float64]
    ends: Extremes

    @property
    def label(self) -> str:
        """E.g. "latency on sd865, ms (estimated)"."""
        return self.cost.title

    def figures(self) -> dict[str, float]:
        """Minimum, quantiles and maximum by name."""
        low, high = self.cost.predict(np.stack([self.ends.smallest, self.ends.largest])).tolist()
        quantiles = np.quantile(self.values, list(QUANTILES.values())).tolist()
        return {"minimum": low, **dict(zip(QUANTILES, quantiles, strict=True)), "maximum": high}

    def networks(self) -> dict[str, Json]:
        """The two genotypes as dictionaries."""
        space = self.cost.space
        return {"smallest": space.to_dict(self.ends.smallest), "largest": space.to_dict(self.ends.largest)}

    def to_json(self) -> dict[str, Json]:
        """An entry of `costs` of `result.json`."""
        return {**self.figures(), "exact": self.ends.exact, **self.networks()}


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
        samples: Networks that quantiles and shares are taken from.
    """

    space: SearchSpace
    costs: tuple[CostProfile, ...]
    shares: tuple[Share, ...]
    within_all: float | None
    remarks: tuple[str, ...]
    samples: int

    def bound(self, cost: Cost) -> float | None:
        """The bound on a cost, if there is one."""
        return next((s.constraint.bound for s in self.shares if s.constraint.cost.label == cost.label), None)

    def to_json(self) -> dict[str, Json]:
        """`decision` of `result.json`."""
        shares = [share.to_json() for share in self.shares]
        if self.within_all is not None:
            shares.append({"constraint": "all", "share": self.within_all})
        costs = {entry.label: entry.to_json() for entry in self.costs}
        return {"costs": costs, "constraints": shares, "notes": self.remarks, "samples": self.samples}


def profile_space(
    space: SearchSpace,
    costs: Sequence[Cost],
    constraints: Sequence[Constraint],
    rng: np.random.Generator,
    progress: Progress = no_progress,
) -> SpaceProfile:
    """Sample the space, and look at every cost and bound.

    Args:
        space: Which.
        costs: What to look at.
        constraints: Bounds.
        rng: Draws the samples.
        progress: Told how many networks have been looked at.
    """
    population = space.sample(rng, BUILT_SAMPLES if space.stage_choices() is None else SAMPLES)
    values = _sampled(space, [*costs, *(c.cost for c in constraints)], population, progress)
    met = [own <= c.bound for own, c in zip(values[len(costs) :], constraints, strict=True)]
    shares = tuple(Share(c, float(met[i].mean()), _share([*met[:i], *met[i + 1 :]])) for i, c in enumerate(constraints))
    within_all = _share(met) if len(met) > 1 else None
    profiles = tuple(_profiled(cost, population, own) for cost, own in zip(costs, values, strict=False))
    samples = len(population)
    remarks = (*notes(constraints), *_binding(shares, samples), *_searched(profiles))
    return SpaceProfile(space, profiles, shares, within_all, remarks, samples)


def share_text(share: float, samples: int) -> str:
    """A share of the sampled networks in words."""
    return f"{share:.2%} of the networks" if share else f"fewer than 1 in {samples:,} networks"


def _sampled(
    space: SearchSpace, costs: Sequence[Cost], population: Population, progress: Progress
) -> list[npt.NDArray[np.float64]]:
    """Of every cost float64[n]; from the stage tables, many times faster, where there are some."""
    tables = [cost.decompose() for cost in costs]
    found: list[list[npt.NDArray[np.float64]]] = [[] for _ in costs]
    done = 0
    for part in np.array_split(population, _STEPS):
        indices = space.stage_indices(part)
        for own, cost, table in zip(found, costs, tables, strict=True):
            own.append(cost.predict(part) if table is None or indices is None else table.predict(indices))
        done += len(part)
        progress(done, len(population), "sampled networks")
    return [np.concatenate(own) for own in found]


def _profiled(cost: Cost, population: Population, values: npt.NDArray[np.float64]) -> CostProfile:
    return CostProfile(cost, values, extremes(cost, population[[values.argmin(), values.argmax()]]))


def _searched(profiles: Sequence[CostProfile]) -> list[str]:
    """Which extremes are not certain."""
    labels = [entry.cost.label for entry in profiles if not entry.ends.exact]
    return [f"Minimum and maximum of {listing(labels)} are the best that a short search found."] if labels else []


def _share(met: Sequence[npt.NDArray[np.bool_]]) -> float:
    """Share of the networks that meet all of some bounds; all of them where there is no bound."""
    return float(np.all(met, axis=0).mean()) if met else 1.0


def _binding(shares: Sequence[Share], samples: int) -> list[str]:
    """Which of several bounds costs most of the space: the one without which most networks are left."""
    if len(shares) < 2:
        return []
    binds = max(shares, key=lambda share: share.without)
    left = share_text(binds.without, samples)
    return [f"The bound on {binds.constraint.label} binds most: without it {left} would be left."]
