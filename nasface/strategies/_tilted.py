"""Draw networks near and below tight bounds, from costs that decompose over the space's stages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import StageTables
from nasface.spaces import Population

Values = npt.NDArray[np.float64]

_TARGETS: Final = np.linspace(1.0, 0.0, 9)
_TINY: Final = 1e-12


class TiltedSampler:
    """Exponentially tilted stage distributions, p(choice) ~ prior(choice) exp(-beta * cost(choice)).

    Among all distributions with a given mean cost, the tilted one is closest to the prior; the prior is that of
    `SearchSpace.sample`, active genes uniform. Choices that break a bound whatever the other stages are get no chance.
    With several sums their shares of slack are added under random weights; maxima are met by leaving choices out.

    Args:
        choices: `SearchSpace.stage_choices()`.
        tables: One `StageTables` per bound, each of which some network meets.
        bounds: float, one per table.
    """

    def __init__(self, choices: Sequence[Population], tables: Sequence[StageTables], bounds: Sequence[float]) -> None:
        self.choices = choices
        self._prior = [_log_prior(stage) for stage in choices]
        self._shares: list[list[Values]] = []
        for table, bound in zip(tables, bounds, strict=True):
            if table.combine == "max":
                self._forbid([entries > bound for entries in table.tables])
                continue
            excess = [entries - entries.min() for entries in table.tables]
            slack = max(bound - table.minimum().value, _TINY * max(abs(bound), 1.0))
            self._forbid([entries > slack for entries in excess])
            self._shares.append([entries / slack for entries in excess])

    def rounds(self, rng: np.random.Generator, n: int) -> Iterator[Population]:
        """Nine populations of n rows; the mean use of the slack falls from all of it (near the bound) to none."""
        for target in _TARGETS:
            cost = self._mix(rng)
            beta = _solve(self._prior, cost, float(target))
            parts = [
                stage[rng.choice(len(stage), n, p=_probabilities(prior, entries, beta))]
                for stage, prior, entries in zip(self.choices, self._prior, cost, strict=True)
            ]
            yield np.sum(parts, axis=0, dtype=np.int8)

    def _forbid(self, masks: Sequence[npt.NDArray[np.bool_]]) -> None:
        for prior, mask in zip(self._prior, masks, strict=True):
            prior[mask] = -np.inf

    def _mix(self, rng: np.random.Generator) -> list[Values]:
        """Per stage, the weighted sum of the shares of slack that its choices use."""
        weights = rng.dirichlet(np.ones(len(self._shares))) if self._shares else np.empty(0)
        return [
            sum((w * share[stage] for w, share in zip(weights, self._shares, strict=True)), np.zeros(len(choices)))
            for stage, choices in enumerate(self.choices)
        ]


def _log_prior(choices: Population) -> Values:
    """Log probability of each choice when active genes are uniform over the values that occur."""
    values = np.array([max(len(np.unique(gene[gene != 0])), 1) for gene in choices.T])
    return -np.asarray((choices != 0) @ np.log(values), np.float64)


def _probabilities(prior: Values, cost: Values, beta: float) -> Values:
    weight = prior - beta * cost
    weight = np.exp(weight - weight.max())
    return np.asarray(weight / weight.sum())


def _solve(priors: Sequence[Values], costs: Sequence[Values], target: float) -> float:
    """The smallest beta >= 0 (to a factor of 1.01) at which the mean total cost is at most `target`."""

    def mean(beta: float) -> float:
        return sum(float(_probabilities(p, c, beta) @ c) for p, c in zip(priors, costs, strict=True))

    if mean(0.0) <= target:
        return 0.0
    low, high = -3.0, 6.0  # powers of ten; costs are shares of the slack
    while high - low > 0.005:  # eleven halvings
        middle = 0.5 * (low + high)
        low, high = (low, middle) if mean(10.0**middle) <= target else (middle, high)
    return float(10.0**high)
