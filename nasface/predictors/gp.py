"""Gaussian processes: accuracy with a deviation. `gp_stage` is a sum over the space's stages, `gp` sees whole networks.

The prior covariance of two networks is s^2 (x . x' + w sum over groups of exp(-|x_g - x'_g|^2 / 2 l^2)), measurements
add s^2 n (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 2.2 and 5.4.1). The scale s
has its best value in closed form; length l, weight w and noise n maximise the marginal likelihood of the table, or of
some rows of a large one, which settle three numbers as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput, NotFitted
from nasface.predictors._base import Groups, Scorer, Targets
from nasface.predictors._state import load_values, save_state
from nasface.registry import register
from nasface.spaces import Features

Values = npt.NDArray[np.float64]

_START: Final = np.log([2.0, 1.0, 0.5])
"""Logarithms of length, weight and noise; the first two in units of the features' spread."""

_RANGE: Final = [(-3.0, 5.0), (-7.0, 7.0), (-9.0, 9.0)]
"""Of these logarithms, so that a table which says nothing of one of them ends somewhere."""

_BLOCK: Final = 1024
"""Rows that are predicted at a time, to bound memory."""

_MOST: Final = 6000
"""Rows of a table: their covariance, of which three copies are alive at a time, grows with the square."""


@dataclass
class GPStageConfig:
    """Parameters of `gp_stage`.

    Attributes:
        tuning_rows: Rows of the table, drawn at random, that the hyper-parameters are learned from at most.
    """

    name: str = "gp_stage"
    tuning_rows: int = 500


@dataclass
class GPConfig(GPStageConfig):
    """Parameters of `gp`, see `GPStageConfig`."""

    name: str = "gp"


@dataclass(frozen=True)
class Process:
    """A process that saw a table.

    Attributes:
        x: float64[n, n_features], of the table.
        centre: float64[n_features], their mean.
        groups: Features that have a term of their own.
        mean: Of the targets.
        scale: Prior variance s^2.
        theta: float64[3], logarithms of length, weight and noise.
        answers: float64[n], inverse of the noisy covariance over s^2, times targets minus mean.
    """

    x: Values
    centre: Values
    groups: Groups
    mean: float
    scale: float
    theta: Values
    answers: Values

    def cross(self, x: Values) -> Values:
        """Covariance over s^2 of other networks with those of the table, float64[m, n]."""
        curved = sum(_bump(x[:, group], self.x[:, group], self.theta[0]) for group in self.groups)
        return np.asarray((x - self.centre) @ (self.x - self.centre).T + np.exp(self.theta[1]) * curved)

    def own(self, x: Values) -> Values:
        """Variance over s^2 of what other networks would measure, before the table is known, float64[m]."""
        curved = len(self.groups) * np.exp(self.theta[1])
        return np.asarray(np.square(x - self.centre).sum(axis=1) + curved + np.exp(self.theta[2]))


class _GaussianProcess(Scorer):
    """What both have in common."""

    encoding = "onehot"
    regressor = True
    libraries = ("scipy",)
    config: GPStageConfig

    _process: Process | None = None
    _factor: Values | None = None

    def fit(self, x: Features, y: Targets, groups: Groups, rng: np.random.Generator) -> Self:
        """Learn hyper-parameters from `tuning_rows` rows, then condition on all.

        Raises:
            InvalidInput: Fewer than 2 rows to learn hyper-parameters from, or more than 6,000 to condition on.
        """
        if self.config.tuning_rows < 2:
            raise InvalidInput(f"predictor.tuning_rows is {self.config.tuning_rows}; give 2 or more.")
        if len(x) > _MOST:
            raise InvalidInput(
                f"{self.config.name} holds all pairs of a table in memory, {len(x):,} rows would take "
                f"{3 * 8 * len(x) ** 2 / 1e9:,.0f} GB: give at most {_MOST:,} rows, or another predictor (ridge)."
            )
        rows, own = x.astype(np.float64), self._groups(groups)
        centre, mean = rows.mean(axis=0), float(y.mean())
        chosen = np.sort(rng.permutation(len(rows))[: self.config.tuning_rows])
        theta = _tuned(rows[chosen], y[chosen] - mean, centre, own)
        blank = Process(rows, centre, own, mean, 1.0, theta, np.zeros(len(rows)))
        self._factor = _cholesky(blank)
        answers = _solve(self._factor, y - mean)
        scale = float((y - mean) @ answers) / len(rows)
        self._process = Process(rows, centre, own, mean, scale, theta, answers)
        return self

    def score(self, x: Features) -> Values:
        """Mean of the posterior, in the unit of the targets, float64[n]."""
        process = self._fitted
        return _in_blocks(x, lambda rows: process.mean + process.cross(rows) @ process.answers)

    def deviation(self, x: Features) -> Values:
        """Standard deviation of the posterior, measurement noise included, in the unit of the targets, float64[n]."""
        from scipy.linalg import solve_triangular

        process = self._fitted
        if self._factor is None:
            self._factor = _cholesky(process)
        factor = self._factor

        def of(rows: Values) -> Values:
            known = np.square(solve_triangular(factor, process.cross(rows).T, lower=True)).sum(axis=0)
            return np.asarray(np.sqrt(process.scale * np.maximum(process.own(rows) - known, 0.0)))

        return _in_blocks(x, of)

    def save(self, path: Path) -> None:
        """Write JSON."""
        process = self._fitted
        arrays = {name: getattr(process, name).tolist() for name in ("x", "centre", "theta", "answers")}
        others = {"groups": process.groups, "mean": process.mean, "scale": process.scale}
        save_state(path, self.config.name, json.dumps(arrays | others))

    def load(self, path: Path) -> Self:
        """Read what `save` wrote."""
        content = load_values(path, self.config.name)
        arrays = {name: np.array(content[name]) for name in ("x", "centre", "theta", "answers")}
        self._process, self._factor = Process(**(content | arrays)), None
        return self

    def _groups(self, groups: Groups) -> Groups:
        """Which features have a term of their own; by default those of every stage."""
        return [list(map(int, group)) for group in groups]

    @property
    def _fitted(self) -> Process:
        if self._process is None:
            raise NotFitted(f"{self.config.name} was asked before it was fitted; call fit() or load() first.")
        return self._process


