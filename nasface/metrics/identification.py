"""Identification: whose photo is it, among the people of a gallery, by the nearest descriptor.

A gallery photo of another person at the same distance counts as nearer, so a network that gives every photo the same
descriptor scores 0, not 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics._checks import label_codes, unit_rows

BLOCK_VALUES = 1 << 22


@dataclass(frozen=True)
class LeaveOneOut:
    """Rank-1 identification of every photo against all others.

    Attributes:
        micro: Share of probes whose nearest other photo shows the same person.
        macro: Mean over people of that share, so that people with many photos do not dominate.
        probes: Number of probes: photos of people with two photos or more.
    """

    micro: float
    macro: float
    probes: int


@dataclass(frozen=True)
class RandomGallery:
    """Identification against one random photo per person, repeated. Every std is over repetitions (ddof 0).

    Attributes:
        micro: Mean share of probes whose nearest gallery photo is of the same person: the paper's metric.
        micro_std: Its standard deviation.
        macro: Mean over people instead of probes.
        macro_std: Its standard deviation.
        rank5: Mean share of probes whose person is among the five nearest of the gallery.
        rank5_std: Its standard deviation.
        repetitions: Micro accuracy of every repetition.
        probes: Number of probes of one repetition.
        people: Size of the gallery.
    """

    micro: float
    micro_std: float
    macro: float
    macro_std: float
    rank5: float
    rank5_std: float
    repetitions: tuple[float, ...]
    probes: int
    people: int


def leave_one_out(descriptors: npt.ArrayLike, labels: npt.ArrayLike) -> LeaveOneOut:
    """Rank-1 identification, each photo in turn being the probe and all others the gallery.

    People with one photo are never probes but stay in the gallery as distractors.

    Args:
        descriptors: (n, d), scaled to unit length here.
        labels: (n,) person of every photo.

    Raises:
        InvalidInput: Bad shapes or values, or nobody has two photos.
    """
    rows = unit_rows(descriptors)
    codes = label_codes(labels, len(rows))
    probes = np.flatnonzero(np.bincount(codes)[codes] > 1)
    if not probes.size:
        raise InvalidInput("Identification needs a person with two photos; every person given has one.")
    return leave_one_out_of(lambda some: np.asarray(rows[some] @ rows.T), codes, probes)


def leave_one_out_of(
    cosines: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float32]],
    codes: npt.NDArray[np.int64],
    probes: npt.NDArray[np.int64],
) -> LeaveOneOut:
    """`leave_one_out` of given probes, in blocks; `cosines` gives those (k, n) of some photos with all."""
    step = max(1, BLOCK_VALUES // len(codes))
    blocks = [probes[i : i + step] for i in range(0, len(probes), step)]
    hits = np.concatenate([_nearest_is_same(cosines(block), codes, block) for block in blocks])
    return LeaveOneOut(float(hits.mean()), _macro(hits, codes[probes]), len(probes))


def _nearest_is_same(
    cosines: npt.NDArray[np.float32], codes: npt.NDArray[np.int64], probes: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """(probes,) whether a probe's nearest other photo shows the same person, from its cosines (probes, n) with all."""
    same = codes[probes][:, None] == codes
    other = np.where(same, -np.inf, cosines).max(axis=1)
    same[np.arange(len(probes)), probes] = False
    return np.asarray(np.where(same, cosines, -np.inf).max(axis=1) > other)


def random_gallery(
    descriptors: npt.ArrayLike, labels: npt.ArrayLike, *, repetitions: int = 10, seed: int = 0
) -> RandomGallery:
    """The paper's identification protocol: one photo per person drawn as gallery, all others are probes.

    The draws are those of the authors' code, so its galleries come out again: numpy's legacy generator seeded once,
    then for every repetition and every person in label order a shuffle of the person's photos, the first being taken.

    Args:
        descriptors: (n, d), scaled to unit length here; photos of a person in the order of their file names.
        labels: (n,) person of every photo.
        repetitions: How often a gallery is drawn; the paper's text says 5, its tables are of 10.
        seed: Seed of the draws.

    Raises:
        InvalidInput: Bad shapes or values, fewer than two people, no probe, or no repetition.
    """
    rows = unit_rows(descriptors)
    codes = label_codes(labels, len(rows))
    people = int(codes.max()) + 1
    if repetitions < 1 or people < 2 or people == len(rows):
        raise InvalidInput(
            f"Identification needs a repetition, two people and one of them with two photos; there are {repetitions} "
            f"repetitions, {people} people and {len(rows)} photos."
        )
    return identify(rows @ rows.T, codes, draw_galleries(codes, repetitions, seed))


def identify(
    cosines: npt.NDArray[np.float32], codes: npt.NDArray[np.int64], galleries: Sequence[npt.NDArray[np.int64]]
) -> RandomGallery:
    """Identification against given galleries.

    Args:
        cosines: (n, n), of all photos with all.
        codes: (n,) person of every photo, 0..people-1.
        galleries: Of every repetition one row per person, in the order of the codes; all other rows are probes.
    """
    scores = []
    for gallery in galleries:
        probes = np.setdiff1d(np.arange(len(codes)), gallery)
        rank = _ranks(cosines[np.ix_(probes, gallery)], codes[probes])
        scores.append(((rank < 1).mean(), _macro(rank < 1, codes[probes]), (rank < 5).mean()))
    mean, std = np.mean(scores, axis=0).tolist(), np.std(scores, axis=0).tolist()
    return RandomGallery(
        micro=mean[0],
        micro_std=std[0],
        macro=mean[1],
        macro_std=std[1],
        rank5=mean[2],
        rank5_std=std[2],
        repetitions=tuple(float(score[0]) for score in scores),
        probes=len(codes) - len(galleries[0]),
        people=len(galleries[0]),
    )


def draw_galleries(codes: npt.NDArray[np.int64], repetitions: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """For every repetition the gallery's rows, one per person in the order of the codes 0..people-1."""
    random = np.random.RandomState(seed)  # the authors' draws; a Generator would give other galleries
    galleries = []
    for _ in range(repetitions):
        gallery = []
        for person in range(int(codes.max()) + 1):
            photos = np.flatnonzero(codes == person)
            random.shuffle(photos)
            gallery.append(photos[0])
        galleries.append(np.array(gallery, np.int64))
    return galleries


def _ranks(cosines: npt.NDArray[np.float32], person: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(probes,) how many other people of the gallery are as near or nearer; columns are people 0..people-1."""
    own = cosines[np.arange(len(person)), person]
    return np.asarray(np.count_nonzero(cosines >= own[:, None], axis=1) - 1, np.int64)


def _macro(hits: npt.NDArray[np.bool_], person: npt.NDArray[np.int64]) -> float:
    count = np.bincount(person)
    return float((np.bincount(person, weights=hits)[count > 0] / count[count > 0]).mean())
