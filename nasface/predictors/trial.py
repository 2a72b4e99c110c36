"""One trial of a predictor: fit it on some networks, judge it on others. Learning curves are made of such trials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.metrics.ranking import RankingQuality, comparison_accuracy, ranking_quality
from nasface.predictors._base import Comparator, Scorer, Targets
from nasface.predictors._pairs import judged_pairs
from nasface.predictors.quality import antisymmetry
from nasface.predictors.ranker import Ranker, fit_ranker
from nasface.spaces import Population, SearchSpace

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]

Metrics = dict[str, float | None]
"""By name; `regret_K` for the regret of a short list of K."""

LEAST: Final = 5
"""Held-out networks that a region needs to be judged."""

_TRIPLES: Final = 20
"""Networks whose triples are looked through for cycles."""


def split(
    families: npt.NDArray[np.intp], size: int, held_out: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], Mask]:
    """Rows to learn from and a mask of rows to judge by; the larger of two sizes with one seed begins with the smaller.

    Args:
        families: intp[n], see `nasface.spaces.relatives`: none is in both parts.
        size: How many to learn from.
        held_out: Share of the table to judge by.
        rng: The same for all predictors and sizes that are to be compared.
    """
    n = len(families)
    order = rng.permutation(n)
    names, first, sizes = np.unique(families[order], return_index=True, return_counts=True)
    drawn = np.argsort(first)
    fitting = np.cumsum(sizes[drawn]) <= max(round(n * held_out), LEAST)
    fitting[0] = True
    judged = np.isin(families, names[drawn[fitting]])
    return order[~judged[order]][:size], judged


def judge_predictor(
    space: SearchSpace,
    make: Callable[[], Comparator],
    table: Population,
    targets: Targets,
    rows: npt.NDArray[np.intp],
    regions: Mapping[str, Mask],
    rng: np.random.Generator,
) -> dict[str, Metrics]:
    """Fit on `rows`, judge on every region.

    Args:
        space: Of the table.
        make: Gives a predictor that is not fitted.
        table: int8[n, n_genes].
        targets: float64[n].
        rows: Networks to learn from.
        regions: By name, bool[n]: held-out networks; regions of fewer than five are left out.
        rng: Seeds the fit, and draws pairs of large regions.

    Returns:
        By region: the metrics of `RankingQuality`, `pair_accuracy` of a comparator's direct answers,
        `antisymmetry` before symmetrising, `cycles` (share of intransitive triples), `fit_seconds` of process time,
        `predict_us` per network.
    """
    started = time.process_time()
    ranker = fit_ranker(space, make(), table[rows], targets[rows], rng)
    fit_seconds = time.process_time() - started
    judged = {name: mask for name, mask in regions.items() if mask.sum() >= LEAST}
    everything = np.any(list(judged.values()), axis=0)
    started = time.process_time()
    strengths = np.full(len(table), np.nan)
    strengths[everything] = ranker.strengths(table[everything])
    microseconds = 1e6 * (time.process_time() - started) / int(everything.sum())
    found = {}
    for name, mask in judged.items():
        found[name] = _judge(ranker, table[mask], targets[mask], strengths[mask], rng)
        found[name] |= {"fit_seconds": fit_seconds, "predict_us": microseconds}
    return found


def judge_floor(values: Values, targets: Targets, regions: Mapping[str, Mask]) -> dict[str, Metrics]:
    """The same for numbers that take the place of scores, e.g. multiply-accumulates."""
    return {
        name: _flat(ranking_quality(targets[mask], values[mask]))
        for name, mask in regions.items()
        if mask.sum() >= LEAST
    }


def _judge(
    ranker: Ranker, networks: Population, targets: Targets, strengths: Values, rng: np.random.Generator
) -> Metrics:
    predictor = ranker.predictor
    metrics = _flat(ranking_quality(targets, strengths, calibrated=predictor.regressor))
    if isinstance(predictor, Scorer):
        return metrics | {"antisymmetry": 0.0, "cycles": 0.0}
    first, second = judged_pairs(len(networks), rng)
    wins = ranker.contest(networks).compare(first, second)
    metrics["pair_accuracy"] = comparison_accuracy(targets[first], targets[second], wins)
    metrics["cycles"] = _cycles(ranker, networks[:_TRIPLES])
    x = ranker.space.encode(networks, predictor.encoding)
    error = antisymmetry(predictor, x[first], x[second])
    return metrics if error is None else metrics | {"antisymmetry": error}


def _cycles(ranker: Ranker, networks: Population) -> float:
    """Share of triples in which every network beats one of the others."""
    n = len(networks)
    first, second = (index.ravel() for index in np.indices((n, n)))
    beats = (ranker.contest(networks).compare(first, second) > 0.5).reshape(n, n)
    triples = np.array(list(combinations(range(n), 3)))
    if not len(triples):
        return 0.0
    a, b, c = triples.T
    around = (beats[a, b] & beats[b, c] & beats[c, a]) | (beats[b, a] & beats[c, b] & beats[a, c])
    return float(around.mean())


def _flat(quality: RankingQuality) -> Metrics:
    metrics = asdict(quality)
    regrets = {f"regret_{k}": value for k, value in metrics.pop("top_k_regret").items()}
    return metrics | regrets