@register("predictor", "gp_stage", config=GPStageConfig)
class GPStage(_GaussianProcess):
    """Gaussian process, linear and an RBF a stage: knows how sure it is, is a sum over stages (search=exact)."""

    additive = True

    def __init__(self, config: GPStageConfig | None = None) -> None:
        self.config = config or GPStageConfig()


@register("predictor", "gp", config=GPConfig)
class GP(_GaussianProcess):
    """Gaussian process, linear and an RBF of the whole network: knows how sure it is, sees interactions of stages."""

    def __init__(self, config: GPConfig | None = None) -> None:
        self.config = config or GPConfig()

    def _groups(self, groups: Groups) -> Groups:
        return [sorted(int(feature) for group in groups for feature in group)]


def _tuned(x: Values, y: Values, centre: Values, groups: Groups) -> Values:
    """Logarithms of length, weight and noise that maximise the marginal likelihood, float64[3]."""
    from scipy.optimize import minimize

    linear = (x - centre) @ (x - centre).T
    distances = [squared_distances(x[:, group], x[:, group]) for group in groups]
    spread = max(float(np.diag(linear).mean()), 1e-9)
    start = _START + np.array([0.5 * np.log(spread / len(groups)), np.log(spread / len(groups)), np.log(spread)])
    bounds = [(s + low, s + high) for s, (low, high) in zip(start, _RANGE, strict=True)]
    if not y.std() > 0:
        return np.asarray(start)
    found = minimize(misfit, start, (y, linear, distances), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, np.float64)


def misfit(theta: Values, y: Values, linear: Values, distances: Sequence[Values]) -> tuple[float, Values]:
    """Minus the logarithm of the marginal likelihood at the best scale (up to a constant), and its gradient.

    Args:
        theta: float64[3], logarithms of length, weight and noise.
        y: float64[n], centred.
        linear: float64[n, n], inner products of centred features.
        distances: Of every group, float64[n, n], squared distances.
    """
    from scipy.linalg import cho_factor, cho_solve

    n, precision = len(y), np.exp(-2 * theta[0])
    weight, noise = np.exp(theta[1:])
    curved, slope = np.zeros_like(linear), np.zeros_like(linear)
    for distance in distances:
        bump = weight * np.exp(-0.5 * precision * distance)
        curved += bump
        slope += bump * distance
    factor = cho_factor(linear + curved + noise * np.eye(n), lower=True)
    answers = cho_solve(factor, y)
    scale = float(y @ answers) / n
    value = 0.5 * n * np.log(scale) + np.log(np.diag(factor[0])).sum()
    inner = cho_solve(factor, np.eye(n)) - np.outer(answers, answers) / scale
    gradient = 0.5 * np.array([precision * np.vdot(inner, slope), np.vdot(inner, curved), noise * np.trace(inner)])
    return float(value), gradient


def _bump(a: Values, b: Values, log_length: float) -> Values:
    return np.asarray(np.exp(-0.5 * np.exp(-2 * log_length) * squared_distances(a, b)))


def squared_distances(a: Values, b: Values) -> Values:
    """Squared Euclidean distances of rows, float64[len(a), len(b)]."""
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)
    return np.asarray(np.maximum(squares - 2 * a @ b.T, 0.0))


def _cholesky(process: Process) -> Values:
    """Lower factor of the table's noisy covariance over s^2, float64[n, n]."""
    covariance = process.cross(process.x) + np.exp(process.theta[2]) * np.eye(len(process.x))
    return np.asarray(np.linalg.cholesky(covariance))


def _solve(factor: Values, y: Values) -> Values:
    from scipy.linalg import cho_solve

    return np.asarray(cho_solve((factor, True), y))


def _in_blocks(x: Features, of: Callable[[Values], Values]) -> Values:
    """A function of rows, applied to some at a time, which bounds memory; float64[n]."""
    blocks = [of(x[first : first + _BLOCK].astype(np.float64)) for first in range(0, len(x), _BLOCK)]
    return np.concatenate([np.empty(0), *blocks])
