"""Feasible networks to start from, however tight the bounds are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import StageTables, significant
from nasface.errors import InfeasibleConstraint
from nasface.spaces import Population, distinct_rows, join_stages
from nasface.strategies._base import Constraint, Region
from nasface.strategies._tilted import TiltedSampler

_BATCH: Final = 1024
_ACCEPTANCE: Final = 0.02
_STALE: Final = 15
_DESCENT_ROUNDS: Final = 300
_ELITE: Final = 32


def feasible_start(region: Region, rng: np.random.Generator, n: int) -> Population:
    """Draw n distinct feasible networks; fewer only where (nearly) all that exist are found.

    Uniform sampling with rejection where at least 2 % of the space is feasible. Else, where costs decompose over
    stages, draws near the bound from tilted distributions (exact, so any bound that one network meets is enough). Else
    mutations that come ever closer to the bounds. What is still missing is filled up by feasible mutations. All steps
    are bounded.

    Returns:
        int8[m, n_genes], 1 <= m <= n.

    Raises:
        InfeasibleConstraint: No network meets a constraint (exact where the cost decomposes), or none was found.
    """
    found, seen = _reject(region, rng, n)
    if len(found) < n and region.constraints:
        tilted = _from_tables(region, rng, n)
        seen = np.concatenate([seen, tilted])
        found = distinct_rows(np.concatenate([found, tilted[region.feasible(tilted)]]))[:n]
        if not len(found):
            found = _descend(region, rng, seen)[:n]
    return _fill(region, rng, found, n)


def _reject(region: Region, rng: np.random.Generator, n: int) -> tuple[Population, Population]:
    """Feasible rows among uniform samples, at most n; and the last batch of samples, feasible or not."""
    found = np.empty((0, region.space.n_genes), np.int8)
    batch = max(_BATCH, n)
    for _ in range(math.ceil(1 / _ACCEPTANCE)):
        seen = region.space.sample(rng, batch)
        ok = region.feasible(seen)
        before = len(found)
        found = distinct_rows(np.concatenate([found, seen[ok]]))[:n]
        if len(found) == n or ok.mean() < _ACCEPTANCE or len(found) == before:
            break
    return found, seen


def _from_tables(region: Region, rng: np.random.Generator, n: int) -> Population:
    """Rows that meet, or nearly meet, the constraints whose costs decompose; none without such costs."""
    choices = region.space.stage_choices()
    known = [
        (constraint, tables) for constraint in region.constraints if (tables := constraint.cost.decompose()) is not None
    ]
    if choices is None or not known:
        return np.empty((0, region.space.n_genes), np.int8)
    cheapest = [_cheapest(choices, constraint, tables) for constraint, tables in known]
    sampler = TiltedSampler(choices, [tables for _, tables in known], [constraint.bound for constraint, _ in known])
    drawn = np.stack(cheapest)
    for rows in sampler.rounds(rng, 4 * n):
        drawn = distinct_rows(np.concatenate([drawn, rows]))
        if region.feasible(drawn).sum() >= n:
            break
    return drawn


def _cheapest(choices: Sequence[Population], constraint: Constraint, tables: StageTables) -> npt.NDArray[np.int8]:
    """The network of least cost.

    Raises:
        InfeasibleConstraint: It breaks the bound.
    """
    indices = tables.minimum().choices
    row = join_stages(choices, indices)
    reached = float(constraint.cost.predict(row[None])[0])
    if reached > constraint.bound:
        raise _infeasible(constraint, reached, "The smallest")
    return row


def _descend(region: Region, rng: np.random.Generator, start: Population) -> Population:
    """Feasible rows, by mutating the rows that break the constraints least.

    Raises:
        InfeasibleConstraint: None was found.
    """
    elite, last, stale = start, np.inf, 0
    for _ in range(_DESCENT_ROUNDS):
        violation = _violation(region, elite)
        order = np.argsort(violation, kind="stable")[:_ELITE]
        elite, least = elite[order], violation[order[0]]
        if least <= 0:
            return elite[region.feasible(elite)]
        stale = stale + 1 if least >= last else 0
        if stale >= _STALE:
            break
        last = min(last, least)
        children = region.space.mutate(rng, np.repeat(elite, 8, axis=0), 0.1)
        elite = distinct_rows(np.concatenate([elite, children]))
    raise _not_found(region, elite)


def _violation(region: Region, population: Population) -> npt.NDArray[np.float64]:
    """By how much the worst constraint is broken, as a share of its bound, float64[n]; at most 0 where feasible."""
    broken = [(c.cost.predict(population) - c.bound) / (abs(c.bound) or 1.0) for c in region.constraints]
    return np.asarray(np.max(broken, axis=0))


def _fill(region: Region, rng: np.random.Generator, found: Population, n: int) -> Population:
    """Add feasible mutants until there are n rows, or until rounds on end bring nothing new."""
    stale = 0
    while len(found) < n and stale < _STALE:  # every round adds a row or is stale
        mothers = found[rng.integers(len(found), size=max(n, 64))]
        children = region.space.mutate(rng, mothers, float(rng.choice([0.05, 0.1, 0.2, 0.5])))
        grown = distinct_rows(np.concatenate([found, children[region.feasible(children)]]))[:n]
        stale = stale + 1 if len(grown) == len(found) else 0
        found = grown
    return found


def _not_found(region: Region, elite: Population) -> InfeasibleConstraint:
    """The error for constraints that no network was found to meet; `elite` is sorted by violation."""
    constraints = region.constraints
    values = [constraint.cost.predict(elite) for constraint in constraints]
    if len(constraints) == 1:
        return _infeasible(constraints[0], float(values[0].min()), "The smallest found")
    worst = max(
        range(len(constraints)),
        key=lambda i: (values[i][0] - constraints[i].bound) / (abs(constraints[i].bound) or 1.0),
    )
    asked = " and ".join(f"{c.label} <= {c.cost.text(c.bound)}" for c in constraints)
    given = ", ".join(c.cost.text(v[0]) for c, v in zip(constraints, values, strict=True))
    message = f"No network of {region.space.name} was found with {asked}; the closest has {given}: relax a bound."
    return InfeasibleConstraint(
        message, metric=constraints[worst].cost.name, bound=constraints[worst].bound, reachable=None
    )


def _infeasible(constraint: Constraint, reached: float, which: str) -> InfeasibleConstraint:
    cost = constraint.cost
    message = (
        f"{which} {constraint.label} of any network of {cost.space.name} is {cost.text(rounded_up(reached))}; "
        f"at most {cost.text(constraint.bound)} was asked for: give {rounded_up(reached)} or more."
    )
    return InfeasibleConstraint(message, metric=cost.name, bound=constraint.bound, reachable=reached)


def rounded_up(value: float) -> str:
    """Four significant digits, rounded up, so that giving the printed value works."""
    if value == 0:
        return "0"
    digits = 3 - math.floor(math.log10(abs(value)))
    return significant(math.ceil(value * 10.0**digits) / 10.0**digits)
