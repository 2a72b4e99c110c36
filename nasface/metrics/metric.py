"""The metrics of descriptors: one list for accuracy tables, evaluations and intervals.

A metric is added by one entry of `METRICS`, or by a plug-in with `@register("metric", NAME)` on a function without
arguments that returns a `Metric` of that name. It then is a column of accuracy tables (and of their halves) and a
figure of evaluations, and has an interval if it follows from the curve of all pairs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import least_impostors, lowest_far
from nasface.metrics.photo_set import PhotoSet, Similarities
from nasface.metrics.roc import Roc
from nasface.registry import REGISTRY, build, register

RATES: Final = (1e-3, 1e-2, 1e-1)
"""False accept rates that are looked at unless others are asked for, each where there are impostor pairs enough."""

TABLE_RATES: Final = (1e-2, 1e-3)
"""Those that accuracy tables have columns for, in the order of the columns."""


class Direction(StrEnum):
    """Which values of a metric are the better ones."""

    MAX = "max"
    MIN = "min"

    @property
    def sign(self) -> int:
        """1 or -1: values times it are the better the higher."""
        return 1 if self is Direction.MAX else -1


@dataclass(frozen=True)
class Metric:
    """One figure of the descriptors of some photos.

    Attributes:
        name: Column of accuracy tables.
        direction: Which values are better.
        needs: Whether photos suffice for it.
        compute: The figure; asked only about photos that suffice.
        label: What evaluations call it; by default the name.
        curve: The figure from the curve of all pairs, where that is enough; such a metric gets intervals.
        tabled: Whether accuracy tables have it.
        stated: Whether evaluations state it.
        far: The lowest false accept rate that it looks at, if any; of `needs`, what `lacks` can put a number to.
    """

    name: str
    direction: Direction
    needs: Callable[[PhotoSet], bool]
    compute: Callable[[Similarities], float]
    label: str = ""
    curve: Callable[[Roc], float] | None = field(default=None, repr=False)
    tabled: bool = True
    stated: bool = True
    far: float | None = None

    def __post_init__(self) -> None:
        if not self.label:
            object.__setattr__(self, "label", self.name)

    def lacks(self, photos: PhotoSet) -> str:
        """In words, what some photos are too few of for this metric; empty where they suffice."""
        if self.needs(photos):
            return ""
        if self.far is None or not _has_pairs(photos):
            return f"{photos.people_with_two} people with two photos are too few"
        needed = least_impostors(self.far)
        return (
            f"{needed:,} pairs of two people are needed, so about {photos.size_for(needed)} photos like these, and "
            f"there are {photos.impostors:,} of {len(photos.codes)} photos"
        )


def curve_metric(
    name: str, direction: Direction, curve: Callable[[Roc], float], *, far: float | None = None, label: str = ""
) -> Metric:
    """A metric that follows from the curve of all pairs; `far` is the lowest false accept rate that it looks at."""

    def needs(photos: PhotoSet) -> bool:
        return _has_pairs(photos) and (far is None or supports(far, photos.impostors))

    return Metric(name, direction, needs, lambda similar: curve(similar.roc), label, curve, far=far)


def tar_at(far: float) -> Metric:
    """True accept rate at a false accept rate."""
    name = f"tar_at_far_{np.format_float_scientific(far, trim='-', exp_digits=1)}"
    return curve_metric(name, Direction.MAX, lambda roc: roc.at_far(far).tar, far=far, label=f"tar@{far:g}")


def supports(far: float, impostors: int) -> bool:
    """Whether so many impostor pairs let a false accept rate be told: ten of them are accepted at it."""
    return far >= lowest_far(impostors) * (1.0 - 1e-9)


def supported_rates(labels: npt.ArrayLike) -> list[float]:
    """Those of `RATES` that all pairs of photos with these labels support."""
    impostors = PhotoSet.of(labels).impostors
    return [far for far in RATES if supports(far, impostors)]


def _has_pairs(photos: PhotoSet) -> bool:
    return photos.people_with_two > 0 and photos.impostors > 0


AUC: Final = curve_metric("auc", Direction.MAX, lambda roc: roc.auc)
EER: Final = curve_metric("eer", Direction.MIN, lambda roc: roc.eer)

METRICS: Final = (
    AUC,
    EER,
    *(tar_at(far) for far in TABLE_RATES),
    Metric(
        "accuracy",
        Direction.MAX,
        lambda photos: photos.listed is not None or photos.people_with_two >= 4,
        lambda similar: similar.verification.accuracy,
        stated=False,  # of balanced pairs; evaluations state that of the pairs the user lists
    ),
    Metric("rank1", Direction.MAX, _has_pairs, lambda similar: similar.leave_one_out.micro),
    Metric(
        "identification",
        Direction.MAX,
        lambda photos: photos.people_with_two > 1,
        lambda similar: similar.identification.micro,
        stated=False,
    ),
    Metric(
        "identification_macro",
        Direction.MAX,
        lambda photos: photos.people_with_two > 1,
        lambda similar: similar.identification.macro,
        stated=False,
    ),
)
"""Verification over all pairs of photos (`auc` to `tar_at_far_...`); accuracy on listed or balanced pairs; rank-1
identification by leave-one-out; and by the paper's protocol, one random gallery photo per person, micro and macro."""


