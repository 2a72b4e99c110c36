"""Which networks an accuracy table is to hold, from its options."""

from __future__ import annotations

from collections.abc import Sequence

from nasface.accuracy.candidates import SAMPLINGS, CostFunction, Plan, Source, dense, mixed
from nasface.accuracy.table import UNIFORM
from nasface.errors import InvalidInput, UnknownName
from nasface.settings import Accuracy
from nasface.spaces import SearchSpace

COSTS = ("latency", "macs")
"""What stratified networks can be spread over."""


def checked(options: Accuracy) -> Accuracy:
    """The options, if their numbers make sense.

    Raises:
        InvalidInput: One of them does not.
        UnknownName: No such sampling, or nothing of that name to spread over.
    """
    if options.sampling not in SAMPLINGS:
        raise UnknownName("accuracy.sampling", options.sampling, SAMPLINGS)
    if options.stratify_by not in COSTS:
        raise UnknownName("accuracy.stratify_by", options.stratify_by, COSTS)
    for name in ("n_subnets", "family"):
        if getattr(options, name) < 1:
            raise InvalidInput(f"accuracy.{name}={getattr(options, name)} must be 1 or more.")
    if not 0 < options.band < 1:
        raise InvalidInput(f"accuracy.band={options.band:g} must lie between 0 and 1, e.g. 0.05 for 5 %.")
    return options


def make_plan(
    options: Accuracy, space: SearchSpace, spread: CostFunction | None, bounds: Sequence[tuple[CostFunction, float]]
) -> Plan:
    """The plan.

    Args:
        options: `sampling`, `band` and `family` are used.
        space: Where the networks are from.
        spread: What stratified networks are spread over; None for MACs.
        bounds: What dense networks lie near; pairs of a cost and its bound.
    """
    if options.sampling == "uniform":
        return Plan((Source(UNIFORM),), options.family)
    if options.sampling == "dense":
        return Plan(dense(bounds, options.band), options.family)
    sources = mixed(space, spread)
    return Plan(sources if options.sampling == "mixed" else sources[1:], options.family)
