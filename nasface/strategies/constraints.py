"""Bounds as users write them become constraints; what cannot be met is refused at once, what does not bind is said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np

from nasface.costs import LATENCY, Cost, StageTables
from nasface.errors import InfeasibleConstraint, InvalidInput, UnknownName
from nasface.settings import Bound
from nasface.strategies._base import ROUNDING, Constraint
from nasface.strategies.feasible import rounded_up
from nasface.strategies.knapsack import merge_fronts

REFERENCE: Final = "efficientnet_b0"
_NAMES: Final = {"efficientnet_b0": "EfficientNet-B0"}
_SMALLEST: Final = {LATENCY: "fastest"}


def build_constraints(
    bounds: Mapping[str, Bound], costs: Sequence[Cost], default_ratios: Mapping[str, float | None] | None = None
) -> list[Constraint]:
    """One constraint per cost whose name is bounded, in the order of `costs`; several latencies get one each.

    Args:
        bounds: By cost name, as in `constraints.NAME.{max|ratio}`; one with a `confidence` gets a margin.
        costs: What can be bounded; several may share a name (one latency per device).
        default_ratios: Ratio by cost name, used where neither max nor ratio is given.

    Raises:
        InvalidInput: Both max and ratio, or a number that is not positive, or no reference for a ratio.
        UnknownName: A bound on a cost that is not there.
    """
    names = {cost.name for cost in costs}
    for name, bound in bounds.items():
        if bound.given and name not in names:
            raise UnknownName("constraint", name, names)
    constraints = []
    for cost in costs:
        bound = bounds.get(cost.name) or Bound()
        if not bound.given:
            bound = replace(bound, ratio=(default_ratios or {}).get(cost.name))
        if bound.given:
            found = _constraint(cost, bound.max, bound.ratio)
            constraints.append(found if bound.confidence is None else with_margin(found, bound.confidence))
        elif bound.confidence is not None:
            raise InvalidInput(
                f"constraints.{cost.name}.confidence is {bound.confidence:g}, but there is no bound; give max or "
                "ratio, too."
            )
    return constraints


def with_margin(constraint: Constraint, confidence: float) -> Constraint:
    """The constraint on predictions under which measured values stay within the bound with this chance.

    Raises:
        InvalidInput, LookupTableError: The cost's margin is not known, see `Cost.margin`.
    """
    margin = constraint.cost.margin(confidence)
    asked = constraint.basis or constraint.cost.text(constraint.bound)
    basis = f"{asked} with a margin of {margin:.1%} for {confidence:g} confidence"
    return replace(constraint, bound=constraint.bound / (1.0 + margin), basis=basis, margin=margin)


def check_reachable(constraints: Sequence[Constraint]) -> None:
    """Refuse bounds below the exact minimum of their cost, and two that contradict each other.

    Costs that do not decompose are not judged.

    Raises:
        InfeasibleConstraint: With the minimum and what to ask for instead.
    """
    known = [(constraint, tables) for constraint in constraints if (tables := constraint.cost.decompose()) is not None]
    for constraint, tables in known:
        lowest = tables.minimum().value
        if constraint.bound < lowest * (1.0 - ROUNDING):
            raise InfeasibleConstraint(
                _refusal(constraint, lowest), metric=constraint.cost.name, bound=constraint.bound, reachable=lowest
            )
    for first, second in combinations(known, 2):
        of, given = (second, first) if first[1].combine == "max" else (first, second)
        if of[1].combine == "max":
            continue  # what one maximum forbids in a stage, another one does not need
        lowest = least_within(of[1], given[1], given[0].bound * (1.0 + ROUNDING))
        if of[0].bound < lowest * (1.0 - ROUNDING):
            message = _contradiction(of[0], given[0], lowest)
            raise InfeasibleConstraint(message, metric=of[0].cost.name, bound=of[0].bound, reachable=lowest)


def notes(constraints: Sequence[Constraint]) -> list[str]:
    """One sentence for every constraint that does not bind, because even the costliest network meets it."""
    found = []
    for constraint in constraints:
        tables = constraint.cost.decompose()
        if tables is None:
            continue
        highest = tables.maximum().value
        if constraint.bound >= highest * (1.0 - ROUNDING):
            bound, top = (constraint.cost.text(value) for value in (constraint.bound, highest))
            found.append(
                f"The bound on {constraint.label} ({bound}) does not bind: no network of the space needs more than "
                f"{top}."
            )
    return found


def _constraint(cost: Cost, top: float | None, ratio: float | None) -> Constraint:
    key = f"constraints.{cost.name}"
    if top is not None and ratio is not None:
        raise InvalidInput(f"{key} has both max={top:g} and ratio={ratio:g}; give one of the two.")
    word, number = ("max", top) if top is not None else ("ratio", ratio)
    if number is None or not (math.isfinite(number) and number > 0):
        raise InvalidInput(f"{key}.{word} is {number}; give a positive number.")
    if word == "max":
        return Constraint(cost, float(number), cost.label)
    reference = cost.reference(REFERENCE)
    nature = ", estimated" if reference.estimated else ""
    basis = f"{number:g} x {_NAMES[REFERENCE]} ({cost.text(reference.value)}{nature})"
    return Constraint(cost, number * reference.value, cost.label, basis)


def least_within(of: StageTables, given: StageTables, bound: float) -> float:
    """Exact minimum of a sum over the networks within a bound that some network meets."""
    if given.combine == "max":
        allowed = [np.where(table <= bound, own, np.inf) for table, own in zip(given.tables, of.tables, strict=True)]
        return of.constant + float(sum(table.min() for table in allowed))
    saved = StageTables(-of.constant, tuple(-table for table in of.tables))
    return -float(merge_fronts(saved, given).best_within(np.array([bound]))[0])


def _contradiction(of: Constraint, given: Constraint, lowest: float) -> str:
    asked, least = of.cost.text(of.bound), of.cost.text(rounded_up(lowest))
    within = f"{given.label} of at most {given.cost.text(given.bound)}"
    return (
        f"Two bounds contradict each other: with {within}, the least {of.label} is {least}, and at most {asked} was "
        f"asked for; relax constraints.{of.cost.name} or constraints.{given.cost.name}."
    )


def _refusal(constraint: Constraint, lowest: float) -> str:
    cost = constraint.cost
    place = f"{f' {cost.place}' if cost.place else ''} at {cost.space.resolution}"
    asked = cost.text(constraint.bound) + (f" = {constraint.basis}" if constraint.basis else "")
    nature = " (estimated)" if cost.estimated else ""
    kind = _SMALLEST.get(cost.name, "smallest")
    of_what = "" if cost.name == LATENCY else f" {cost.quantity or cost.name}"
    least = rounded_up(lowest * (1.0 + constraint.margin))
    return (
        f"The {kind} sub-network{place} needs {cost.text(rounded_up(lowest))}{of_what}{nature}; you asked for {asked}; "
        f"set constraints.{cost.name}.max={least} or more, or choose a smaller space.resolution."
    )
