"""Comparators that cannot contradict themselves: P(a better than b) = sigmoid(s(a) - s(b)), s boosted trees.

Bradley and Terry (1952) explain comparisons by one strength per competitor. Here the strength is a function of the
genes, fitted by boosting: the gradient of a network's strength is the sum over its pairs, so pairs are never
materialised as rows. Labels are soft. A measured accuracy has an error, so that the measured order of two networks is
right with probability Phi((y_a - y_b) / (sqrt(2) error)); a difference within the error is a coin toss.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from nasface.predictors._base import Digests, Groups, Targets
from nasface.predictors._checks import check_trees, check_varied
from nasface.predictors._lightgbm import LightGBMScorer, library, parameters
from nasface.predictors._pairs import sigmoid
from nasface.registry import register
from nasface.spaces import Features

Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Objective = Callable[[Values, object], tuple[Values, Values]]

_OPPONENTS: Final = 1024
"""Networks that each one is compared with in an iteration at most; tables up to this size use all pairs."""

_PAIRS: Final = 1 << 21
"""Pairs of an iteration at most: in large tables each network meets fewer opponents, anew in every iteration."""

_FEWEST: Final = 8
"""Opponents that remain, however large the table."""

_BLOCK: Final = 8192
"""Networks whose pairs are in memory at a time."""

_PROBIT: Final = 1.702


@dataclass
class BradleyTerryConfig:
    """Parameters of the comparator.

    Attributes:
        trees: Number of trees.
        leaves: Leaves of a tree.
        learning_rate: Shrinkage of every tree.
        min_leaf: Networks that a leaf needs at least.
        noise: Standard error of an accuracy as a share of the table's standard deviation: 0 believes every measured
            order. The reliability of the demo's table (two halves of the people) gives 0.43.
    """

    name: str = "lightgbm_bradley_terry"
    trees: int = 300
    leaves: int = 4
    learning_rate: float = 0.1
    min_leaf: int = 5
    noise: float = 0.4


@dataclass
class StagewiseConfig(BradleyTerryConfig):
    """Parameters of the stage-wise comparator, see `BradleyTerryConfig`."""

    name: str = "lightgbm_stagewise"


@register("predictor", "lightgbm_bradley_terry", config=BradleyTerryConfig)
class BradleyTerry(LightGBMScorer):
    """LightGBM strength of a network, learned from soft comparisons: antisymmetric and transitive by construction."""

    config: BradleyTerryConfig

    def __init__(self, config: BradleyTerryConfig | None = None) -> None:
        super().__init__(config or BradleyTerryConfig())

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Fit on all pairs of the table, or on random opponents anew in every iteration for large ones.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: LightGBM is not installed.
        """
        check_trees(self.config)
        check_varied(y, "a comparator")
        lightgbm = library(self.config.name)
        options = parameters(self.config, int(rng.integers(2**31))) | self._constraints(groups)
        options["objective"] = pair_objective(y, self.config.noise, rng)
        data = lightgbm.Dataset(x, np.zeros(len(y)), params={"verbosity": -1})
        self._restore(lightgbm.train(options, data, num_boost_round=self.config.trees).model_to_string())
        return self

    def compare(self, a: Features, b: Features) -> Values:
        """sigmoid(s(a) - s(b))."""
        return self.compare_digests(self.digest(a), self.digest(b))

    def digest(self, x: Features) -> Digests:
        """The strength, float64[n]."""
        return self.score(x)

    def compare_digests(self, a: Digests, b: Digests) -> Values:
        """`compare` for strengths."""
        return sigmoid(np.asarray(a - b, np.float64))

    def _constraints(self, groups: Groups) -> dict[str, object]:
        return {}


@register("predictor", "lightgbm_stagewise", config=StagewiseConfig)
class Stagewise(BradleyTerry):
    """Bradley-Terry strength that is exactly a sum over the stages: genes of two stages never meet in one tree."""

    additive = True

    config: StagewiseConfig

    def __init__(self, config: StagewiseConfig | None = None) -> None:
        super().__init__(config or StagewiseConfig())

    def _constraints(self, groups: Groups) -> dict[str, object]:
        return {"interaction_constraints": groups}


def pair_objective(y: Targets, noise: float, rng: np.random.Generator) -> Objective:
    """Mean gradient and curvature of the cross-entropy over each network's pairs, with soft labels.

    Args:
        y: Accuracies, float64[n].
        noise: Standard error of an accuracy, as a share of the standard deviation of `y`.
        rng: Draws opponents for tables of more than 1,024 networks.
    """
    n, error = len(y), math.sqrt(2) * noise * float(y.std())
    opponents = max(min(_OPPONENTS, _PAIRS // n), _FEWEST)

    def mean(rows: slice, scores: Values, rivals: Indices) -> tuple[Values, Values]:
        wins = order_probability(y[rows, None] - y[rivals], error)
        said = sigmoid(scores[rows, None] - scores[rivals])
        return (said - wins).mean(axis=1), np.maximum((said * (1 - said)).mean(axis=1), 1e-6)

    def objective(scores: Values, _: object) -> tuple[Values, Values]:
        rivals = np.arange(n) if n <= opponents else rng.choice(n, opponents, replace=False)
        blocks = [mean(slice(first, first + _BLOCK), scores, rivals) for first in range(0, n, _BLOCK)]
        gradients, curvatures = zip(*blocks, strict=True)
        return np.concatenate(gradients), np.concatenate(curvatures)

    return objective


def order_probability(differences: Values, error: float) -> Values:
    """Probability that the order of two measured accuracies is the true one; ties give 0.5.

    Phi(difference / error), by the logistic function that differs from it by less than 0.01.
    """
    if error == 0:
        return np.asarray(0.5 + 0.5 * np.sign(differences))
    return sigmoid(_PROBIT * differences / error)
