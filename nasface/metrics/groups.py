"""Errors by group of people, at one threshold: who is falsely taken for another, who is not recognised.

As in NIST IR 8280: one threshold for everybody, the false match rate over pairs of different people of one group, the
false non-match rate over pairs of photos of one person. Groups are what a user says; nothing is inferred from a face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import label_codes, unit_rows
from nasface.metrics.resampling import Interval, student_interval

Counts = npt.NDArray[np.float64]

LEAST_PEOPLE: Final = 10
"""People of a group, at least, for an interval."""


@dataclass(frozen=True)
class GroupRates:
    """Errors among the photos of one group.

    Attributes:
        group: Its name.
        people: People with photos in it.
        photos: Their photos.
        genuine: Pairs of photos of one person.
        impostors: Pairs of photos of different people.
        fnmr: Share of the genuine pairs that are taken for two people; None without a pair.
        fmr: Share of the impostor pairs that are taken for one person; None without a pair.
        fnmr_interval: 95 %, over people; None with fewer than `LEAST_PEOPLE` people or without pairs.
        fmr_interval: Likewise.
    """

    group: str
    people: int
    photos: int
    genuine: int
    impostors: int
    fnmr: float | None
    fmr: float | None
    fnmr_interval: Interval | None
    fmr_interval: Interval | None


def group_rates(
    descriptors: npt.ArrayLike,
    labels: npt.ArrayLike,
    groups: Sequence[str],
    threshold: float,
    rng: np.random.Generator,
    resamples: int = 200,
) -> list[GroupRates]:
    """Errors of every group at one threshold, by name.

    Args:
        descriptors: (n, d), scaled to unit length here.
        labels: (n,) person of every photo.
        groups: (n,) group of every photo; photos of the group "" are left out.
        threshold: Squared L2 distance below which two photos are taken for one person.
        rng: Draws the people of the intervals.
        resamples: Of the bootstrap over people; 0 for no intervals.

    Raises:
        InvalidInput: Bad shapes or values; no photo has a group.
    """
    rows = unit_rows(descriptors)
    codes, names = label_codes(labels, len(rows)), np.array(groups, np.str_)
    if names.shape != codes.shape:
        raise InvalidInput(f"There are {len(codes)} photos and groups of {names.size}; every photo needs one.")
    known = sorted(set(names.tolist()) - {""})
    if not known:
        raise InvalidInput("None of the photos has a group; give a file with the groups of these photos or people.")
    return [
        _rates(name, rows[mine], np.unique(codes[mine], return_inverse=True)[1], threshold, rng, resamples)
        for name in known
        for mine in [names == name]
    ]


def _rates(
    name: str,
    rows: npt.NDArray[np.float32],
    people: npt.NDArray[np.int64],
    threshold: float,
    rng: np.random.Generator,
    resamples: int,
) -> GroupRates:
    accepted, pairs = _counts(rows, people, threshold)
    one = np.ones(len(pairs))
    sums = _sums(accepted, pairs, one)
    drawn = resamples if len(pairs) >= LEAST_PEOPLE else 0
    weights = (rng.multinomial(len(pairs), one / len(pairs)).astype(np.float64) for _ in range(drawn))
    draws = np.array([_sums(accepted, pairs, weight) for weight in weights]).reshape(drawn, 4)
    genuine, matched, impostors, false_matches = sums
    fnmr = 1 - matched / genuine if genuine else None
    fmr = false_matches / impostors if impostors else None
    return GroupRates(
        name,
        len(pairs),
        len(rows),
        round(genuine),
        round(impostors),
        fnmr,
        fmr,
        _interval(fnmr, draws[:, 0] - draws[:, 1], draws[:, 0], len(pairs)),
        _interval(fmr, draws[:, 3], draws[:, 2], len(pairs)),
    )


def _counts(rows: npt.NDArray[np.float32], people: npt.NDArray[np.int64], threshold: float) -> tuple[Counts, Counts]:
    """Pairs of photos, accepted and in all, of every two people [people, people]; those of one person count twice."""
    members = np.zeros((len(rows), int(people.max()) + 1), np.float32)
    members[np.arange(len(rows)), people] = 1
    accepted = np.zeros((members.shape[1],) * 2)
    for start in range(0, len(rows), 1024):
        block = slice(start, start + 1024)
        near = (2 - 2 * rows[block] @ rows.T < threshold).astype(np.float32)
        near[np.arange(len(near)), np.arange(start, start + len(near))] = 0  # a photo with itself
        accepted += members[block].T @ (near @ members)
    photos = members.sum(axis=0).astype(np.float64)
    return accepted, np.outer(photos, photos) - np.diag(photos)


def _sums(accepted: Counts, pairs: Counts, weights: Counts) -> tuple[float, float, float, float]:
    """Genuine pairs, those accepted, impostor pairs, those accepted, people counting `weights` times.

    Pairs of two copies of one person are left out, as in `bootstrap_people`.
    """
    found = []
    for table in (pairs, accepted):
        own = np.diag(table)
        found.append((weights @ own / 2, (weights @ table @ weights - np.square(weights) @ own) / 2))
    (genuine, impostors), (matched, false_matches) = found
    return float(genuine), float(matched), float(impostors), float(false_matches)


def _interval(value: float | None, part: Counts, whole: Counts, people: int) -> Interval | None:
    usable = whole > 0
    if value is None or usable.sum() < 2:
        return None
    return student_interval(value, part[usable] / whole[usable], people)
