"""Learning to rank: boosted trees whose gradients are LambdaRank's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.predictors._base import Groups, Targets
from nasface.predictors._checks import check_trees, check_varied
from nasface.predictors._lightgbm import LightGBMScorer, library, parameters
from nasface.registry import register
from nasface.spaces import Features

_QUERY: Final = 1024
"""Networks that are ranked against each other; larger tables are cut into random queries, so that cost stays linear."""


@dataclass
class LightGBMRankerConfig:
    """Parameters of the ranker.

    Attributes:
        trees: Number of trees.
        leaves: Leaves of a tree.
        learning_rate: Shrinkage of every tree.
        min_leaf: Networks that a leaf needs at least.
        levels: Grades of relevance that accuracies are cut into, equally many networks each.
    """

    name: str = "lightgbm_ranker"
    trees: int = 300
    leaves: int = 4
    learning_rate: float = 0.1
    min_leaf: int = 5
    levels: int = 32


@register("predictor", "lightgbm_ranker", config=LightGBMRankerConfig)
class LightGBMRanker(LightGBMScorer):
    """LightGBM's LambdaRank on grades of accuracy: mistakes near the top of the ranking weigh more.

    Source: Burges 2010. LightGBM ranks whole numbers, so accuracies are cut into grades of equal size, whose gain
    rises linearly; every pair counts, not only those with a network of the first places.
    """

    config: LightGBMRankerConfig

    def __init__(self, config: LightGBMRankerConfig | None = None) -> None:
        super().__init__(config or LightGBMRankerConfig())

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Fit on grades.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: LightGBM is not installed.
        """
        check_trees(self.config)
        if self.config.levels < 2:
            raise InvalidInput(f"predictor.levels is {self.config.levels}; give 2 or more.")
        check_varied(y, "a ranker")
        lightgbm, seed = library(self.config.name), int(rng.integers(2**31))
        order = rng.permutation(len(y))
        label = grades(y, self.config.levels)[order]
        data = lightgbm.Dataset(x[order], label, group=query_sizes(len(y)), params={"verbosity": -1})
        options = parameters(self.config, seed) | _objective(int(label.max()) + 1)
        self._restore(lightgbm.train(options, data, num_boost_round=self.config.trees).model_to_string())
        return self


def grades(y: Targets, levels: int) -> npt.NDArray[np.intp]:
    """Accuracies cut into at most `levels` grades of about equal size, 0 the worst; equal accuracies share a grade."""
    ranks = np.searchsorted(np.sort(y), y)
    return np.asarray(np.unique(ranks * levels // len(y), return_inverse=True)[1], np.intp)


def query_sizes(n: int) -> list[int]:
    """Sizes of the queries that n networks are cut into: as few and as equal as LightGBM's largest query allows."""
    parts = -(-n // _QUERY)
    return [n // parts + (part < n % parts) for part in range(parts)]


def _objective(levels: int) -> dict[str, object]:
    return {
        "objective": "lambdarank",
        "label_gain": list(range(levels)),
        "lambdarank_truncation_level": _QUERY,
    }
