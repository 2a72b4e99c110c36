"""Which sub-networks an accuracy table measures: sequences of distinct networks, each fixed by a seed.

Uniform genes give networks of middling cost only; a search under a tight budget then asks the predictor about networks
unlike any it has seen. So networks can also be spread evenly over the range of a cost, or drawn around a budget. A
longer sequence begins with the shorter one, and takes its sources in turn, so that a table can grow and every prefix is
balanced.

Networks can come in families: relatives share the leader's first stages and are drawn as it was otherwise. What they
share is computed once (`nasface.accuracy.runner`), so a table of families costs much less per network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.accuracy.table import DENSE, STRATIFIED, UNIFORM
from nasface.errors import InvalidInput
from nasface.spaces import SHARED_STAGES, Population, SearchSpace

CostFunction = Callable[[Population], npt.NDArray[np.float64]]
"""Cost of every row, float64[n]."""

Genotype = npt.NDArray[np.int8]

POOL = 4096
CHUNK = 1024
STEPS = 400
MUTATION = 0.1
STRONGEST = 12.0
"""Largest preference for low or high cost, in units of 1 / (standard deviation of the cost among uniform networks)."""

PATIENCE = 4
"""Pools, beyond one for every `YIELD` networks wanted, after which a source is taken to be exhausted."""

YIELD = 64

SAMPLINGS = ("mixed", "uniform", "stratified", "dense")


@dataclass(frozen=True)
class Source:
    """One way to draw networks.

    Attributes:
        origin: How tables name it.
        cost: What it looks at; None for a uniform draw.
        budget: For dense draws: the cost to stay near, in the cost's unit.
        band: For dense draws: largest distance from the budget, relative to it.
    """

    origin: str
    cost: CostFunction | None = None
    budget: float | None = None
    band: float = 0.05

    def pool(self, space: SearchSpace, rng: np.random.Generator) -> Population:
        """Networks to choose from; over the whole range of the cost, if there is one."""
        if self.cost is None:
            return space.sample(rng, CHUNK)
        return np.unique(tilted_pool(space, rng, self.cost, POOL), axis=0)

    def choose(self, pool: Population, rng: np.random.Generator, offset: float = 0.0) -> Iterator[Genotype]:
        """Networks of the pool in the order they are measured in; `offset` in [0, 1) turns an even spread."""
        if self.cost is None:
            yield from pool
        elif self.budget is None:
            yield from evenly(pool, self.cost(pool), offset)
        else:
            near = np.flatnonzero(np.abs(self.cost(pool) / self.budget - 1) <= self.band)
            yield from pool[rng.permutation(near)]


@dataclass(frozen=True)
class Plan:
    """A sequence of networks.

    Attributes:
        sources: Taken in turn, one family each.
        family: Networks in a row that share their first stages; 1 for independent networks.
        stages: How many stages they share.
    """

    sources: Sequence[Source] = field(default_factory=lambda: (Source(UNIFORM),))
    family: int = 1
    stages: int = SHARED_STAGES


def macs_of(space: SearchSpace) -> CostFunction:
    """Multiply-accumulate operations of every row."""
    per_layer = np.array([layer.macs for layer in space.layers()] + [0], np.float64)  # index -1, no layer, finds the 0
    return lambda population: np.asarray(per_layer[space.layer_indices(population)].sum(axis=1))


def mixed(space: SearchSpace, cost: CostFunction | None = None) -> tuple[Source, Source]:
    """Half the networks uniform, half spread over the cost, by default MACs."""
    return Source(UNIFORM), Source(STRATIFIED, cost or macs_of(space))


def dense(costs: Sequence[tuple[CostFunction, float]], band: float = 0.05) -> tuple[Source, ...]:
    """Networks within `band` of each of the budgets, which are pairs of a cost and a value."""
    return tuple(Source(DENSE, cost, budget, band) for cost, budget in costs)


class Drawn(NamedTuple):
    """Networks to measure.

    Attributes:
        population: int8[n, n_genes].
        origins: What each was drawn by.
    """

    population: Population
    origins: list[str]


def candidates(space: SearchSpace, n: int, seed: int, plan: Plan) -> Drawn:
    """The first n networks of the sequence that `seed` and `plan` fix.

    Args:
        space: Any space; families need one with stages.
        n: How many; distinct.
        seed: Of the sequence.
        plan: How they are drawn.

    Raises:
        InvalidInput: The sources have fewer than n networks within reach, or the space has no stages for families.
    """
    shared = _shared_genes(space, plan) if plan.family > 1 else None
    seeds = np.random.SeedSequence(seed).spawn(len(plan.sources))
    sources = [
        (source.origin, _draw(space, source, np.random.default_rng(child), n, plan.family, shared))
        for source, child in zip(plan.sources, seeds, strict=True)
    ]
    rows: dict[bytes, tuple[Genotype, str]] = {}
    while len(rows) < n and sources:
        origin, source = sources[len(rows) // plan.family % len(sources)]
        family = next(source, None)
        if family is None:
            sources.remove((origin, source))
        elif not any(row.tobytes() in rows for row in family):
            rows |= {row.tobytes(): (row, origin) for row in family}
    if len(rows) < n:
        raise InvalidInput(
            f"Only {len(rows)} distinct networks of space {space.name} were found; ask for at most that, or for "
            "another accuracy.sampling."
        )
    found = list(rows.values())[:n]
    return Drawn(np.stack([row for row, _ in found]), [origin for _, origin in found])


def _draw(
    space: SearchSpace,
    source: Source,
    rng: np.random.Generator,
    n: int,
    family: int,
    shared: npt.NDArray[np.bool_] | None,
) -> Iterator[list[Genotype]]:
    """Leaders from one pool after another, with their relatives; at most `CHUNK` leaders a pool."""
    for _ in range(PATIENCE + n // YIELD):
        pool = source.pool(space, rng)
        for leader in islice(source.choose(pool, rng), CHUNK):
            if shared is None:
                yield [leader]
                continue
            hybrids = rng.permutation(np.unique(np.where(shared, leader, pool), axis=0))
            others = hybrids[(hybrids != leader).any(axis=1)]
            relatives = list(islice(source.choose(others, rng, rng.random()), family - 1))
            if len(relatives) == family - 1:
                yield [leader, *relatives]


def _shared_genes(space: SearchSpace, plan: Plan) -> npt.NDArray[np.bool_]:
    """Mask of the genes of the first stages."""
    choices = space.stage_choices()
    if choices is None:
        raise InvalidInput(f"Space {space.name} has no stages that networks could share; set accuracy.family=1.")
    mask: npt.NDArray[np.bool_] = np.any([stage.any(axis=0) for stage in choices[: plan.stages]], axis=0)
    return mask


def evenly(pool: Population, costs: npt.NDArray[np.float64], offset: float = 0.0) -> Iterator[Genotype]:
    """Rows of the pool, each once, whose costs follow the van der Corput sequence, turned, over the pool's range."""
    low, high = costs.min(), costs.max()
    free = np.ones(len(pool), bool)
    for k in range(len(pool)):
        distance = np.where(free, np.abs(costs - (low + (high - low) * ((_van_der_corput(k) + offset) % 1))), np.inf)
        nearest = int(distance.argmin())
        free[nearest] = False
        yield pool[nearest]


def tilted_pool(space: SearchSpace, rng: np.random.Generator, cost: CostFunction, n: int) -> Population:
    """Draw n networks, row i with probability proportional to exp(-t_i cost), t_i falling from positive to negative.

    For its mean cost this is the distribution of largest entropy: networks as random as their cost allows. Each row is
    a Metropolis chain whose proposals are the space's own mutations, so it works for every space and cost.
    """
    population = space.sample(rng, n)
    costs = cost(population)
    tilt = np.linspace(STRONGEST, -STRONGEST, n) / max(float(costs.std()), np.finfo(float).tiny)
    for _ in range(STEPS):
        proposal = space.mutate(rng, population, MUTATION)
        new = cost(proposal)
        accept = np.log(rng.random(n)) < tilt * (costs - new)
        population = np.where(accept[:, None], proposal, population)
        costs = np.where(accept, new, costs)
    return population


def _van_der_corput(k: int) -> float:
    """The k-th number of the base-2 sequence in [0, 1)."""
    digits = f"{k:b}"
    return int(digits[::-1], 2) / float(1 << len(digits))
