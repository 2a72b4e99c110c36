"""Receiver operating characteristic of genuine and impostor distances, exact, with optional weights per pair.

A pair is called "same person" when its distance is strictly below the threshold. Genuine pairs show one person,
impostor pairs two. Everything here follows from how much impostor mass lies below each genuine distance, so the work
after sorting grows with the number of genuine pairs, of which there are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import Floats, Ints


@dataclass(frozen=True)
class OperatingPoint:
    """Where a verifier works at a stated false accept rate.

    Attributes:
        far: The false accept rate asked for.
        tar: Share of genuine pairs accepted there.
        threshold: Accept below this squared L2 distance of unit descriptors; the cosine is 1 - threshold / 2.
    """

    far: float
    tar: float
    threshold: float

    def to_json(self) -> dict[str, float]:
        """An entry of `thresholds` of a model's description."""
        cosine = 1 - self.threshold / 2
        return {"far": self.far, "tar": self.tar, "squared_l2": self.threshold, "cosine": cosine}


class PairDistances:
    """Sorted distances of genuine (m,) and impostor (n,) pairs.

    Args:
        genuine: Distances of pairs of one person, any order.
        impostor: Distances of pairs of two people, any order.
        presorted: Set when both are in ascending order already.

    Raises:
        InvalidInput: One of them is empty or holds a value that is not finite.
    """

    def __init__(self, genuine: Floats, impostor: Floats, *, presorted: bool = False) -> None:
        if not (len(genuine) and len(impostor)):
            raise InvalidInput(
                f"Verification needs genuine and impostor pairs; there are {len(genuine)} and {len(impostor)}: "
                "give at least two people, one of them with two photos."
            )
        self.genuine = genuine if presorted else np.sort(genuine)
        self.impostor = impostor if presorted else np.sort(impostor)
        if not (np.isfinite(self.genuine[[0, -1]]).all() and np.isfinite(self.impostor[[0, -1]]).all()):
            raise InvalidInput("Every distance must be finite.")

    @cached_property
    def below(self) -> npt.NDArray[np.int64]:
        """Number of impostor distances strictly below each genuine one, (m,)."""
        return np.searchsorted(self.impostor, self.genuine, side="left")

    @cached_property
    def up_to(self) -> npt.NDArray[np.int64]:
        """Number of impostor distances below or equal to each genuine one, (m,)."""
        return np.searchsorted(self.impostor, self.genuine, side="right")

    def roc(self, genuine_weights: Ints | None = None, impostor_weights: Ints | None = None) -> Roc:
        """The curve; whole-number weights are in the order of the sorted distances and default to one per pair."""
        return Roc(self, _mass(genuine_weights, len(self.genuine)), _mass(impostor_weights, len(self.impostor)))


def _mass(weights: Ints | None, size: int) -> npt.NDArray[np.int64]:
    """Cumulative weight of the first 0, 1, ..., size pairs."""
    if weights is None:
        return np.arange(size + 1, dtype=np.int64)
    mass = np.zeros(size + 1, np.int64)
    np.cumsum(weights, out=mass[1:])
    return mass


class Roc:
    """A weighted curve over `pairs`; `genuine_mass` (m + 1,) and `impostor_mass` (n + 1,) are cumulative weights.

    Attributes:
        pairs: The distances.
    """

    def __init__(
        self, pairs: PairDistances, genuine_mass: npt.NDArray[np.int64], impostor_mass: npt.NDArray[np.int64]
    ) -> None:
        self.pairs = pairs
        self._genuine_mass, self._impostor_mass = genuine_mass, impostor_mass
        self._far_before = impostor_mass[pairs.below] / impostor_mass[-1]
        self._far_after = impostor_mass[pairs.up_to] / impostor_mass[-1]

    @property
    def auc(self) -> float:
        """Chance that a genuine pair is closer than an impostor pair, equal distances counting one half."""
        weights = np.diff(self._genuine_mass)
        farther = 1.0 - 0.5 * (self._far_before + self._far_after)
        return float(weights @ farther / self._genuine_mass[-1])

    @property
    def eer(self) -> float:
        """Equal error rate: where the curve, its points joined by straight lines, meets FAR = 1 - TAR."""
        genuine = self.pairs.genuine
        last = np.flatnonzero(np.append(genuine[1:] > genuine[:-1], True))  # of every run of equal distances
        tar_after = self._genuine_mass[last + 1] / self._genuine_mass[-1]
        tar_before = np.concatenate(([0.0], tar_after[:-1]))
        before, after = self._far_before[last], self._far_after[last]
        k = int(np.argmax(after + tar_after >= 1.0))
        start = before[k] + tar_before[k]
        if start >= 1.0:  # crossed between two genuine distances, where TAR stands still
            return float(1.0 - tar_before[k])
        share = (1.0 - start) / (after[k] + tar_after[k] - start)
        return float(before[k] + share * (after[k] - before[k]))

    def at_far(self, far: float) -> OperatingPoint:
        """The loosest threshold at an impostor distance that accepts at most `far` of the impostor mass."""
        allowed = np.int64(
            far * self._impostor_mass[-1] * (1.0 + 1e-12)
        )  # an integer, or all masses would be converted
        k = int(np.searchsorted(self._impostor_mass[1:], allowed, side="right"))
        threshold = self.pairs.impostor[min(k, len(self.pairs.impostor) - 1)]
        accepted = self._genuine_mass[np.searchsorted(self.pairs.genuine, threshold, side="left")]
        return OperatingPoint(far, float(accepted / self._genuine_mass[-1]), float(threshold))
