"""A Pareto front as CSV and picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nasface.analysis.precisions import JointFront
from nasface.predictors import Ranker
from nasface.reports.svg import Limit, Series, picture
from nasface.runs import write_text
from nasface.spaces import SearchSpace
from nasface.strategies import ParetoFront

FILE, PICTURE = "front.csv", "front.svg"

_STYLES = ("cloud", "found", "other", "reference")
"""Of precisions."""


def write_front(folder: Path, front: ParetoFront, ranker: Ranker, metric: str, limit: float | None) -> None:
    """Write `front.csv`, one network a line, and `front.svg`, predicted accuracy by the first cost.

    Args:
        folder: Where to.
        front: What was found.
        ranker: Says the predicted accuracies.
        metric: Their name.
        limit: Bound on the first cost, if there is one.
    """
    predicted = ranker.predicted_accuracy(front.population)
    order = np.lexsort((predicted, front.costs[:, 0]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f"predicted_{metric}", *_distinct(front.keys, front.labels), "genes"])
    for row in order:
        genes = ranker.space.to_text(front.population[row])
        writer.writerow([f"{predicted[row]:.6f}", *(f"{value:.6g}" for value in front.costs[row]), genes])
    write_text(folder / FILE, text.getvalue())
    points = [(float(front.costs[row, 0]), float(predicted[row])) for row in order]
    marked = () if limit is None else (Limit(limit, "budget"),)
    kind = "exact front" if front.exact else "front found"
    svg = picture([Series(kind, points, "cloud")], front.labels[0], f"predicted {metric} (estimated)", marked)
    write_text(folder / PICTURE, svg)


def write_joint_front(folder: Path, front: JointFront, space: SearchSpace, metric: str, limit: float | None) -> None:
    """The same for files of several precisions, one file a line: its precision, and the deviation of its effect."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = _distinct(front.keys, front.labels)
    writer.writerow(["precision", f"predicted_{metric}", f"deviation_{metric}", *keys, "genes"])
    for point in front.points:
        costs = (f"{value:.6g}" for value in point.costs)
        accuracy = (f"{point.predicted:.6f}", f"{point.deviation:.6f}")
        writer.writerow([point.precision, *accuracy, *costs, space.to_text(point.genotype)])
    write_text(folder / FILE, text.getvalue())
    series = [
        Series(name, [(p.costs[0], p.predicted) for p in front.points if p.precision == name], style)
        for name, style in zip(dict.fromkeys(point.precision for point in front.points), _STYLES, strict=False)
    ]
    marked = () if limit is None else (Limit(limit, "budget"),)
    svg = picture(series, front.labels[0], f"predicted {metric} (estimated)", marked)
    write_text(folder / PICTURE, svg)


def _distinct(keys: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The keys, or labels where several devices share a key."""
    return [key if keys.count(key) == 1 else label for key, label in zip(keys, labels, strict=True)]
