"""How well a predictor ranks networks that it has not seen, beside what counting operations would say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from nasface.metrics.ranking import comparison_accuracy, ranking_quality
from nasface.predictors._base import Comparator, Scorer, Targets
from nasface.predictors._pairs import judged_pairs
from nasface.predictors.confidence import Confidence, fit_confidence
from nasface.predictors.intervals import Errors, Intervals, cross_fit, fit_intervals, held_out_errors
from nasface.predictors.ranker import Ranker
from nasface.runs import Json
from nasface.spaces import Features, Population, SearchSpace

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PREDICTOR = "predictor"
"""Key of the predictor in `QualityReport.everywhere` and `near_budget`; the other keys are those of the floors."""


class Metrics(TypedDict):
    """What is said of one column: `RankingQuality`, but `pair_accuracy` over `pairs`, None where there are too few."""

    pair_accuracy: float | None
    kendall_tau: float
    spearman: float
    ndcg: float
    top_k_regret: dict[int, float]
    networks: int
    rmse: float | None
    bias: float | None
    pairs: int


@dataclass(frozen=True)
class QualityReport:
    """Ranking metrics on held-out networks.

    Attributes:
        folds: Number of parts; every network is judged by a predictor fitted on the other parts.
        everywhere: Metrics over all networks of the table, by column ("predictor", then the floors).
        near_budget: The same over the networks near the budget; None with fewer than two of them.
        antisymmetry: Mean |f(a, b) + f(b, a) - 1| of a comparator before it symmetrises, or None.
        confidence: How sure a difference of strengths makes a comparison.
        intervals: How far measurements lie from what is expected.
        sampled: Whether pair accuracies and the confidence rest on a random sample of the pairs, as in large tables.
    """

    folds: int
    everywhere: dict[str, Metrics]
    near_budget: dict[str, Metrics] | None
    antisymmetry: float | None
    confidence: Confidence
    intervals: Intervals
    sampled: bool

    def to_dict(self) -> dict[str, Json]:
        """For JSON."""
        return asdict(self)


def quality(
    space: SearchSpace,
    make: Callable[[], Comparator],
    table: Population,
    targets: Targets,
    floors: Mapping[str, Values],
    rng: np.random.Generator,
    *,
    near: Mask | None = None,
    folds: int = 5,
    cache_dir: Path | None = None,
) -> QualityReport:
    """Cross-fit a predictor and compare it with the floors on the same networks and pairs.

    The table is cut into `folds` random parts, and each is judged by a predictor fitted on the others, so that all
    networks count and none was seen, nor a relative of it if there are four families (`nasface.spaces.relatives`).
    Metrics of a ranking rest on scores: the predictor's, or for a comparator its win rate against 100 networks of the
    fitting parts. `pair_accuracy` of a comparator is that of its direct answers. It takes pairs within one part only
    (no predictor is blind to both otherwise), for the floors as well; of a large part a random sample (`judged_pairs`).

    Args:
        space: Space of the table.
        make: Gives a predictor that is not fitted.
        table: int8[n, n_genes].
        targets: float64[n].
        floors: By name, float64[n]: costs taken as if they were scores, e.g. {"macs_only": ..., "params_only": ...}.
        rng: Cuts the parts, seeds the fits, and draws pairs of large parts.
        near: bool[n], the networks near the budget.
        folds: Number of parts, 2 to n / 2; fewer are made of fewer than 2 `folds` families.
        cache_dir: Where the fits are kept, as in `fit_ranker`.

    Raises:
        InvalidInput: `folds` does not fit the table.
    """
    n = len(table)
    judged = [
        _judge(fold.ranker, table, targets, fold.rows, rng)
        for fold in cross_fit(space, make, table, targets, folds, rng, cache_dir)
    ]
    pairs = np.concatenate([fold.pairs for fold in judged], axis=1)
    columns = {PREDICTOR: _pool(judged, n)}
    columns |= {name: _Column(values, _wins(*values[pairs])) for name, values in floors.items()}

    def measure(mask: Mask) -> dict[str, Metrics]:
        return {name: _metrics(targets, column, pairs, mask) for name, column in columns.items()}

    near_budget = measure(near) if near is not None and near.sum() >= 2 else None
    errors = [fold.antisymmetry for fold in judged if fold.antisymmetry is not None]
    antisymmetry = float(np.mean(errors)) if errors else None
    scores, (first, second) = columns[PREDICTOR].scores, pairs
    confidence = fit_confidence(scores[first] - scores[second], targets[first] - targets[second])
    sampled = pairs.shape[1] < sum(len(fold.rows) * (len(fold.rows) - 1) // 2 for fold in judged)
    intervals = fit_intervals([fold.errors for fold in judged], regressor=columns[PREDICTOR].calibrated)
    everywhere = measure(np.ones(n, bool))
    return QualityReport(len(judged), everywhere, near_budget, antisymmetry, confidence, intervals, sampled)


@dataclass(frozen=True)
class _Column:
    """What a predictor or a floor says: float64[n] about networks, float64[n_pairs] about pairs."""

    scores: Values
    wins: Values
    calibrated: bool = False


@dataclass(frozen=True)
class _Fold:
    """One part of the table: its networks, pairs intp[2, n_pairs] within it, and what is said of them."""

    rows: npt.NDArray[np.intp]
    pairs: npt.NDArray[np.intp]
    said: _Column
    errors: Errors
    antisymmetry: float | None = None


def _judge(
    ranker: Ranker, table: Population, targets: Targets, rows: npt.NDArray[np.intp], rng: np.random.Generator
) -> _Fold:
    """Ask about rows of `table` that the ranker's predictor has not seen."""
    predictor, held_out = ranker.predictor, table[rows]
    first, second = judged_pairs(len(rows), rng)
    pairs = rows[np.stack([first, second])]
    errors = held_out_errors(ranker, held_out, targets[rows])
    scores = errors.strengths
    if isinstance(predictor, Scorer):
        return _Fold(rows, pairs, _Column(scores, _wins(scores[first], scores[second]), predictor.regressor), errors)
    wins = ranker.contest(held_out).compare(first, second)
    x = ranker.space.encode(held_out, predictor.encoding)
    return _Fold(rows, pairs, _Column(scores, wins), errors, antisymmetry(predictor, x[first], x[second]))


