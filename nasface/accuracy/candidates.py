"""Which sub-networks an accuracy table measures: half drawn uniformly, half spread evenly over a cost.

Uniform genes give networks of middling cost only; a search under a tight budget then asks the predictor about networks
unlike any it has seen. The second half covers the whole range of the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.spaces import Population, SearchSpace

CostFunction = Callable[[Population], npt.NDArray[np.float64]]
"""Cost of every row, float64[n]."""

POOL = 4096
CHUNK = 1024
STEPS = 400
MUTATION = 0.1
STRONGEST = 12.0
"""Largest preference for low or high cost, in units of 1 / (standard deviation of the cost among uniform networks)."""


def macs_of(space: SearchSpace) -> CostFunction:
    """Multiply-accumulate operations of every row."""
    per_layer = np.array([layer.macs for layer in space.layers()] + [0], np.float64)  # index -1, no layer, finds the 0
    return lambda population: np.asarray(per_layer[space.layer_indices(population)].sum(axis=1))


def candidates(space: SearchSpace, n: int, seed: int, cost: CostFunction | None = None) -> tuple[Population, list[str]]:
    """The first n networks of the sequence that `seed` fixes: even rows uniform, odd rows spread over the cost.

    A longer sequence begins with the shorter one, so a table can grow, and every prefix is balanced.

    Args:
        space: Any space.
        n: How many; distinct.
        seed: Of the sequence.
        cost: What the odd rows are spread over; None takes MACs.

    Returns:
        int8[n, n_genes] and the n origins, "uniform" or "stratified".

    Raises:
        InvalidInput: The space has fewer than n networks within reach.
    """
    first, second = np.random.SeedSequence(seed).spawn(2)
    sources = [
        ("uniform", _uniform(space, np.random.default_rng(first), n)),
        ("stratified", _spread(space, np.random.default_rng(second), cost or macs_of(space), n)),
    ]
    rows: dict[bytes, tuple[npt.NDArray[np.int8], str]] = {}
    while len(rows) < n and sources:
        origin, source = sources[len(rows) % len(sources)]
        row = next(source, None)
        if row is None:
            sources.remove((origin, source))
        else:
            rows.setdefault(row.tobytes(), (row, origin))
    if len(rows) < n:
        raise InvalidInput(
            f"Only {len(rows)} distinct networks of space {space.name} were found; ask for at most that."
        )
    found = list(rows.values())
    return np.stack([row for row, _ in found]), [origin for _, origin in found]


def _uniform(space: SearchSpace, rng: np.random.Generator, n: int) -> Iterator[npt.NDArray[np.int8]]:
    for _ in range(4 + n // CHUNK):
        yield from space.sample(rng, CHUNK)


def _spread(space: SearchSpace, rng: np.random.Generator, cost: CostFunction, n: int) -> Iterator[npt.NDArray[np.int8]]:
    """Networks whose costs follow the van der Corput sequence over a pool's range; a new pool every `CHUNK`."""
    for _ in range(4 + n // CHUNK):
        pool = np.unique(tilted_pool(space, rng, cost, POOL), axis=0)
        costs = cost(pool)
        low, high = costs.min(), costs.max()
        free = np.ones(len(pool), bool)
        for k in range(min(CHUNK, len(pool))):
            distance = np.where(free, np.abs(costs - (low + (high - low) * _van_der_corput(k))), np.inf)
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
