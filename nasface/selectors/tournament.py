"""Knock-out tournaments by a comparator: all matches of a round in one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasface.predictors import Contest, Ranker
from nasface.registry import register
from nasface.selectors._base import Selector
from nasface.selectors._scores import Indices, check_k, order_by_scores
from nasface.spaces import Population


@dataclass
class TournamentConfig:
    """A tournament has no parameters."""

    name: str = "tournament"


@register("selector", "tournament", config=TournamentConfig)
class Tournament(Selector):
    """Knock-out among all rows, then k - 1 times among those whom the winner beat: about n + k log2 n comparisons.

    The indices come best first. The first knock-out needs log2 n batches, every further place about as many, of few
    pairs. Draws nothing from the generator.
    """

    config: TournamentConfig

    def __init__(self, config: TournamentConfig | None = None) -> None:
        self.config = config or TournamentConfig()

    def top_k(self, population: Population, k: int, ranker: Ranker, rng: np.random.Generator) -> Indices:
        """Indices of the k best rows, best first."""
        check_k(k, len(population))
        scores = ranker.scores(population)
        if scores is not None:
            return order_by_scores(scores, k)
        contest = ranker.contest(population)
        beaten: list[list[int]] = [[] for _ in range(len(population))]
        rows, chosen = list(range(len(population))), list[int]()
        while len(chosen) < k:
            winner = _knock_out(rows, contest, beaten)
            chosen.append(winner)
            rows = sorted(beaten[winner])  # of the rest, only those have lost to nobody who is left
        return np.array(chosen, np.intp)


def _knock_out(rows: list[int], contest: Contest, beaten: list[list[int]]) -> int:
    """The winner among ascending rows; whom each of them beats on the way is noted."""
    while len(rows) > 1:  # halves the rows
        first, second = rows[0 : len(rows) - 1 : 2], rows[1::2]
        winners = rows[-1:] if len(rows) % 2 else []
        for a, b, p in zip(first, second, contest.compare(first, second), strict=True):
            winner, loser = (a, b) if p > 0.5 or (p == 0.5 and a < b) else (b, a)
            beaten[winner].append(loser)
            winners.append(winner)
        rows = winners
    return rows[0]
