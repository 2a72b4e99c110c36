"""Checks of parameters that several predictors have."""

from __future__ import annotations

from typing import Protocol

from nasface.errors import InvalidInput
from nasface.predictors._base import Targets
from nasface.registry import ComponentConfig


class TreeOptions(ComponentConfig, Protocol):
    """Of boosted trees, whatever the library."""

    trees: int
    learning_rate: float


class PairTreeOptions(TreeOptions, Protocol):
    """Of trees that learn from pairs."""

    n_pairs: int


class LeafwiseOptions(TreeOptions, Protocol):
    """Of trees that grow leaf by leaf."""

    leaves: int
    min_leaf: int


class LevelwiseOptions(TreeOptions, Protocol):
    """Of symmetric trees, which grow level by level."""

    depth: int


class PerceptronOptions(ComponentConfig, Protocol):
    """Of a multi-layer perceptron and its training."""

    hidden: int
    steps: int
    batch: int
    learning_rate: float
    weight_decay: float


def check_varied(y: Targets, what: str) -> None:
    """Refuse accuracies of which none is better than another; `what` cannot be fitted on them, e.g. "a ranker".

    Raises:
        InvalidInput: All are equal.
    """
    if not y.std() > 0:
        raise InvalidInput(f"All {len(y)} accuracies are equal; {what} cannot be fitted on them.")


def check_trees(config: TreeOptions, most_leaves: int | None = None) -> None:
    """Refuse parameters of boosted trees that are out of range; absent ones are not checked.

    Raises:
        InvalidInput: With the range.
    """
    for key in ("n_pairs", "trees", "min_leaf", "depth"):
        if getattr(config, key, 1) < 1:
            raise InvalidInput(f"predictor.{key} is {getattr(config, key)}; give 1 or more.")
    leaves = getattr(config, "leaves", 2)
    if leaves < 2 or (most_leaves is not None and leaves > most_leaves):
        allowed = "2 or more" if most_leaves is None else f"2 to {most_leaves}"
        raise InvalidInput(f"predictor.leaves is {leaves}; give {allowed}.")
    if not 0 < config.learning_rate <= 1:
        raise InvalidInput(f"predictor.learning_rate is {config.learning_rate}; give a number above 0, at most 1.")
    noise = getattr(config, "noise", 0.0)
    if not 0 <= noise < 1:
        raise InvalidInput(f"predictor.noise is {noise}; give 0 (none) or more, below 1.")
