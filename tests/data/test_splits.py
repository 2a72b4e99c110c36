"""Sets without lists of people: by people, by photos, or all for results."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.data import FaceSet, PhotoIndex, Photos, load_data
from nasface.data.people import Split, held_back, split
from nasface.errors import DataError, InvalidInput, UnknownName


@dataclass(frozen=True, eq=False)
class Listed:
    """Names without photos."""

    index: PhotoIndex

    def photo(self, row: int, size: int) -> Any:
        raise NotImplementedError

    def fingerprint(self, row: int) -> str:
        return ""


def faces_of(sizes: dict[str, int]) -> FaceSet:
    return FaceSet.all(Listed(PhotoIndex.of(f"{person}/{k:03d}.jpg" for person, n in sizes.items() for k in range(n))))


MANY = faces_of({f"p{n:03d}": 1 + n % 30 for n in range(400)})


def test_split_by_people() -> None:
    parts = split(MANY, Split("identity", 0.6, 0.1))
    names = [set(part.names) for part in parts.values() if part]
    assert sum(map(len, names)) == len(MANY) == len(set().union(*names))
    people = [set(part.people) for part in parts.values() if part]
    assert len(set().union(*people)) == sum(map(len, people)) == 400
    assert [len(p) / 400 for p in people] == pytest.approx([0.6, 0.1, 0.3], abs=0.06)


def test_split_by_photos_keeps_report_people_apart() -> None:
    parts = split(MANY, Split("image", 0.7, 0.1))
    training, validation, report = (part for part in parts.values() if part)
    assert not set(training.names) & set(validation.names)
    assert set(validation.people) <= set(training.people)
    assert not set(report.people) & set(training.people)
    assert len(training) + len(validation) + len(report) == len(MANY)
    assert len(validation) / (len(training) + len(validation)) == pytest.approx(0.125, abs=0.01)


def test_nobody_is_reported_on_where_nothing_is_left_over() -> None:
    parts = split(MANY, Split("image", 0.9264, 0.0736))
    assert parts["report"] is None
    training, validation = parts["training"], parts["validation"]
    assert training
    assert validation
    assert training.people == MANY.people
    assert len(validation) == pytest.approx(0.0736 * len(MANY), rel=0.05)


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.floats(0, 1), st.integers(0, 5))
def test_a_person_never_loses_all_photos_to_validation(sizes: list[int], share: float, seed: int) -> None:
    faces = faces_of({f"p{n}": size for n, size in enumerate(sizes)})
    held = held_back(faces, share, seed)
    kept = Counter(faces.labels[~held].tolist())
    for person, size in zip(
        faces.labels[np.unique(faces.labels, return_index=True)[1]],
        Counter(faces.labels.tolist()).values(),
        strict=True,
    ):
        assert kept[person] >= 1
        assert abs((size - kept[person]) - min(share * size, size - 1)) <= 1


def test_photos_that_validate_do_not_depend_on_other_people() -> None:
    few, many = faces_of({"ann": 20, "zoe": 20}), faces_of({"ann": 20, "bob": 7, "eve": 3, "zoe": 20})
    held = [set(np.array(faces.names)[held_back(faces, 0.3, 1)]) for faces in (few, many)]
    assert held[0] == {name for name in held[1] if name[:3] in ("ann", "zoe")}
    assert {name[4:] for name in held[0] if name[0] == "a"} != {name[4:] for name in held[0] if name[0] == "z"}


@pytest.mark.parametrize("kind", ["identity", "image"])
def test_splits_follow_the_seed_alone(kind: str) -> None:
    def digest(seed: int) -> list[str]:
        parts = split(MANY, Split(kind, 0.5, 0.3, seed)).values()
        return [hashlib.sha256("".join(part.names).encode()).hexdigest()[:8] for part in parts if part]

    assert digest(1) == digest(1)
    assert not set(digest(1)) & set(digest(2))


def test_splits_are_the_same_in_every_version_and_machine() -> None:
    """Changing them would give people trained on to those who report."""
    parts = split(MANY, Split("image", 0.7, 0.1, 3))
    assert [len(part) for part in parts.values() if part] == GOLDEN_SIZES
    assert parts["validation"] is not None
    assert parts["validation"].names[:3] == GOLDEN_NAMES


GOLDEN_SIZES = [4355, 616, 1129]
GOLDEN_NAMES = ("p002/001.jpg", "p004/003.jpg", "p005/004.jpg")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "photos"}, r"Unknown data\.split 'photos'.*Known: identity, image, none"),
        ({"training_fraction": 0.9, "validation_fraction": 0.2}, "sum to at most 1"),
        ({"split": "image", "training_fraction": 0.0}, r"needs data\.training_fraction above 0"),
    ],
)
def test_splits_that_cannot_be(photo_folder: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises((UnknownName, InvalidInput), match=message):
        load_data({"name": "image_folder", "root": str(photo_folder)} | settings)


@pytest.mark.parametrize("name", ["image_folder", "lfw"])
def test_closed_sets_say_nothing_about_strangers(photo_folder: Path, name: str) -> None:
    """Their validation photos show training people, and whoever wants strangers is refused."""
    settings = {
        "name": name,
        "root": str(photo_folder),
        "split": "image",
        "training_fraction": 0.6,
        "validation_fraction": 0.4,
    }
    data = load_data(settings)
    assert data.closed_set
    assert data.report is None
    assert (
        "validation 5 people, 7 photos (other photos of the training people: closed set); no report people"
        in data.summary
    )
    with pytest.raises(DataError, match=r"is split by photos .*verification of strangers cannot be measured"):
        data.require("validation")
    with pytest.raises(DataError, match="has no report people"):
        _ = data.photos_to_judge
    photos: Photos = data.require("validation", closed_set=True).load(size=8)
    training = data.require("training")
    assert len(photos) == 7
    assert len(photos) + len(training) == 23
    assert not load_data(settings | {"split": "identity"}).closed_set


def test_labels_of_closed_sets_name_the_training_people(photo_folder: Path) -> None:
    """A person who has no validation photo leaves a gap in the labels, not other people's labels shifted."""
    data = load_data(
        {
            "name": "image_folder",
            "root": str(photo_folder),
            "split": "image",
            "training_fraction": 0.6,
            "validation_fraction": 0.4,
        }
    )
    training, validation = data.require("training"), data.require("validation", closed_set=True)
    codes = validation.labels_in(training.people)
    assert [training.people[code] for code in codes] == [name.rpartition("/")[0] for name in validation.names]
    with pytest.raises(DataError, match="1 of 5 people are not among the 5"):
        validation.labels_in([person for person in training.people if person != "Ann_Lee"])


def test_lists_beside_the_photos_and_a_split_by_photos_contradict_each_other(
    photo_folder: Path, write_list: Callable[..., Path]
) -> None:
    write_list("report_people.txt", "Ann_Lee")
    settings = {"name": "image_folder", "root": str(photo_folder), "split": "image"}
    with pytest.raises(DataError, match=r"there are lists of report people: take data\.split=identity"):
        load_data(settings)
    assert load_data(settings | {"report_people": "none"}).closed_set


def test_summary_counts_people_and_photos(photo_folder: Path) -> None:
    data = load_data({"name": "lfw", "root": str(photo_folder)})
    assert data.summary == "data lfw: no training people; no validation people; report 6 people, 23 photos"
