"""How sure a comparison is, by the predictor's own errors on networks that it had not seen.

The chance that a network measures better than another grows with the difference of their strengths. How fast is learned
from pairs of held-out networks, on which the predictor was right or wrong: P = sigmoid(slope (s_a - s_b)), one number,
so that P(a, b) + P(b, a) = 1. It is a statement about random pairs of the table; a network that a search has picked for
its high prediction is more likely to owe it to an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.predictors._pairs import sigmoid

Values = npt.NDArray[np.float64]

LEVEL: Final = 0.95
"""Probability above which one network is called better than another."""

_STEPS: Final = 30
_STEEPEST: Final = 1e3
"""In units of the differences' standard deviation; a predictor without an error would have no finite slope."""


@dataclass(frozen=True)
class Confidence:
    """Probabilities for differences of strengths (see `Ranker.strengths`).

    Attributes:
        slope: Of the logistic function, per unit of strength; 0 for a predictor that is no better than a coin.
        pairs: Held-out pairs that it was learned from.
        claims: Share of them that are called apart at `LEVEL`.
        right: Share of those that are ordered right, or None if there are none.
    """

    slope: float
    pairs: int
    claims: float
    right: float | None

    def better(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Values:
        """P(first measures better than second) for strengths."""
        return sigmoid(np.asarray(self.slope * (np.asarray(first, np.float64) - np.asarray(second, np.float64))))


def fit_confidence(differences: Values, measured: Values) -> Confidence:
    """Learn the slope by maximum likelihood (Newton's method).

    Args:
        differences: float64[n], strengths of the first minus the second of every held-out pair.
        measured: float64[n], the same of the measured accuracies; pairs without a difference say nothing.
    """
    decided = measured != 0
    margins = (differences * np.sign(measured))[decided]
    scale = float(margins.std()) if len(margins) else 0.0
    if not scale > 0:
        return Confidence(0.0, int(decided.sum()), 0.0, None)
    z, slope = margins / scale, 0.0
    for _ in range(_STEPS):
        wrong = sigmoid(-slope * z)
        slope += float((wrong * z).sum() / max((wrong * (1 - wrong) * z * z).sum(), 1e-9))
        slope = min(max(slope, 0.0), _STEEPEST)
    claimed = sigmoid(np.abs(slope * z)) >= LEVEL
    right = float((z[claimed] > 0).mean()) if claimed.any() else None
    return Confidence(slope / scale, len(z), float(claimed.mean()), right)
