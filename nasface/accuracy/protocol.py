"""What is measured of a sub-network's descriptors: the metrics that are an accuracy table's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics import unit_rows
from nasface.metrics.all_pairs import count_pairs, distances_of_cosines
from nasface.metrics.identification import draw_galleries, identify, nearest_is_same
from nasface.metrics.roc import PairDistances
from nasface.metrics.sampling import ListedPairs, balanced_pairs
from nasface.metrics.verification import evaluate_pairs

FARS: Final[dict[str, float]] = {"tar_at_far_1e-2": 1e-2, "tar_at_far_1e-3": 1e-3}

METRICS: Final = ("auc", "eer", *FARS, "accuracy", "rank1", "identification", "identification_macro")
"""Verification over all pairs of photos (`auc` to `tar_at_far_...`); accuracy on balanced pairs, each fold's threshold
chosen on the others; rank-1 identification by leave-one-out; and by the paper's protocol, one random gallery photo per
person, micro and macro."""

TOP1: Final = "top1"
"""Of the supernet's own classifier, see `closed_set`; in tables of known people the only metric."""

HALVES: Final = {"half": "people", "photos": "photos"}
"""Metrics of halves of the photos are METRIC_half1 and METRIC_half2 (either half of the people), METRIC_photos1 and
METRIC_photos2 (either half of every person's photos)."""

REPETITIONS: Final = 10
"""Galleries drawn, as for the paper's tables."""

Rows = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int64]
Cosines = npt.NDArray[np.float32]


class Protocol:
    """Judges descriptors of fixed photos. Pairs and galleries are drawn once, so that every network has the same.

    Args:
        labels: (n,) person of every photo.
        pairs: Pairs for `accuracy`; by default balanced ones are drawn.
        parts: Rows of parts of the photos to be judged by themselves, too; their metrics are METRIC_NAME. By default
            the `halves`.

    Attributes:
        names: What `measure` returns: `METRICS`, and for the parts those that they have photos enough for.

    Raises:
        InvalidInput: There are too few photos or people for one of `METRICS`.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.generic],
        pairs: ListedPairs | None = None,
        parts: Mapping[str, Rows] | None = None,
    ) -> None:
        codes = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        self._parts = {"": _Part(codes, np.arange(len(codes)), pairs)}
        missing = [name for name in METRICS if name not in self._parts[""].names]
        if missing:
            raise InvalidInput(
                f"{len(codes)} photos of {len(set(codes.tolist()))} people are too few for {', '.join(missing)}: give "
                "about 150 photos or more of many people, at least four of them with two photos."
            )
        given = halves(codes) if parts is None else parts
        self._parts |= {f"_{name}": _Part(codes, rows) for name, rows in given.items()}
        self.names = [f"{name}{suffix}" for suffix, part in self._parts.items() for name in part.names]

    def measure(self, descriptors: npt.NDArray[np.float32]) -> dict[str, float]:
        """All metrics of descriptors (n, d) of any length; all follow from the cosines of photos with one another."""
        rows = unit_rows(descriptors)
        cosines = rows @ rows.T
        found: dict[str, float] = {}
        for suffix, part in self._parts.items():
            found |= {f"{name}{suffix}": value for name, value in part.measure(cosines).items()}
        return found


class _Part:
    """Some of the photos, by their rows.

    Args:
        codes: (n,) person of every photo of the whole set.
        rows: The part's photos.
        pairs: Pairs of the whole set for `accuracy`; by default balanced ones are drawn from the part.
    """

    def __init__(self, codes: Codes, rows: Rows, pairs: ListedPairs | None = None) -> None:
        self._rows = rows[np.argsort(codes[rows], kind="stable")]  # in order of people
        self._codes = np.unique(codes[self._rows], return_inverse=True)[1].astype(np.int64)
        several = np.bincount(self._codes) > 1
        impostors = count_pairs(self._codes)[1]
        self._fars = {name: far for name, far in FARS.items() if far * impostors >= 10.0 - 1e-9}
        self._probes = np.flatnonzero(several[self._codes])
        self._people = np.unique(self._codes[self._probes], return_inverse=True)[1].astype(np.int64)
        self._galleries = draw_galleries(self._people, REPETITIONS, 0) if several.sum() > 1 else []
        self._pairs = pairs
        if pairs is None and several.sum() >= 4:
            drawn = balanced_pairs(self._codes, np.random.default_rng(0))
            self._pairs = replace(drawn, first=self._rows[drawn.first], second=self._rows[drawn.second])
        self.names = self._names(bool(several.any()) and impostors > 0)

    def _names(self, comparable: bool) -> list[str]:
        there = dict.fromkeys(METRICS, comparable) | {name: comparable and name in self._fars for name in FARS}
        there |= dict.fromkeys(("identification", "identification_macro"), bool(self._galleries))
        there["accuracy"] = self._pairs is not None
        return [name for name in METRICS if there[name]]

    def measure(self, cosines: Cosines) -> dict[str, float]:
        """The metrics in `names`, from the cosines (n, n) of the whole set."""
        mine = cosines[np.ix_(self._rows, self._rows)]
        found: dict[str, float] = {}
        if "auc" in self.names:
            found = self._all_pairs(mine)
        if self._pairs is not None:
            distances = 2.0 - 2.0 * cosines[self._pairs.first, self._pairs.second]
            found["accuracy"] = evaluate_pairs(distances, self._pairs.same, self._pairs.folds, None).accuracy
        if self._galleries:
            result = identify(mine[np.ix_(self._probes, self._probes)], self._people, self._galleries)
            found |= {"identification": result.micro, "identification_macro": result.macro}
        return {name: found[name] for name in self.names}

    def _all_pairs(self, mine: Cosines) -> dict[str, float]:
        roc = PairDistances(*distances_of_cosines(mine, self._codes)).roc()
        rates = {name: roc.at_far(far).tar for name, far in self._fars.items()}
        hits = nearest_is_same(mine[self._probes], self._codes, self._probes)
        return {"auc": roc.auc, "eer": roc.eer} | rates | {"rank1": float(hits.mean())}


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
