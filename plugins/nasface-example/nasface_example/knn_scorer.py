"""A predictor: the accuracy of a network is that of the measured networks most like it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from nasface import Scorer, register
from nasface.errors import InvalidInput, NotFitted
from nasface.predictors import Groups, Targets
from nasface.runs import write_text
from nasface.spaces import Features

FORMAT: Final = "nasface_example knn_scorer 1"


@dataclass
class KnnScorerConfig:
    """Parameters of the predictor.

    Attributes:
        neighbours: Measured networks that are averaged.
    """

    name: str = "knn_scorer"
    neighbours: int = 10


@register("predictor", "knn_scorer", config=KnnScorerConfig)
class KnnScorer(Scorer):
    """Nearest neighbours: mean accuracy of the measured networks whose genes are closest, weighted by 1 / (1 + d^2)."""

    regressor = True  # scores are accuracies
    libraries = ("nasface-example",)  # a new version of this plug-in must not read the old one's cached fits

    config: KnnScorerConfig

    def __init__(self, config: KnnScorerConfig | None = None) -> None:
        self.config = config or KnnScorerConfig()
        self._table: tuple[npt.NDArray[np.float64], Targets] | None = None

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Remember the table.

        Raises:
            InvalidInput: There are fewer networks than neighbours, or no neighbour is asked for.
        """
        if not 1 <= self.config.neighbours <= len(x):
            raise InvalidInput(
                f"predictor.neighbours is {self.config.neighbours}; give 1 to {len(x)}, the table's size."
            )
        self._table = np.array(x, np.float64), np.array(y, np.float64)
        return self

    def score(self, x: Features) -> npt.NDArray[np.float64]:
        """Weighted mean accuracy, float64[n] for float32[n, n_features]; equally far networks in table order."""
        known, accuracy = self._fitted
        rows = np.asarray(x, np.float64)
        # |a - b|^2 = |a|^2 - 2ab + |b|^2 is exact for small whole numbers, so batches give what rows give.
        squared = (rows**2).sum(axis=1)[:, None] - 2.0 * rows @ known.T + (known**2).sum(axis=1)
        nearest = np.argsort(squared, axis=1, kind="stable")[:, : self.config.neighbours]
        weights = 1.0 / (1.0 + np.take_along_axis(squared, nearest, axis=1))
        return np.asarray((weights * accuracy[nearest]).sum(axis=1) / weights.sum(axis=1))

    def save(self, path: Path) -> None:
        """Write the table as JSON, atomically."""
        x, y = self._fitted
        write_text(path, json.dumps({"format": FORMAT, "x": x.tolist(), "y": y.tolist()}))

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']}")
            self._table = np.array(content["x"], np.float64), np.array(content["y"], np.float64)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InvalidInput(f"{path} is not a saved knn_scorer ({error}); fit it again.") from error
        return self

    @property
    def _fitted(self) -> tuple[npt.NDArray[np.float64], Targets]:
        if self._table is None:
            raise NotFitted("knn_scorer was asked before it was fitted; call fit() or load() first.")
        return self._table
