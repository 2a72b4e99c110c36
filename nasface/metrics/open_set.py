"""Identification against a gallery: closed set (whose photo is it?) and open set (is it anybody's?).

Closed set: the cumulative match characteristic, the share of probes whose person is among the k likeliest. Open set, as
in NIST FRVT 1:N and ISO/IEC 19795-1: the false positive identification rate (FPIR) is the share of strangers who are
taken for somebody, the detection and identification rate (DIR) the share of known people who are named rightly above
the same threshold; FNIR is 1 - DIR.
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

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FPIRS: Final = (0.1, 0.01)
"""False positive identification rates that are looked at unless others are asked for."""

LEVEL: Final = 0.95
"""Of the intervals."""

ACCEPTED: Final = 10
"""Strangers who are taken for somebody, at least, for a rate to be told."""


@dataclass(frozen=True)
class Identification:
    """What a gallery says of probes.

    Attributes:
        cmc: Share of known probes whose person is among the k likeliest, for every k from 1; ties count against.
        dir: By false positive identification rate, with a 95 % interval over people.
        gallery: People in the gallery, one photo each.
        known: Probes of these people.
        unknown: Probes of strangers.
    """

    cmc: tuple[float, ...]
    dir: dict[float, Interval]
    gallery: int
    known: int
    unknown: int


def open_set(
    descriptors: npt.ArrayLike,
    labels: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    fpirs: Sequence[float] | None = None,
    known: float = 0.5,
    resamples: int = 200,
) -> Identification:
    """Half of the people with several photos are enrolled with one; everybody else is a stranger.

    Args:
        descriptors: (n, d), scaled to unit length here.
        labels: (n,) person of every photo.
        rng: Draws who is enrolled, with which photo, and the resamples.
        fpirs: False positive identification rates; None for those of `FPIRS` that enough strangers support.
        known: Share of the people with two photos or more who are enrolled.
        resamples: Bootstrap resamples over known and unknown people.

    Raises:
        InvalidInput: Bad shapes or values; nobody to enrol, no stranger, or too few for a rate.
    """
    rows = unit_rows(descriptors)
    codes = label_codes(labels, len(rows))
    gallery, probes, strangers = _deal(codes, rng, known)
    if fpirs is None:
        fpirs = [fpir for fpir in FPIRS if fpir * len(strangers) >= ACCEPTED]
    for fpir in fpirs:
        if not 1 / max(len(strangers), 1) <= fpir < 1:
            raise InvalidInput(
                f"A false positive identification rate of {fpir:g} needs {1 / fpir:.0f} photos of strangers or more; "
                f"there are {len(strangers)}."
            )
    cosines = (rows[probes] @ rows[gallery].T).astype(np.float64)
    own = cosines[np.arange(len(probes)), np.searchsorted(codes[gallery], codes[probes])]
    ranks = np.count_nonzero(cosines >= own[:, None], axis=1) - 1
    top = (rows[strangers] @ rows[gallery].T).max(axis=1).astype(np.float64)
    hits = np.where(ranks == 0, own, -np.inf)
    cmc = np.cumsum(np.bincount(ranks, minlength=len(gallery))) / len(probes)
    draws = [(_draw(codes[probes], rng), _draw(codes[strangers], rng)) for _ in range(resamples)]
    rates = {fpir: _interval(hits, top, fpir, draws, len(gallery)) for fpir in fpirs}
    return Identification(tuple(cmc.tolist()), rates, len(gallery), len(probes), len(strangers))


def _deal(codes: Ints, rng: np.random.Generator, known: float) -> tuple[Ints, Ints, Ints]:
    """Rows of the gallery (in the order of their people), of known probes and of strangers."""
    several = np.flatnonzero(np.bincount(codes) > 1)
    enrolled = np.sort(rng.permutation(several)[: round(known * len(several))])
    if not 0 < len(enrolled) < len(np.unique(codes)):
        raise InvalidInput(
            f"Open-set identification needs people with two photos to enrol, and strangers; {len(several)} of "
            f"{len(np.unique(codes))} people have two."
        )
    gallery = np.array([rng.choice(np.flatnonzero(codes == person)) for person in enrolled], np.int64)
    mine = np.isin(codes, enrolled)
    return gallery, np.setdiff1d(np.flatnonzero(mine), gallery), np.flatnonzero(~mine)


def _draw(people: Ints, rng: np.random.Generator) -> Ints:
    """Rows of a resample of people, each with all their rows."""
    known, codes = np.unique(people, return_inverse=True)
    counts = np.bincount(rng.integers(0, len(known), len(known)), minlength=len(known))
    return np.repeat(np.arange(len(people)), counts[codes])


def _rate(hits: Floats, top: Floats, fpir: float) -> float:
    """DIR at the lowest threshold that at most the share `fpir` of strangers reaches."""
    allowed = int(fpir * len(top))
    threshold = np.sort(top)[::-1][allowed]
    return float((hits > threshold).mean())


def _interval(hits: Floats, top: Floats, fpir: float, draws: Sequence[tuple[Ints, Ints]], people: int) -> Interval:
    """Student's, over the known people; without draws no wider than the value."""
    value = _rate(hits, top, fpir)
    drawn = np.array([_rate(hits[mine], top[others], fpir) for mine, others in draws])
    if len(drawn) < 2 or people < 2:
        return Interval(value, value, value, 0.0, LEVEL, len(drawn))
    return student_interval(value, drawn, people, LEVEL)
