"""Who trains, who validates, who is reported on: lists of people, or a rule that needs none."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data._base import FaceSet
from nasface.data._index import normal
from nasface.errors import DataError, InvalidInput, UnknownName, listing
from nasface.reading import read_text

logger = logging.getLogger(__name__)

ROLES = ("training", "validation", "report")
Parts = dict[str, FaceSet | None]

SPLITS: Final = {
    "identity": "no person in two sets",
    "image": "validation photos are other photos of the training people; report people are others",
    "none": "everybody is a report person",
}
"""Options of `data.split=`, for data without lists of people."""


@dataclass(frozen=True)
class Split:
    """How data without lists is split.

    Attributes:
        kind: One of `SPLITS`.
        training: Share for training: of the people, or of a person's photos.
        validation: Likewise for validation. What is left over are report people, in either kind of split.
        seed: Another seed, another draw.

    Raises:
        UnknownName: There is no such kind.
        InvalidInput: The shares are negative, none, or sum to more than 1.
    """

    kind: str
    training: float
    validation: float
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in SPLITS:
            raise UnknownName("data.split", self.kind, SPLITS)
        if min(self.training, self.validation) < 0 or self.known > 1:
            raise InvalidInput(
                "Fractions of training and validation people must be 0 or more and sum to at most 1, not "
                f"{self.training} and {self.validation}."
            )
        if self.kind == "image" and not self.training:
            raise InvalidInput("data.split=image needs data.training_fraction above 0: it holds back training photos.")

    @property
    def in_words(self) -> str:
        """As options."""
        return f"data.split={self.kind}" if self.kind == "none" else f"data.split={self.kind}, split_seed={self.seed}"

    @property
    def known(self) -> float:
        """Share of what is not reported on."""
        return round(self.training + self.validation, 9)


def read_people(path: Path, faces: FaceSet) -> FaceSet:
    """The photos of the people a file lists, one name a line.

    Listed people without a photo are logged.

    Raises:
        DataError: The file cannot be read, or it names nobody of the set.
    """
    try:
        text = normal(read_text(path))
        listed = {line.strip() for line in text.splitlines() if line.strip()}
    except (OSError, ValueError) as error:
        raise DataError(f"The list of people {path} cannot be read ({error}); give one name a line.") from error
    unknown = sorted(listed - set(faces.people))
    if len(unknown) == len(listed):
        raise DataError(
            f"The list {path} names nobody of the data set ({len(listed)} names: {listing(unknown, 3) or 'none'}); "
            f"names must be those of the folders, such as {listing(list(faces.people), 3)}."
        )
    if unknown:
        logger.warning("%d of %d people in %s have no photo: %s", len(unknown), len(listed), path, listing(unknown))
    return faces.people_only(listed)


def split(faces: FaceSet, how: Split) -> Parts:
    """Three sets without lists; one that comes out empty is None.

    A hash of a person's name and the seed gives a number in [0, 1): below `training` the person trains, below
    `training + validation` the person validates, otherwise is reported on; in a split by photos both of the former do
    both. So a person never becomes a report person, or ceases to be one, as the set grows.
    """
    if how.kind == "none":
        return {"training": None, "validation": None, "report": faces}
    places = np.array([_place(person, how.seed) for person in faces.people])[faces.labels]
    known, rest = faces.select(places < how.known), faces.select(places >= how.known)
    if how.kind == "image":
        held = held_back(known, how.validation / how.known, how.seed)
    else:
        held = places[places < how.known] >= how.training
    parts = {"training": known.select(~held), "validation": known.select(held), "report": rest}
    return {role: part if len(part) else None for role, part in parts.items()}


def held_back(faces: FaceSet, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Which photos are held back from training, (n,): about this share of every person's, never all of one person's.

    A person with n photos keeps back floor(share * n + u), u in [0, 1) drawn by a hash of the name, so that the share
    holds on average however few photos people have. Which ones depends on the person's name and number of photos and
    on the seed alone: other people's photos come and go without effect.
    """
    labels, sizes = faces.labels, np.bincount(faces.labels, minlength=len(faces.people))
    keys = np.array([_key(person, seed) for person in faces.people], np.uint64)
    order = np.argsort(labels, kind="stable")
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    number = np.empty(len(labels), np.uint64)
    number[order] = np.arange(len(labels)) - starts
    draws = _mix(keys[labels] + number * np.uint64(0x9E3779B97F4A7C15))
    rank = np.empty(len(labels), np.int64)
    rank[np.lexsort((draws, labels))] = np.arange(len(labels)) - starts
    u = _mix(keys) / 2.0**64
    held = np.minimum(np.floor(share * sizes + u), sizes - 1)
    return np.asarray(rank < held[labels])


def check_disjoint(parts: Mapping[str, FaceSet | None]) -> None:
    """Refuse a person in two of the sets.

    Raises:
        DataError: See above.
    """
    for one, other in itertools.combinations(parts, 2):
        a, b = parts[one], parts[other]
        common = sorted(set(a.people) & set(b.people)) if a and b else []
        if common:
            raise DataError(
                f"{len(common)} people are both {one} and {other} people: {listing(common)}; every person must be in "
                "one list only."
            )


def _key(person: str, seed: int) -> int:
    """64 bits that name and seed give."""
    salted = f"{seed}\t{person}" if seed else person
    return int.from_bytes(hashlib.sha256(salted.encode("utf-8", "surrogateescape")).digest()[:8], "big")


def _place(person: str, seed: int) -> float:
    return (_key(person, seed) >> 16) / 2**48


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves half of the output's."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
