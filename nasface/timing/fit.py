"""Fitting the rows of a latency table to the times of whole networks, with the layers' own measurements as the prior.

    minimise  sum over networks (predicted / measured - 1)^2 + strength * sum over layers (row / (scale * prior) - 1)^2

over rows >= 0: non-negative least squares with a ridge towards the prior, both in relative terms. First one scale for
all layers is fitted (in a network the caches are colder for every layer), then how the layers differ from it. The
strength is chosen by cross-validation over the networks.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.metrics import held_out

Array = npt.NDArray[np.float64]

STRENGTHS: Final = tuple(float(10.0**e) for e in np.arange(-4, 2.1, 0.5))
FOLDS: Final = 5


def fit_rows(prior: Array, counts: Array, times: Array, strength: float) -> Array:
    """Milliseconds of the layers.

    Args:
        prior: float64[m], milliseconds of every layer as measured by itself, positive.
        counts: float64[n, m], how often every layer stands in every network.
        times: float64[n], measured milliseconds of the networks, positive.
        strength: Of the prior, positive.

    Returns:
        float64[m], not negative.
    """
    from scipy.optimize import nnls

    m, shares = len(prior), counts * prior / times[:, None]
    predicted = shares.sum(axis=1)
    scale = predicted.sum() / (predicted @ predicted)
    system = np.concatenate([shares * scale, np.sqrt(strength) * np.eye(m)])
    target = np.concatenate([np.ones(len(times)), np.full(m, np.sqrt(strength))])
    factors, _ = nnls(system, target, maxiter=30 * m)
    return np.asarray(prior * scale * factors)


def choose_strength(prior: Array, counts: Array, times: Array, rng: np.random.Generator) -> float:
    """The strength of `STRENGTHS` with the least squared relative error on networks left out."""
    folds = list(held_out(len(times), FOLDS, rng))

    def error(strength: float) -> float:
        return float(sum(np.square(_errors(prior, counts, times, strength, out)).sum() for out in folds))

    return min(reversed(STRENGTHS), key=error)


def held_out_errors(prior: Array, counts: Array, times: Array, rng: np.random.Generator) -> Array:
    """Relative error of every network by a table fitted without it, strength and all: float64[n]."""
    errors = np.empty(len(times))
    for out in held_out(len(times), FOLDS, rng):
        strength = choose_strength(prior, counts[~out], times[~out], rng)
        errors[out] = _errors(prior, counts, times, strength, out)
    return errors


def _errors(prior: Array, counts: Array, times: Array, strength: float, out: npt.NDArray[np.bool_]) -> Array:
    rows = fit_rows(prior, counts[~out], times[~out], strength)
    return np.asarray(counts[out] @ rows / times[out] - 1.0)
