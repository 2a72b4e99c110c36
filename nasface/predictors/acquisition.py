"""What is worth measuring next: what promises most, or what might be better than it promises.

A `Ranker` says what a predictor expects. Whoever can measure a few networks may prefer those that the predictor is
unsure of: upper confidence bound (Srinivas et al., Gaussian Process Optimization in the Bandit Setting, 2010) or
expected improvement over the best known (Jones et al., 1998), here as its logarithm, which still tells networks apart
where the improvement underflows (Ament et al., Unexpected Improvements to Expected Improvement, 2023).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.costs import StageTables
from nasface.errors import UnknownName
from nasface.predictors.intervals import learn_intervals
from nasface.predictors.ranker import Ranker
from nasface.spaces import Population

Values = npt.NDArray[np.float64]
Worth = Callable[[Values, Values], Values]
"""Of means and standard deviations, both float64[n], higher being better."""

BOLDNESS: Final = 2.0
"""Standard deviations that the upper confidence bound adds."""

_SUREST: Final = 1e-12
"""Deviation below which a predictor is not taken at its word, in the unit of accuracies."""

_FAR: Final = -25.0
"""Standard deviations below which the improvement is taken from its asymptote, as the closed form cancels."""


class Acquisition(StrEnum):
    """How a network's worth of being measured is judged."""

    GREEDY = "greedy"
    UCB = "ucb"
    EI = "ei"
    RANDOM = "random"

    @classmethod
    def of(cls, name: str) -> Acquisition:
        """By its name; raises `UnknownName`."""
        known = [member.value for member in cls]
        if name not in known:
            raise UnknownName("acquisition", name, known)
        return cls(name)


class AcquisitionRanker(Ranker):
    """Ranks by the worth of being measured; what it predicts is what the ranker says that it stands before.

    Args:
        ranker: Says what is expected, and how unsure that is.
        worth: Of mean and deviation.

    Raises:
        InvalidInput: Its predictor does not know how sure it is, and the table is too small to learn it.
    """

    def __init__(self, ranker: Ranker, worth: Worth) -> None:
        super().__init__(ranker.space, ranker.predictor, ranker.table, ranker.targets, ranker.direction)
        self._ranker, self._worth, self._unit = ranker, worth, 1.0
        if not ranker.sure:
            learned = learn_intervals(ranker)
            self._unit = learned.deviation / learned.slope

    @property
    def guide(self) -> Ranker:
        """The ranker that it stands before."""
        return self._ranker

    def deviations(self, population: Population) -> Values:
        """Standard deviations in the unit of the ranker's strengths, float64[n]."""
        return np.asarray(self._unit * self._ranker.doubts(population))

    def scores(self, population: Population) -> Values:
        """Worth, float64[n]."""
        return self._worth(self._ranker.strengths(population), self.deviations(population))

    def decompose(self) -> StageTables | None:
        """None: worth is no sum over stages."""
        return None

    def predicted_accuracy(self, population: Population) -> Values:
        """See `Ranker.predicted_accuracy`."""
        return self._ranker.predicted_accuracy(population)


def acquire(ranker: Ranker, acquisition: Acquisition, best: Population) -> Ranker:
    """The ranker by which the next networks to measure are searched.

    Args:
        ranker: Fitted on what was measured. UCB and EI fit its predictor `FOLDS` more times, unless that knows how
            sure it is.
        acquisition: How; `RANDOM` searches nothing and ranks as `GREEDY` does.
        best: int8[m, n_genes], measured networks that are to be improved on; EI compares with the best of them by the
            ranker's mean, so that a lucky measurement is no obstacle.

    Raises:
        InvalidInput: UCB and EI, from too small a table (`learn_intervals`).
    """
    if acquisition is Acquisition.UCB:
        return AcquisitionRanker(ranker, lambda mean, deviation: mean + BOLDNESS * deviation)
    if acquisition is Acquisition.EI:
        incumbent = float(ranker.strengths(best).max())
        return AcquisitionRanker(ranker, lambda mean, deviation: log_expected_improvement(mean - incumbent, deviation))
    return ranker


def log_expected_improvement(gain: Values, deviation: Values) -> Values:
    """Logarithm of E[max(g, 0)] for normal g of mean `gain` and standard deviation, float64[n] each."""
    from scipy.special import erfcx, log_ndtr

    deviation = np.maximum(deviation, _SUREST)
    z = gain / deviation
    log_density = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
    near = np.maximum(z, _FAR)
    mills = np.sqrt(np.pi / 2) * erfcx(-np.minimum(near, 0.0) / np.sqrt(2))  # Phi / phi, for z <= 0
    below = log_density + np.where(z < _FAR, -2 * np.log(np.maximum(-z, 1.0)), np.log1p(np.minimum(near, 0.0) * mills))
    above = np.logaddexp(log_density, np.log(np.maximum(z, np.finfo(np.float64).tiny)) + log_ndtr(np.maximum(z, 0.0)))
    return np.asarray(np.log(deviation) + np.where(z > 0, above, below))
