"""Probe networks: the few whose times say most about a device that has no table, and whether those times can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations
from typing import Final

import numpy as np

from nasface.devices.optimal_design import most_informative
from nasface.devices.plausibility import FASTEST, SLOWEST
from nasface.devices.scaling import Base
from nasface.devices.speed_fit import Observation
from nasface.errors import ImplausibleTimes, InvalidInput
from nasface.spaces import Population, SearchSpace

FEWEST: Final = 3
MOST: Final = 12

SLACK: Final = 1.5
"""By how much the ratio of two times may leave what the two networks' work allows."""


def choose_probes(space: SearchSpace, base: Base, pool: Population, n: int) -> Population:
    """The n networks to time, int8[n, n_genes]: fastest and slowest by the base table, then the most informative.

    "Most informative" is greedy D-optimality (`design`) over what the candidates of a scaling predict from, relative to
    the base table's time, because errors are relative. A longer choice begins with the shorter one.

    Args:
        space: The space.
        base: The table that will be scaled.
        pool: int8[m, n_genes], networks to choose from, over the whole range.
        n: How many.

    Raises:
        InvalidInput: `n` is not in `FEWEST`..`MOST`.
        LookupTableError: The base table lacks the space's rows.
    """
    if not FEWEST <= n <= MOST:
        raise InvalidInput(f"calibrate.probes is {n}; give {FEWEST} to {MOST}.")
    base.table.values(space.layers(), space.resolution)
    counted = [base.features(space.build(row).layers, space.resolution) for row in pool]
    ms = np.array([row["table"] for row in counted])
    relative = np.array([[row[name] for name in ("macs", "layers", "convolutions")] for row in counted]) / ms[:, None]
    ends = np.array([ms.argmin(), ms.argmax()])
    others = most_informative(np.delete(relative, ends, axis=0), n - 2, relative[ends])
    return np.concatenate([pool[ends], np.delete(pool, ends, axis=0)[others]])


def check_times(observed: Sequence[Observation]) -> None:
    """Refuse times that no device can have: out of all bounds, or in a relation that the work does not allow.

    A time that is a sum of non-negative costs of counted things (multiply-accumulates, layers, weights, ...) grows from
    one network to another at least as the count that grows least, and at most as the one that grows most.

    Raises:
        InvalidInput: A network has two times.
        ImplausibleTimes: With the networks and what to do.
    """
    names = [o.net for o in observed]
    for o in observed:
        if names.count(o.net) > 1:
            raise InvalidInput(f"There are {names.count(o.net)} times of {o.net}; keep one.")
        if not (math.isfinite(o.ms) and o.ms > 0):
            raise ImplausibleTimes(f"The time of {o.net} is {o.ms:g} ms; give a positive number of milliseconds.")
        rate = o.features["macs"] * 1e6 / o.ms
        if not SLOWEST <= rate <= FASTEST:
            unit = "seconds" if rate > FASTEST else "microseconds"
            raise ImplausibleTimes(
                f"{o.net} has {o.features['macs']:.0f} million multiply-accumulates and would need {o.ms:g} ms, which "
                f"no device does; give milliseconds (is that {unit}?)."
            )
    for one, other in permutations(observed, 2):
        _check_pair(one, other)


def _check_pair(one: Observation, other: Observation) -> None:
    if any(value and not other.features[name] for name, value in one.features.items()):
        return  # it does something that the other one does not, at an unknown cost
    most = max(one.features[name] / value for name, value in other.features.items() if value)
    given = one.ms / other.ms
    if given > most * SLACK:
        raise ImplausibleTimes(
            f"These times cannot come from one device: {one.net} takes {given:.2g} times as long as {other.net} "
            f"({one.ms:g} and {other.ms:g} ms), but needs at most {most:.2g} times as much of anything; check that no "
            "two rows are exchanged, and measure both again on the same device, threads and runtime."
        )
