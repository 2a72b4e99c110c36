"""Who trains, who validates, who is reported on: lists of people, or a rule that needs none."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Mapping
from pathlib import Path

from nasface.data._base import FaceSet
from nasface.errors import DataError, InvalidInput, listing

logger = logging.getLogger(__name__)

ROLES = ("training", "validation", "report")


def read_people(path: Path, faces: FaceSet) -> FaceSet:
    """The photos of the people a file lists, one name a line.

    Listed people without a photo are logged.

    Raises:
        DataError: The file cannot be read, or it names nobody of the set.
    """
    try:
        listed = {line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
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


def split_by_hash(faces: FaceSet, training: float, validation: float) -> dict[str, FaceSet | None]:
    """Training, validation and report people without lists: by a hash of the person's name.

    The SHA-256 of a name gives a number in [0, 1): below `training` the person trains, below `training + validation`
    the person validates, otherwise is reported on. So a person never changes sides as the folder grows. A part that
    comes out empty is None.

    Raises:
        InvalidInput: The fractions are negative or sum to more than 1.
    """
    if training < 0 or validation < 0 or training + validation > 1:
        raise InvalidInput(
            f"Fractions of training and validation people must be 0 or more and sum to at most 1, not {training} and "
            f"{validation}."
        )
    places = {person: _place(person) for person in faces.people}
    bounds = {
        "training": (0.0, training),
        "validation": (training, training + validation),
        "report": (training + validation, 1.0),
    }
    parts: dict[str, FaceSet | None] = {}
    for role, (low, high) in bounds.items():
        people = [person for person, place in places.items() if low <= place < high]
        parts[role] = faces.people_only(people) if people else None
    return parts


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


def _place(person: str) -> float:
    return int.from_bytes(hashlib.sha256(person.encode()).digest()[:6], "big") / 2**48
