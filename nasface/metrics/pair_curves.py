"""What an evaluation draws: the curve of all pairs, how distances are spread, who is taken for others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.metrics._checks import label_codes, lowest_far, unit_rows
from nasface.metrics.roc import Roc

POINTS: Final = 60
"""False accept rates of a curve."""

BINS: Final = 60
"""Bins of squared L2 distances of unit descriptors, 0 to 4."""


@dataclass(frozen=True)
class PairCurves:
    """The curve of all pairs and the distributions of their distances.

    Attributes:
        far: False accept rates, evenly spaced by their logarithms, from the lowest that the pairs support to 1.
        tar: True accept rate at each.
        edges: Ends of the bins of squared L2 distances, one more than there are bins.
        genuine: Share of the pairs of one person in each bin.
        impostors: Share of the pairs of two people in each bin.
    """

    far: tuple[float, ...]
    tar: tuple[float, ...]
    edges: tuple[float, ...]
    genuine: tuple[float, ...]
    impostors: tuple[float, ...]

    @classmethod
    def of(cls, roc: Roc) -> PairCurves:
        """From the curve of all pairs."""
        pairs = roc.pairs
        rates = np.geomspace(min(lowest_far(len(pairs.impostor)), 1.0), 1.0, POINTS).tolist()
        edges = np.linspace(0.0, 4.0, BINS + 1)
        shares = (np.histogram(part, edges)[0] / len(part) for part in (pairs.genuine, pairs.impostor))
        spread = (tuple(np.round(share, 8).tolist()) for share in shares)
        tars = tuple(roc.at_far(rate).tar for rate in rates)
        return cls(tuple(rates), tars, tuple(np.round(edges, 6).tolist()), *spread)


def false_accepts(descriptors: npt.ArrayLike, labels: npt.ArrayLike, threshold: float) -> npt.NDArray[np.int64]:
    """How many pairs of a person's photo and somebody else's are accepted, by person in the order of the labels.

    Args:
        descriptors: (n, d), scaled to unit length here.
        labels: (n,) person of every photo.
        threshold: Squared L2 distance below which two photos are taken for one person.

    Returns:
        int64[people]; a pair counts for both of its people.

    Raises:
        InvalidInput: Bad shapes or values.
    """
    rows = unit_rows(descriptors)
    codes = label_codes(labels, len(rows))
    counts = np.zeros(int(codes.max()) + 1, np.int64)
    for start in range(0, len(rows), 1024):
        block = slice(start, start + 1024)
        near = (2 - 2 * rows[block] @ rows.T < threshold) & (codes[block, None] != codes)
        np.add.at(counts, codes[block], near.sum(axis=1))
    return counts
