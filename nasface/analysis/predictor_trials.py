"""Trials of predictors, summarised over random splits of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from nasface.analysis.summaries import Row, Summary, Value, numbers, summarise
from nasface.metrics import mean_interval

ALL: Final = "all"
"""The region of all held-out networks."""

TAU: Final = "kendall_tau"

METRICS: Final = (
    *(TAU, "pair_accuracy", "spearman", "ndcg", "regret_1", "regret_5", "regret_10", "rmse", "bias"),
    *("antisymmetry", "cycles", "networks", "fit_seconds", "predict_us"),
)


class Difference(NamedTuple):
    """Mean of a difference paired by split, and half of its 95 % interval (NaN for one split)."""

    mean: float
    half: float

    @property
    def sure(self) -> bool:
        """Whether the interval excludes zero."""
        return abs(self.mean) > self.half


@dataclass(frozen=True)
class PredictorComparison:
    """Trials summarised over seeds.

    Attributes:
        baseline: The predictor that others are compared with on the same split.
        sizes: Numbers of networks learned from, rising.
        regions: Parts of the held-out networks, in order of appearance.
        summaries: One per predictor, size and region.
        differences: Kendall tau at the largest size minus that of the baseline, by region and predictor.
    """

    baseline: str
    sizes: tuple[int, ...]
    regions: tuple[str, ...]
    summaries: tuple[Summary, ...]
    differences: Mapping[tuple[str, str], Difference]

    @classmethod
    def of(cls, rows: Sequence[Row], baseline: str) -> PredictorComparison:
        """From the rows of `experiments.predictors`, one per trial and region."""
        sizes = tuple(sorted({int(size) for size in numbers(rows, "size")}))
        regions = tuple(dict.fromkeys(str(row["region"]) for row in rows))
        summaries = tuple(summarise(rows, ("predictor", "size", "region"), METRICS))
        return cls(baseline, sizes, regions, summaries, paired_differences(rows, baseline, sizes[-1]))

    def ranked(self, region: str) -> list[Summary]:
        """At the largest size, the best predictor first."""
        chosen = [s for s in self.summaries if (s.at["size"], s.at["region"]) == (self.sizes[-1], region)]
        return sorted(chosen, key=lambda s: -s.mean[TAU])

    def by_size(self, predictor: str, region: str) -> list[Summary]:
        """One predictor, learned from more and more networks."""
        found = {s.at["size"]: s for s in self.summaries if (s.at["predictor"], s.at["region"]) == (predictor, region)}
        return [found[size] for size in self.sizes if size in found]


def paired_differences(rows: Sequence[Row], baseline: str, size: int) -> dict[tuple[str, str], Difference]:
    """Kendall tau of every predictor minus that of the baseline on the same split, by region and predictor."""
    taus: dict[tuple[str, str], dict[Value, float]] = {}
    for row in rows:
        if row["size"] == size and (tau := row[TAU]) is not None:
            taus.setdefault((str(row["region"]), str(row["predictor"])), {})[row["seed"]] = float(tau)
    found = {}
    for (region, name), values in taus.items():
        other = taus.get((region, baseline), {})
        common = [seed for seed in values if seed in other]
        if name != baseline and common:
            found[region, name] = Difference(*mean_interval([values[seed] - other[seed] for seed in common]))
    return found
