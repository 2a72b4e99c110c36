"""Latency learned from whole networks, where adding up layers fails: several threads, accelerators, other runtimes.

Two steps. The linear one corrects the table: every row gets a factor near a common one, and so do groups of rows (a
stage, a kernel size, an expansion, ...), by ridge regression on relative errors; it stays a sum over layers. What is
left may be learned by boosted trees over the networks' features, in logarithms; the result is then no sum any more.
Errors are of networks left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics import held_out
from nasface.netspec import Conv, Layer

if TYPE_CHECKING:
    from lightgbm import Booster

Array = npt.NDArray[np.float64]

FEWEST: Final = 10
MODELS: Final = ("auto", "linear", "boosted")
STRENGTHS: Final = tuple(float(10.0**e) for e in np.arange(-5, 4.1, 0.5))
FOLDS: Final = 5
WORTH: Final = 0.9
"""Boosting is kept if it lowers the root mean square error of networks left out to this share."""

LEAST_FACTOR: Final = 0.05
"""A row never falls below this share of the common factor."""

TREES: Final[dict[str, str | float]] = {
    "objective": "l2",
    "num_leaves": 8,
    "learning_rate": 0.05,
    "min_data_in_leaf": 5,
    "min_data_in_bin": 1,
    "lambda_l2": 1.0,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "seed": 0,
}
ROUNDS: Final = 80


@dataclass(frozen=True)
class LayerGroups:
    """What is known about the layers of a space on a device before any network is measured.

    Attributes:
        prior: float64[m], milliseconds of every layer by the table.
        groups: float64[m, k], what the layers of each group contribute, in the same unit.
        names: k names of the groups.
    """

    prior: Array
    groups: Array
    names: tuple[str, ...]

    @classmethod
    def of(cls, layers: Sequence[Layer], prior: Array) -> LayerGroups:
        """Groups are stages, kinds, attributes with a value each; and a constant time per layer and convolution."""
        member: dict[str, Array] = {}
        for i, layer in enumerate(layers):
            labels = [f"stage {layer.stage}", layer.kind, *(f"{name} {value}" for name, value in layer.traits.items())]
            for label in labels:
                member.setdefault(label, np.zeros(len(layers)))[i] = prior[i]
        calls = np.array([sum(isinstance(op, Conv) for op in layer.ops) for layer in layers], np.float64)
        member |= {"layer": np.where(prior > 0, prior.mean(), 0.0), "convolution": calls * prior.sum() / calls.sum()}
        useful = {name: column for name, column in member.items() if np.count_nonzero(column) > 0}
        return cls(prior, np.stack(list(useful.values()), axis=1), tuple(useful))

    def features(self, counts: Array) -> Array:
        """float64[n, k + 1] of networks: their time by the table, and each group's share of it.

        Args:
            counts: float64[n, m], how often every layer stands in every network.
        """
        whole = counts @ self.prior
        return np.asarray(np.c_[whole, counts @ self.groups / whole[:, None]])


def fit_linear(layers: LayerGroups, counts: Array, times: Array) -> Array:
    """The corrected table, float64[m]: ridge around a common factor; leave-one-out, in closed form, sets the strength.

    Args:
        layers: What is known of the layers.
        counts: float64[n, m], how often every layer stands in every network.
        times: float64[n], their milliseconds.
    """
    sums = counts @ layers.prior / times
    common = float(sums.sum() / (sums @ sums))
    columns = np.c_[counts * layers.prior, counts @ layers.groups] / times[:, None]
    u, s, vt = np.linalg.svd(columns, full_matrices=False)
    rest = 1.0 - common * sums
    projected = u.T @ rest

    def left_out(strength: float) -> float:
        shrink = s**2 / (s**2 + strength)
        residual = (rest - u @ (shrink * projected)) / (1.0 - u**2 @ shrink)
        return float(residual @ residual)

    strength = min(reversed(STRENGTHS), key=left_out)
    coefficients = vt.T @ (s / (s**2 + strength) * projected)
    m = len(layers.prior)
    values = layers.prior * (common + coefficients[:m]) + layers.groups @ coefficients[m:]
    return np.asarray(np.maximum(values, LEAST_FACTOR * common * layers.prior))


@dataclass(frozen=True)
class Learned:
    """A fitted model of whole-network latency.

    Attributes:
        layers: What it knows of the layers.
        values: float64[m], the corrected table, milliseconds of every layer.
        trees: LightGBM's model of log(measured / linear), or None if that did not pay.
        errors: float64[n], measured / predicted - 1 of the networks when left out.
    """

    layers: LayerGroups
    values: Array
    trees: str | None
    errors: Array

    def predict(self, counts: Array) -> Array:
        """Milliseconds of networks, float64[n] for float64[n, m], how often each layer stands in each network."""
        sums = counts @ self.values
        if self._booster is None:
            return np.asarray(sums)
        return np.asarray(sums * np.exp(self._booster.predict(self.layers.features(counts), num_threads=1)))

    @cached_property
    def _booster(self) -> Booster | None:
        if self.trees is None:
            return None
        import lightgbm

        return lightgbm.Booster(model_str=self.trees)


def learn(layers: LayerGroups, counts: Array, times: Array, model: str = "auto") -> Learned:
    """Fit to measured networks.

    Args:
        layers: What is known of the layers.
        counts: float64[n, m], how often every layer stands in every network.
        times: float64[n], their measured milliseconds.
        model: One of `MODELS`; "auto" takes the better one on networks left out.

    Raises:
        InvalidInput: Fewer than `FEWEST` networks.
    """
    if len(times) < FEWEST:
        raise InvalidInput(f"Latency is learned from {FEWEST} measured networks at least; there are {len(times)}.")
    folds = list(held_out(len(times), FOLDS, np.random.default_rng(0)))
    values, sums = fit_linear(layers, counts, times), np.empty(len(times))
    for out in folds:
        sums[out] = counts[out] @ fit_linear(layers, counts[~out], times[~out])
    plain = times / sums - 1.0
    if model == "linear":
        return Learned(layers, values, None, plain)
    x, target, correction = layers.features(counts), np.log(times / sums), np.zeros(len(times))
    for out in folds:
        correction[out] = _boost(x[~out], target[~out]).predict(x[out], num_threads=1)
    boosted = times / (sums * np.exp(correction)) - 1.0
    if model == "auto" and np.mean(boosted**2) > WORTH**2 * np.mean(plain**2):
        return Learned(layers, values, None, plain)
    return Learned(layers, values, _boost(x, target).model_to_string(), boosted)


def _boost(x: Array, y: Array) -> Booster:
    import lightgbm

    return lightgbm.train(TREES, lightgbm.Dataset(x, y, params={"verbosity": -1}), num_boost_round=ROUNDS)