def _registered(metric: Metric) -> Callable[[], Metric]:
    def give() -> Metric:
        return metric

    give.__doc__ = f"A column of accuracy tables; the {metric.direction}imum is best."
    return give


for _metric in METRICS:
    register("metric", _metric.name)(_registered(_metric))


def all_metrics() -> tuple[Metric, ...]:
    """The metrics of the core, in the order of a table's columns, then those of plug-ins.

    Raises:
        InvalidInput: A plug-in gives something else, or a metric of another name.
    """
    own = {metric.name: metric for metric in METRICS}
    foreign = [name for name in REGISTRY.names("metric") if name not in own]
    return (*METRICS, *map(_of_plugin, foreign))


def _of_plugin(name: str) -> Metric:
    made: object = build("metric", {"name": name})
    if not isinstance(made, Metric) or made.name != name:
        origin = REGISTRY.get("metric", name).origin
        raise InvalidInput(f"The metric {name} of {origin} must give a nasface.metrics.Metric of that name.")
    return made


def stated_metrics(fars: Sequence[float]) -> tuple[Metric, ...]:
    """The metrics of an evaluation, true accept rates being those at `fars`."""
    rates = {tar_at(far).name for far in TABLE_RATES}
    others = [metric for metric in all_metrics() if metric.stated and metric.name not in rates]
    curves = [metric for metric in others if metric.curve is not None]
    return (*curves, *(tar_at(far) for far in fars), *(metric for metric in others if metric.curve is None))


def direction_of(column: str, given: str | None) -> Direction:
    """Which values of a column of an accuracy table are better.

    Args:
        column: A metric of `METRICS`, of a half of the photos (`auc_half1`), or one that somebody else measured.
        given: What the user says, "max" or "min"; needed for the last kind.

    Raises:
        InvalidInput: It is not known, or what is given is not so.
    """
    known = {metric.name: metric.direction for metric in all_metrics()} | {"top1": Direction.MAX}
    found = known.get(_HALF.sub("", column))
    if given is None:
        if found is None:
            raise InvalidInput(
                f"nasface does not know whether a high or a low '{column}' is better; add accuracy.direction=max or "
                "accuracy.direction=min."
            )
        return found
    if given not in tuple(Direction):
        raise InvalidInput(f"accuracy.direction is '{given}'; give max (high values are better) or min.")
    if found is not None and given != found:
        raise InvalidInput(f"Of '{column}', {_WORDS[found]} values are better; leave out accuracy.direction={given}.")
    return Direction(given)


_HALF: Final = re.compile(r"_(half|photos)[12]$")
_WORDS: Final = {Direction.MAX: "high", Direction.MIN: "low"}
