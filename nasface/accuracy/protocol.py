"""What is measured of a sub-network's descriptors: the metrics that are an accuracy table's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface import metrics
from nasface.errors import InvalidInput
from nasface.metrics import ListedPairs, PhotoSet, Similarities, unit_rows

TOP1: Final = "top1"
"""Of the supernet's own classifier, see `closed_set`; in tables of known people the only metric."""

HALVES: Final = {"half": "people", "photos": "photos"}
"""Metrics of halves of the photos are METRIC_half1 and METRIC_half2 (either half of the people), METRIC_photos1 and
METRIC_photos2 (either half of every person's photos)."""

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]


def tabled() -> tuple[metrics.Metric, ...]:
    """What accuracy tables hold."""
    return tuple(metric for metric in metrics.all_metrics() if metric.tabled)


def columns() -> tuple[str, ...]:
    """The names of these metrics: a table's columns."""
    return tuple(metric.name for metric in tabled())


class Protocol:
    """Judges descriptors of fixed photos. Pairs and galleries are drawn once, so that every network has the same.

    Args:
        labels: (n,) person of every photo.
        pairs: Pairs for `accuracy`; by default balanced ones are drawn.
        parts: Rows of parts of the photos to be judged by themselves, too; their metrics are METRIC_NAME. By default
            the `halves`.

    Attributes:
        names: What `measure` returns: those of `columns()` that the photos and the parts suffice for.

    Raises:
        InvalidInput: There are too few photos or people for any metric.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.generic],
        pairs: ListedPairs | None = None,
        parts: Mapping[str, Rows] | None = None,
    ) -> None:
        codes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        self._parts = {"": _Part(PhotoSet.of(codes, pairs))}
        if not self._parts[""].metrics:
            raise InvalidInput(
                f"{len(codes)} photos of {len(set(codes.tolist()))} people are too few for any metric: give photos of "
                "several people, some of them with two photos or more."
            )
        given = halves(codes) if parts is None else parts
        self._parts |= {f"_{name}": _Part(_part(codes, rows)) for name, rows in given.items()}
        self.names = [f"{metric.name}{suffix}" for suffix, part in self._parts.items() for metric in part.metrics]

    def measure(self, descriptors: npt.NDArray[np.float32]) -> dict[str, float]:
        """All metrics of descriptors (n, d) of any length; all follow from the cosines of photos with one another."""
        rows = unit_rows(descriptors)
        cosines = rows @ rows.T
        found: dict[str, float] = {}
        for suffix, part in self._parts.items():
            similar = Similarities.of_cosines(part.photos, cosines)
            found |= {f"{metric.name}{suffix}": metric.compute(similar) for metric in part.metrics}
        return found


class _Part:
    """Some of the photos, and the metrics that they suffice for."""

    def __init__(self, photos: PhotoSet) -> None:
        self.photos = photos
        self.metrics = [metric for metric in tabled() if metric.needs(photos)]


def _part(codes: Codes, rows: Rows) -> PhotoSet:
    """Some rows of the whole set as a set of their own; its order leads to rows of the whole set."""
    part = PhotoSet.of(codes[rows])
    return replace(part, order=rows[part.order])


def halves(codes: Codes) -> dict[str, Rows]:
    """Rows of the halves in `HALVES`, by the ending of their columns."""
    split = {"half": codes % 2 == 1, "photos": _second_photos(codes)}
    return {
        f"{name}{number}": np.flatnonzero(rows)
        for name, second in split.items()
        for number, rows in enumerate((~second, second), 1)
    }


def _second_photos(codes: Codes) -> npt.NDArray[np.bool_]:
    """Every second photo of a person, from the first of every second person: two halves with all people in both."""
    order = np.argsort(codes, kind="stable")
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes)) - np.searchsorted(codes[order], codes[order])
    return np.asarray((place + codes) % 2 == 1)
