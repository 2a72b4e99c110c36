"""How well a predictor ranks networks. Throughout, higher is better, for measured values as for scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RankingQuality:
    """All ranking metrics of one predictor on one set of networks.

    Attributes:
        pair_accuracy: See `pair_accuracy`.
        kendall_tau: See `kendall_tau`.
        spearman: See `spearman`.
        ndcg: See `ndcg`.
        top_k_regret: `top_k_regret` by k.
        networks: Number of networks.
        rmse: Root mean squared error, for predictors whose scores are in the unit of the measured values.
        bias: Mean of score minus measured value, for the same.
    """

    pair_accuracy: float
    kendall_tau: float
    spearman: float
    ndcg: float
    top_k_regret: dict[int, float]
    networks: int
    rmse: float | None = None
    bias: float | None = None


def ranking_quality(
    measured: npt.ArrayLike, scores: npt.ArrayLike, *, ks: Sequence[int] = (1, 5, 10), calibrated: bool = False
) -> RankingQuality:
    """Every metric at once.

    Args:
        measured: (n,) measured values.
        scores: (n,) what the predictor says, in any unit.
        ks: Sizes of the short list for the regret; those above n are left out.
        calibrated: Scores are in the unit of the measured values: report RMSE and bias, too.

    Raises:
        InvalidInput: Fewer than two networks, shapes that differ, or a value that is not finite.
    """
    y, s = _checked(measured, scores)
    return RankingQuality(
        pair_accuracy=pair_accuracy(y, s),
        kendall_tau=kendall_tau(y, s),
        spearman=spearman(y, s),
        ndcg=ndcg(y, s),
        top_k_regret={k: top_k_regret(y, s, k) for k in ks if k <= len(y)},
        networks=len(y),
        rmse=rmse(y, s) if calibrated else None,
        bias=bias(y, s) if calibrated else None,
    )


def pair_accuracy(measured: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Share of pairs of networks that are ordered right, equal scores counting one half.

    Pairs of equal measured value have no right order and are left out; without any other pair the result is 0.5.
    """
    y, s = _checked(measured, scores)
    ordered = _pairs(len(y)) - _tied(y)
    return 0.5 + 0.5 * _concordant_minus_discordant(y, s) / ordered if ordered else 0.5


def comparison_accuracy(first: npt.ArrayLike, second: npt.ArrayLike, probability: npt.ArrayLike) -> float:
    """Share of comparisons decided right: `pair_accuracy` for a comparator, on given pairs.

    Args:
        first: (n,) measured value of the first network of every pair.
        second: (n,) that of the second.
        probability: (n,) said probability that the first is better; exactly 0.5 counts one half.
    """
    a, b = _checked(first, second)
    p, _ = _checked(probability, a)
    decided = np.sign(a - b) != 0
    agreement = (np.sign(a - b) * np.sign(p - 0.5))[decided]
    return float(0.5 + 0.5 * agreement.mean()) if agreement.size else 0.5


def kendall_tau(measured: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Kendall's tau-b: concordant minus discordant pairs, corrected for ties; 0 where either side is constant."""
    y, s = _checked(measured, scores)
    if _constant(y, s):
        return 0.0
    n = _pairs(len(y))
    return _concordant_minus_discordant(y, s) / math.sqrt((n - _tied(y)) * (n - _tied(s)))


def spearman(measured: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Spearman's rho: correlation of ranks, equal values sharing their mean rank; 0 where either side is constant."""
    y, s = _checked(measured, scores)
    return 0.0 if _constant(y, s) else float(np.corrcoef(_mean_ranks(y), _mean_ranks(s))[0, 1])


def ndcg(measured: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Normalised discounted cumulative gain of the whole ranking, 1 for the ideal order.

    The gain of a network is its measured value scaled to 0 (worst of the set) .. 1 (best), because accuracies differ by
    little; position i (from 1) is discounted by log2(i + 1); networks of equal score share their mean discount. 1 where
    all measured values are equal.
    """
    y, s = _checked(measured, scores)
    gain = y - y.min()
    if not gain.any():
        return 1.0
    gain /= gain.max()
    return float((gain @ _discounts(s)) / (gain @ _discounts(y)))


def top_k_regret(measured: npt.ArrayLike, scores: npt.ArrayLike, k: int) -> float:
    """What is lost by measuring only the `k` best-scored networks: best of all minus best of those.

    Among equal scores the worse networks are taken first, so a constant predictor gains nothing.

    Raises:
        InvalidInput: `k` is not in 1..n.
    """
    y, s = _checked(measured, scores)
    if not 1 <= k <= len(y):
        raise InvalidInput(f"The short list must hold 1 to {len(y)} networks; {k} was given.")
    chosen = np.lexsort((y, -s))[:k]
    return float(y.max() - y[chosen].max())


def rmse(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Root mean squared error."""
    y, s = _checked(measured, predicted)
    return float(np.sqrt(np.mean((s - y) ** 2)))


def bias(measured: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Mean of predicted minus measured."""
    y, s = _checked(measured, predicted)
    return float(np.mean(s - y))


def _concordant_minus_discordant(y: Values, s: Values) -> int:
    """Pairs ordered alike minus pairs ordered otherwise: the numerator of tau-b, a whole number."""
    both = np.unique(np.stack([y, s]), axis=1, return_counts=True)[1]
    tied_in_both = int((both * (both - 1) // 2).sum())
    alike = _pairs(len(y)) - _tied(y) - _tied(s) + tied_in_both
    return alike - 2 * _inversions(np.unique(s, return_inverse=True)[1][np.lexsort((s, y))])


def _inversions(ranks: npt.NDArray[np.int64]) -> int:
    """Pairs of which the first is the larger, in n log n steps: by the highest bit in which two ranks differ.

    scipy.stats has the same and takes about as long to be imported as the default search takes in all.
    """
    total = 0
    for bit in range(int(ranks.max()).bit_length()):
        prefix = ranks >> (bit + 1)
        order = np.argsort(prefix, kind="stable")
        prefix, one = prefix[order], (ranks[order] >> bit) & 1
        ones, start = np.cumsum(one), np.searchsorted(prefix, prefix)
        total += int((ones - ones[start] + one[start])[one == 0].sum())
    return total


def _mean_ranks(values: Values) -> Values:
    """Rank of every value from 0, equal ones sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[inverse])


def _constant(y: Values, s: Values) -> bool:
    """Whether either side has one value only, of which no correlation is defined."""
    return not (np.ptp(y) and np.ptp(s))


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _tied(values: Values) -> int:
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _discounts(scores: Values) -> Values:
    """(n,) discount of every network, the mean over its run of equal scores."""
    _, inverse, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    by_position = 1.0 / np.log2(np.arange(len(scores)) + 2.0)
    return np.asarray((np.add.reduceat(by_position, np.cumsum(counts) - counts) / counts)[inverse])


def _checked(measured: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Values, Values]:
    y, s = np.asarray(measured, np.float64), np.asarray(scores, np.float64)
    if y.ndim != 1 or y.shape != s.shape or len(y) < 2:
        raise InvalidInput(
            f"Ranking metrics need two or more networks, each with a value and a score; the shapes are {y.shape} and "
            f"{s.shape}."
        )
    if not (np.isfinite(y).all() and np.isfinite(s).all()):
        raise InvalidInput("Ranking metrics need finite values and scores.")
    return y, s