def _pool(judged: list[_Fold], n: int) -> _Column:
    """The parts put together."""
    scores = np.empty(n)
    for fold in judged:
        scores[fold.rows] = fold.said.scores
    return _Column(scores, np.concatenate([fold.said.wins for fold in judged]), judged[0].said.calibrated)


def _metrics(targets: Targets, column: _Column, pairs: npt.NDArray[np.intp], mask: Mask) -> Metrics:
    ranking = ranking_quality(targets[mask], column.scores[mask], calibrated=column.calibrated)
    inside = mask[pairs].all(axis=0)
    first, second = targets[pairs[:, inside]]
    accuracy = comparison_accuracy(first, second, column.wins[inside]) if len(first) > 1 else None
    return {
        "pair_accuracy": accuracy,
        "kendall_tau": ranking.kendall_tau,
        "spearman": ranking.spearman,
        "ndcg": ranking.ndcg,
        "top_k_regret": ranking.top_k_regret,
        "networks": ranking.networks,
        "rmse": ranking.rmse,
        "bias": ranking.bias,
        "pairs": len(first),
    }


def _wins(a: Values, b: Values) -> Values:
    return np.asarray(0.5 + 0.5 * np.sign(a - b))


def antisymmetry(predictor: Comparator, a: Features, b: Features) -> float | None:
    """Mean |f(a, b) + f(b, a) - 1| before symmetrising; None of predictors that cannot contradict themselves."""
    forth, back = predictor.raw_compare(a, b), predictor.raw_compare(b, a)
    return None if forth is None or back is None else float(np.abs(forth + back - 1.0).mean())
