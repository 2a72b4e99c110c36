"""Verification on listed pairs with folds: facenet's `evaluate`, which LFW results are stated in.

For every fold the threshold is chosen on the other folds and applied to the fold. Thresholds lie on a grid of squared
L2 distances of unit descriptors (0 to 4): steps of 0.01 for accuracy and the averaged curve, 0.001 for the validation
rate. Instead of comparing every pair with every threshold, sorted distances are searched: same integers, much faster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import Bools, Floats, Ints, check_far, unit_rows
from nasface.metrics.roc import PairDistances

_ACCURACY_GRID = np.arange(0.0, 4.0, 0.01)
_VAL_GRID = np.arange(0.0, 4.0, 0.001)


@dataclass(frozen=True)
class ValAtFar:
    """Validation rate (genuine pairs accepted) at a false accept rate, the threshold coming from the other folds.

    Attributes:
        target: The false accept rate asked for.
        mean: Mean validation rate over folds.
        std: Its standard deviation over folds (ddof 0).
        far: Mean false accept rate measured on the held-out folds.
        thresholds: Squared L2 distance per fold; 0 where no threshold of the grid reaches the target.
    """

    target: float
    mean: float
    std: float
    far: float
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class Verification:
    """Result of `evaluate_pairs`.

    Attributes:
        accuracy: Mean accuracy over folds.
        accuracy_std: Its standard deviation over folds (ddof 0).
        fold_accuracies: Accuracy of every fold.
        thresholds: Squared L2 distance chosen for every fold; the cosine is 1 - threshold / 2.
        val: Validation rate at the stated false accept rate, None when it was not asked for.
        auc: Exact area under the curve of all pairs.
        eer: Exact equal error rate of all pairs.
        auc_grid: Area under the curve averaged over folds on the grid, as facenet prints it.
        eer_grid: Equal error rate of that averaged curve.
        genuine: Number of pairs of one person.
        impostors: Number of pairs of two people.
    """

    accuracy: float
    accuracy_std: float
    fold_accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]
    val: ValAtFar | None
    auc: float
    eer: float
    auc_grid: float
    eer_grid: float
    genuine: int
    impostors: int


def squared_distances(
    descriptors: npt.ArrayLike, first: npt.NDArray[np.integer], second: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """Squared L2 distances (pairs,) between rows `first` and `second` of descriptors (n, d), scaled to unit length."""
    rows = unit_rows(descriptors)
    return np.asarray(((rows[first] - rows[second]) ** 2).sum(axis=1))


def evaluate_pairs(
    distances: npt.ArrayLike,
    same: npt.ArrayLike,
    folds: npt.ArrayLike,
    far: float | None = 1e-3,
    *,
    protocol: bool = False,
) -> Verification:
    """Verification over listed pairs.

    Args:
        distances: (n,) squared L2 distances of unit descriptors.
        same: (n,) whether a pair shows one person.
        folds: (n,) integer fold of every pair; at least two folds, each with genuine and impostor pairs.
        far: False accept rate of the validation rate; None leaves it out.
        protocol: Follow the published protocol, which states the rate at `far` however few impostor pairs there are.

    Raises:
        InvalidInput: Shapes differ, a fold lacks one kind of pair, a distance is not finite, or `far` is below ten over
            the number of impostor pairs and `protocol` is not set.
    """
    d, is_same, fold = _checked(distances, same, folds)
    impostors = int((~is_same).sum())
    if far is not None and not protocol:
        check_far(far, impostors)
    parts = _Folds.split(d, is_same, fold)
    accuracies, thresholds = _accuracy(parts)
    auc_grid, eer_grid = _averaged_curve(parts)
    roc = PairDistances(d[is_same], d[~is_same]).roc()
    return Verification(
        accuracy=float(accuracies.mean()),
        accuracy_std=float(accuracies.std()),
        fold_accuracies=tuple(accuracies.tolist()),
        thresholds=tuple(thresholds.tolist()),
        val=None if far is None else _val_at_far(parts, far),
        auc=roc.auc,
        eer=roc.eer,
        auc_grid=auc_grid,
        eer_grid=eer_grid,
        genuine=len(d) - impostors,
        impostors=impostors,
    )


def _checked(distances: npt.ArrayLike, same: npt.ArrayLike, folds: npt.ArrayLike) -> tuple[Floats, Bools, Ints]:
    d, is_same, fold = np.asarray(distances, np.float64), np.asarray(same, np.bool_), np.asarray(folds)
    if d.ndim != 1 or not d.shape == is_same.shape == fold.shape:
        raise InvalidInput(
            "Distances, same and folds must have one entry per pair; the shapes are "
            f"{d.shape}, {is_same.shape} and {fold.shape}."
        )
    if not np.isfinite(d).all():
        raise InvalidInput("Every distance must be finite; check the network that made the descriptors.")
    return d, is_same, np.unique(fold, return_inverse=True)[1]


@dataclass(frozen=True)
class _Folds:
    """Sorted distances of every fold."""

    genuine: tuple[Floats, ...]
    impostor: tuple[Floats, ...]

    @classmethod
    def split(cls, d: Floats, same: Bools, fold: Ints) -> _Folds:
        count = int(fold.max()) + 1 if fold.size else 0
        genuine = tuple(np.sort(d[same & (fold == k)]) for k in range(count))
        impostor = tuple(np.sort(d[~same & (fold == k)]) for k in range(count))
        if count < 2 or not all(len(part) for part in genuine + impostor):
            raise InvalidInput(
                f"Pairs need at least two folds, each with genuine and impostor pairs; there are {count} folds: "
                "leave the folds out of the pairs file to get ten stratified ones."
            )
        return cls(genuine, impostor)


def _below(parts: tuple[Floats, ...], grid: Floats) -> npt.NDArray[np.int64]:
    """(folds, thresholds): how many distances lie strictly below each threshold."""
    return np.stack([np.searchsorted(part, grid, side="left") for part in parts])


def _sizes(parts: tuple[Floats, ...]) -> npt.NDArray[np.int64]:
    return np.array([len(part) for part in parts], np.int64)


def _accuracy(parts: _Folds) -> tuple[Floats, Floats]:
    """Accuracy (folds,) and the threshold chosen for each: the first that is best on all other folds."""
    accepted, wrong = _below(parts.genuine, _ACCURACY_GRID), _below(parts.impostor, _ACCURACY_GRID)
    right = accepted + _sizes(parts.impostor)[:, None] - wrong
    best = np.argmax(right.sum(axis=0) - right, axis=1)
    size = _sizes(parts.genuine) + _sizes(parts.impostor)
    return right[np.arange(len(best)), best] / size, _ACCURACY_GRID[best]


def _averaged_curve(parts: _Folds) -> tuple[float, float]:
    """Area and equal error rate of the curve averaged over folds, closed at (1, 1) where the grid stops short of it."""
    tpr = (_below(parts.genuine, _ACCURACY_GRID) / _sizes(parts.genuine)[:, None]).mean(axis=0)
    fpr = (_below(parts.impostor, _ACCURACY_GRID) / _sizes(parts.impostor)[:, None]).mean(axis=0)
    tpr, fpr = np.append(tpr, 1.0), np.append(fpr, 1.0)
    k = int(np.argmax(tpr + fpr >= 1.0))  # at least 1: the first point is (0, 0)
    start, end = tpr[k - 1] + fpr[k - 1], tpr[k] + fpr[k]
    eer = fpr[k - 1] + (1.0 - start) / (end - start) * (fpr[k] - fpr[k - 1])
    return float(0.5 * (tpr[1:] + tpr[:-1]) @ np.diff(fpr)), float(eer)


def _val_at_far(parts: _Folds, far: float) -> ValAtFar:
    below = _below(parts.impostor, _VAL_GRID)
    size = _sizes(parts.impostor)
    rates = (below.sum(axis=0) - below) / (size.sum() - size)[:, None]  # (folds, thresholds), other folds only
    thresholds = [float(np.interp(far, rate, _VAL_GRID)) if rate.max() >= far else 0.0 for rate in rates]
    vals = np.array([(part < t).mean() for part, t in zip(parts.genuine, thresholds, strict=True)])
    fars = np.array([(part < t).mean() for part, t in zip(parts.impostor, thresholds, strict=True)])
    return ValAtFar(far, float(vals.mean()), float(vals.std()), float(fars.mean()), tuple(thresholds))
