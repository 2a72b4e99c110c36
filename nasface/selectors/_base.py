"""Selectors: the K best rows of a population by a comparator, with the calls counted.

Protocol. A selector is constructed as `cls(config)`. `top_k` returns the indices of the K best rows, best set
first-class: the *set* is what is asked for, the order inside is best to worst only where the selector's docstring says
so. Ties (equal networks, or a comparison of exactly 0.5) go to the lower index. Randomness (pivots) comes only from
`rng`. With a `Ranker` whose predictor is a scorer, selection is one partition of the scores.

A selector that takes others on purpose, to keep a population various, says so by `explores`. It promises k different
rows that are better than the population on average; a search then picks its finalists by sorting.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from nasface.predictors import Ranker
from nasface.registry import ComponentConfig
from nasface.spaces import Population


class Selector(ABC):
    """Takes the K best of a population."""

    explores: ClassVar[bool] = False
    """Whether it may take others than the K best."""

    config: ComponentConfig

    @abstractmethod
    def top_k(self, population: Population, k: int, ranker: Ranker, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """Indices of the k best rows, intp[k], without repetition; 1 <= k <= len(population).

        The ranker counts comparator calls (`ranker.calls`) and pairs (`ranker.pairs`).
        """
