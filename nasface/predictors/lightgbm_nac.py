"""The paper's neural architecture comparator: gradient-boosted trees on pairs of networks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.predictors._base import Comparator, Groups, Targets
from nasface.predictors._forest import MAX_LEAVES, PairForest
from nasface.registry import register
from nasface.runs import write_text
from nasface.spaces import Features

FORMAT: Final = "nasface lightgbm_nac 1"


@dataclass
class LightGBMNACConfig:
    """Parameters of the comparator.

    Attributes:
        n_pairs: Random ordered pairs of the table's networks to learn from; both orders of each are used.
        trees: Number of trees.
        leaves: Leaves of a tree, 2 to 64.
        learning_rate: Shrinkage of every tree.
        min_leaf: Pairs that a leaf needs at least.
    """

    name: str = "lightgbm_nac"
    n_pairs: int = 20000
    trees: int = 100
    leaves: int = 31
    learning_rate: float = 0.1
    min_leaf: int = 20


@register("predictor", "lightgbm_nac", config=LightGBMNACConfig)
class LightGBMNAC(Comparator):
    """LightGBM comparator of two networks, the paper's own (NAC).

    Source: Savchenko et al. 2023, section III: 20,000 random pairs, features of both networks side by side, the label
    says whether the first is better; LightGBM's parameters are not given there, these are its defaults. Beyond the
    paper: every pair is learned in both orders and the answer is symmetrised, p = (f(a, b) + 1 - f(b, a)) / 2.
    """

    libraries = ("lightgbm",)

    def __init__(self, config: LightGBMNACConfig | None = None) -> None:
        self.config = config or LightGBMNACConfig()
        self._text: str | None = None
        self._trees: PairForest | None = None

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn from up to `n_pairs` distinct ordered pairs; pairs of equal accuracy say nothing and are left out.

        Raises:
            InvalidInput: A parameter is out of range, or all accuracies are equal.
            MissingDependency: LightGBM is not installed.
        """
        self._check()
        lightgbm = _lightgbm()
        first, second = _pairs(y, self.config.n_pairs, rng)
        rows = np.concatenate([np.hstack([x[first], x[second]]), np.hstack([x[second], x[first]])])
        better = (y[first] > y[second]).astype(np.int8)
        data = lightgbm.Dataset(rows, np.concatenate([better, 1 - better]), params={"verbosity": -1})
        booster = lightgbm.train(self._parameters(int(rng.integers(2**31))), data, num_boost_round=self.config.trees)
        self._restore(booster.model_to_string())
        return self

    def compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """P(row of a better than row of b)."""
        return self.compare_digests(self.digest(a), self.digest(b))

    def digest(self, x: Features) -> npt.NDArray[Any]:
        """Open leaves of every tree, uint[n, 2, n_trees]; see `PairForest.masks`."""
        return self._forest.masks(x)

    def compare_digests(self, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Symmetrised probability for rows of `digest`."""
        forest = self._forest
        return 0.5 + 0.5 * (_sigmoid(forest.raw(a, b)) - _sigmoid(forest.raw(b, a)))

    def raw_compare(self, a: Features, b: Features) -> npt.NDArray[np.float64]:
        """The trees' own probability, before symmetrising."""
        return _sigmoid(self._forest.raw(self.digest(a), self.digest(b)))

    def save(self, path: Path) -> None:
        """Write one line of JSON, then the model in LightGBM's text format."""
        self._forest  # noqa: B018 - raises NotFitted
        text = str(self._text)
        head = {"format": FORMAT, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        write_text(path, json.dumps(head) + "\n" + text)

    def load(self, path: Path) -> Self:
        """Read what `save` wrote; LightGBM itself is not needed for that, nor for comparing."""
        try:
            head, text = path.read_text(encoding="utf-8").split("\n", 1)
            found = json.loads(head)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{path} is not a saved lightgbm_nac ({error}); fit it again.") from error
        if found != {"format": FORMAT, "sha256": hashlib.sha256(text.encode()).hexdigest()}:
            raise InvalidInput(f"{path} is damaged or not a '{FORMAT}' file; fit the predictor again.")
        self._restore(text)
        return self

    @property
    def _forest(self) -> PairForest:
        if self._trees is None:
            raise NotFitted("lightgbm_nac was asked before it was fitted; call fit() or load() first.")
        return self._trees

    def _restore(self, text: str) -> None:
        self._text, self._trees = text, PairForest(text)

    def _parameters(self, seed: int) -> dict[str, Any]:
        return {
            "objective": "binary",
            "num_leaves": self.config.leaves,
            "learning_rate": self.config.learning_rate,
            "min_data_in_leaf": self.config.min_leaf,
            "seed": seed,
            "deterministic": True,  # these three: the same trees on every machine, whatever its number of cores
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }

    def _check(self) -> None:
        config = self.config
        for key, value in (("n_pairs", config.n_pairs), ("trees", config.trees), ("min_leaf", config.min_leaf)):
            if value < 1:
                raise InvalidInput(f"predictor.{key} is {value}; give 1 or more.")
        if not 2 <= config.leaves <= MAX_LEAVES:
            raise InvalidInput(f"predictor.leaves is {config.leaves}; give 2 to {MAX_LEAVES}.")
        if not 0 < config.learning_rate <= 1:
            raise InvalidInput(f"predictor.learning_rate is {config.learning_rate}; give a number above 0, at most 1.")


def _pairs(y: Targets, n_pairs: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Distinct ordered pairs (i, j), i != j, with different accuracies."""
    n = len(y)
    codes = rng.choice(n * (n - 1), min(n_pairs, n * (n - 1)), replace=False, shuffle=False)
    first, second = np.divmod(codes, n - 1) if n > 1 else (codes, codes)
    second = second + (second >= first)  # skips the network itself
    decided = y[first] != y[second]
    if not decided.any():
        raise InvalidInput(f"The {n} accuracies have no pair that differs; a comparator cannot be fitted on them.")
    return first[decided], second[decided]


def _sigmoid(raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-raw)))


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingDependency("lightgbm", "all", "predictor lightgbm_nac") from error
    return lightgbm
