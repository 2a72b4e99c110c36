"""How much of an accuracy table is noise.

Measured on other people, or on other photos of the same people, networks would rank differently. Two halves that each
measured all networks show by how much: their correlation r over networks is the reliability of half the photos, and
2 r / (1 + r) that of all of them (Spearman 1910, Brown 1910). A share 1 - reliability of the variance between networks
is noise. So even a predictor that knew every network's true accuracy would not reach a Kendall tau of 1 against the
table: for normally distributed values its correlation with the table is sqrt(reliability), and tau is
2 / pi arcsin(correlation) (Kruskal 1958).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.accuracy.protocol import HALVES, TOP1, columns
from nasface.accuracy.table import AccuracyTable
from nasface.errors import TableError
from nasface.metrics import bootstrap, kendall_tau

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEAST: Final = 20
"""Networks below which a correlation between them says nothing."""

RESAMPLES: Final = 400


@dataclass(frozen=True)
class Reliability:
    """How reliable one metric is, over one set of networks.

    Attributes:
        metric: Its column.
        split: What the halves differ in: "people" or "photos".
        region: "whole table", or the budget that the networks are near.
        subnets: Number of networks.
        deviation: Standard deviation of the metric between these networks.
        noise: Standard deviation of its noise.
        reliability: Of all photos; 0 where there is nothing but noise.
        low: Lower end of its 95 % bootstrap interval over networks.
        high: Upper end.
        tau_halves: Kendall tau between the halves.
        ceiling: Kendall tau that a perfect predictor would have against the table.
    """

    metric: str
    split: str
    region: str
    subnets: int
    deviation: float
    noise: float
    reliability: float
    low: float
    high: float
    tau_halves: float
    ceiling: float


@dataclass(frozen=True)
class Validity:
    """How well one metric, as measured, orders networks by the true value of another.

    Attributes:
        learned: Column that a predictor would learn from.
        wanted: Metric that counts in the end.
        true_correlation: Between the true values of both, corrected for the noise of both.
        correlation: Between the measured `learned` and the true `wanted`.
    """

    learned: str
    wanted: str
    true_correlation: float
    correlation: float


def spearman_brown(correlation: float, factor: float = 2.0) -> float:
    """Reliability of `factor` times the material, from that of the material; 0 where halves do not agree at all."""
    known = max(correlation, 0.0)
    return factor * known / (1.0 + (factor - 1.0) * known)


def material_for(reliability: float, correlation: float) -> float:
    """How many times the material is needed for a reliability, given that of the material; inf if it has none."""
    return reliability / (1.0 - reliability) * (1.0 - correlation) / correlation if correlation > 0 else math.inf


def tau_ceiling(reliability: float) -> float:
    """Kendall tau of the true values against measured ones of this reliability."""
    return 2.0 / math.pi * math.asin(math.sqrt(min(max(reliability, 0.0), 1.0)))


def reliabilities(table: AccuracyTable, regions: Sequence[tuple[str, Mask]] = ()) -> list[Reliability]:
    """Reliability of every metric that the table has halves of, over all networks and in regions.

    Args:
        table: With columns METRIC_half1 and METRIC_half2 (people), METRIC_photos1 and METRIC_photos2, or some of them.
        regions: Name and rows of further sets of networks; those of less than `LEAST` are left out.

    Raises:
        TableError: There are less than `LEAST` networks, or no halves.
    """
    if len(table) < LEAST:
        raise TableError(f"The table has {len(table)} subnets; its reliability needs {LEAST} at the very least.")
    pairs = [(metric, name) for metric in (*columns(), TOP1) for name in HALVES if f"{metric}_{name}1" in table.metrics]
    if not pairs:
        raise TableError("The table has no halves (auc_half1, auc_half2, ...); measure it with task=estimate_accuracy.")
    whole = np.ones(len(table), np.bool_)
    kept = [("whole table", whole), *((name, rows) for name, rows in regions if rows.sum() >= LEAST)]
    return [_reliability(table, metric, half, name, rows) for name, rows in kept for metric, half in pairs]


def validities(table: AccuracyTable) -> list[Validity]:
    """For every pair of metrics with halves of people: what learning from one is worth for the other.

    The halves' errors are independent, so one metric on one half against the other metric on the other half shows their
    common part alone.
    """
    names = [metric for metric in (*columns(), TOP1) if f"{metric}_half1" in table.metrics]
    halves = {name: (table.target(f"{name}_half1"), table.target(f"{name}_half2")) for name in names}
    own = {name: _correlation(*halves[name]) for name in names}
    found = []
    for learned in names:
        for wanted in names:
            (a, b), (c, d) = halves[learned], halves[wanted]
            crossed = 0.5 * (_correlation(a, d) + _correlation(b, c))
            scale = math.sqrt(max(own[learned] * own[wanted], 1e-12))
            true = min(max(crossed / scale, -1.0), 1.0)
            measured = true * math.sqrt(max(spearman_brown(own[learned]), 0.0))
            found.append(Validity(learned, wanted, true, measured))
    return found


def best_to_learn(found: Sequence[Validity]) -> list[Validity]:
    """For every metric that may count in the end, the one whose measured values order networks best by it."""
    wanted = dict.fromkeys(entry.wanted for entry in found)
    return [
        max((entry for entry in found if entry.wanted == name), key=lambda entry: abs(entry.correlation))
        for name in wanted
    ]


def _reliability(table: AccuracyTable, metric: str, half: str, region: str, rows: Mask) -> Reliability:
    whole, first, second = (table.target(name)[rows] for name in (metric, f"{metric}_{half}1", f"{metric}_{half}2"))
    known = bootstrap(
        len(whole),
        lambda rows: spearman_brown(_correlation(first[rows], second[rows])),
        RESAMPLES,
        np.random.default_rng(0),
    )
    reliability = known.value
    deviation = float(whole.std(ddof=1))
    noise = deviation * math.sqrt(min(max(1.0 - reliability, 0.0), 1.0))
    tau, ceiling = kendall_tau(first, second), tau_ceiling(reliability)
    return Reliability(
        metric,
        HALVES[half],
        region,
        len(whole),
        deviation,
        noise,
        reliability,
        known.low,
        known.high,
        tau,
        ceiling,
    )


def _correlation(a: Values, b: Values) -> float:
    """Pearson's; 0 where either side is constant."""
    x, y = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale else 0.0
