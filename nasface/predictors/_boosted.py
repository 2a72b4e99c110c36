"""A comparator and a regressor around any library of boosted trees; the library's own part is a `BoostedTrees`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from nasface.predictors._base import Comparator, Groups, Scorer, Targets
from nasface.predictors._checks import PairTreeOptions, TreeOptions, check_trees
from nasface.predictors._pairs import PairClassifier, pair_rows
from nasface.spaces import Features

Labels = npt.NDArray[np.float64] | npt.NDArray[np.int8]
"""[n], accuracies, or whether the first of a pair is better."""

C = TypeVar("C", bound=TreeOptions)
D = TypeVar("D", bound=TreeOptions, contravariant=True)
P = TypeVar("P", bound=PairTreeOptions)


class BoostedTrees(ABC, Generic[D]):
    """One fitted model of a library; `name` is the predictor's, for messages and files."""

    def __init__(self, name: str) -> None:
        self._name = name

    @abstractmethod
    def train(self, x: Features, y: Labels, objective: str, config: D, seed: int) -> None:
        """Fit `config.trees` trees; `objective` is the library's word. Raises `MissingDependency`."""

    @abstractmethod
    def predict(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """float64[n]; raises `NotFitted`."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the model in the library's text format; raises `NotFitted`."""

    @abstractmethod
    def load(self, path: Path) -> None:
        """Read what `save` wrote; raises `InvalidInput`."""


class _Boosted(Comparator, Generic[C]):
    """What both share: a model, and a file for it."""

    config: C
    trees: type[BoostedTrees[C]]
    objective: ClassVar[str]

    def __init__(self, config: C) -> None:
        self.config = config
        self._model = self.trees(config.name)

    def save(self, path: Path) -> None:
        """Write the model as JSON."""
        self._model.save(path)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        self._model.load(path)
        return self


class BoostedNAC(_Boosted[P], PairClassifier):
    """The paper's comparator with another library: a classifier of pairs of networks."""

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from up to `n_pairs` distinct ordered pairs.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: The library is not installed.
        """
        check_trees(self.config)
        rows, better = pair_rows(x, y, self.config.n_pairs, rng)
        self._model.train(rows, better, self.objective, self.config, int(rng.integers(2**31)))
        return self

    def _probability(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        return self._model.predict(rows)


class BoostedRegressor(_Boosted[C], Scorer):
    """Regression of accuracy on the ordinal code, squared error."""

    regressor = True

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Fit on accuracies as they are; the model starts from their mean.

        Raises:
            InvalidInput: A parameter is out of range.
            MissingDependency: The library is not installed.
        """
        check_trees(self.config)
        self._model.train(x, y, self.objective, self.config, int(rng.integers(2**31)))
        return self

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """Accuracy in the unit of the targets, float64[n]."""
        return self._model.predict(x)
