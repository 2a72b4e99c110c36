"""One front over files of several precisions: each of its points is a network and how it is exported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.predictors import Ranker
from nasface.strategies import ParetoFront, undominated


@dataclass(frozen=True)
class Effect:
    """What a precision adds to the accuracy of a network in float32.

    Attributes:
        mean: Over networks, in units of the metric.
        deviation: Standard deviation between networks.
        basis: Where it was measured, for people.
    """

    mean: float
    deviation: float
    basis: str


NONE: Final = Effect(0.0, 0.0, "computes what float32 does")
DEMO_INT8: Final = Effect(0.00018, 0.00027, "17 random networks of the demo, docs/results/quantisation.md")
"""On the AUC of validation people."""


@dataclass(frozen=True)
class FrontPoint:
    """A file that no other one equals in everything.

    Attributes:
        genotype: int8[n_genes].
        precision: Of the file.
        predicted: Accuracy by the predictor, with the precision's effect; estimated.
        deviation: Of the precision's effect between networks; the predictor's own error comes on top.
        costs: As `JointFront.keys`.
    """

    genotype: npt.NDArray[np.int8]
    precision: str
    predicted: float
    deviation: float
    costs: tuple[float, ...]


@dataclass(frozen=True)
class JointFront:
    """Files by rising first cost.

    Attributes:
        points: The files.
        labels: Of the costs, for people.
        keys: Of the costs, for files.
        remark: What is to be said of it.
    """

    points: tuple[FrontPoint, ...]
    labels: tuple[str, ...]
    keys: tuple[str, ...]
    remark: str


def join_fronts(fronts: Mapping[str, ParetoFront], effects: Mapping[str, Effect], ranker: Ranker) -> JointFront:
    """The front of all files.

    An effect is one number for all networks of a precision, so that no file is on it that is not on the front of its
    own precision.

    Args:
        fronts: By precision, of the same costs.
        effects: Of every precision.
        ranker: Predicts accuracies in float32.
    """
    points = [
        FrontPoint(genotype, precision, accuracy + effects[precision].mean, effects[precision].deviation, tuple(costs))
        for precision, front in fronts.items()
        for genotype, accuracy, costs in zip(
            front.population, ranker.predicted_accuracy(front.population).tolist(), front.costs.tolist(), strict=True
        )
    ]
    gains = ranker.direction.sign * np.array([point.predicted for point in points])
    order = undominated(gains, np.array([point.costs for point in points]))
    kept = tuple(points[row] for row in order)
    first = next(iter(fronts.values()))
    return JointFront(kept, first.labels, first.keys, _remark(kept, fronts, effects))


def _remark(kept: tuple[FrontPoint, ...], fronts: Mapping[str, ParetoFront], effects: Mapping[str, Effect]) -> str:
    counts = ", ".join(f"{sum(p.precision == name for p in kept)} of {name}" for name in fronts)
    said = [
        f"{name} files count as float32's prediction {effect.mean:+.5f}, standard deviation {effect.deviation:.5f} "
        f"between networks ({effect.basis}; estimated)"
        for name, effect in effects.items()
        if effect is not NONE
    ]
    return "; ".join([f"The front over precisions has {len(kept)} files: {counts}", *said]) + "."
