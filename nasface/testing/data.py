"""What every kind of photos must do."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from nasface.data import FaceData, FaceSet

SIDE = 24
"""Of the photos that are read."""

READ = 6
"""Photos of a set that are read."""


class DataConformance:
    """Give the fixture `load`: a function without arguments that loads the photos, always the same ones."""

    @pytest.fixture
    def load(self) -> Callable[[], FaceData]:
        raise NotImplementedError("give the fixture `load`")

    def test_people_and_photos(self, load: Callable[[], FaceData]) -> None:
        data = load()
        assert isinstance(data, FaceData)
        assert data.name
        assert data.summary.startswith(f"data {data.name}: ")
        assert any(_parts(data)), "no set has photos"
        for part in _parts(data):
            assert len(part) > 0, "an empty set is None"
            assert len(part.labels) == len(part)
            assert list(part.people) == sorted(set(part.people))
            names = list(part.names)
            assert names == sorted(set(names)), "names are distinct and ascending"

    def test_nobody_is_in_two_sets(self, load: Callable[[], FaceData]) -> None:
        data = load()
        if data.closed_set:
            pytest.skip("it declares closed_set")
        for one, other in itertools.combinations(_parts(data), 2):
            both = set(one.people) & set(other.people)
            assert not both, f"{sorted(both)[:3]} are in two sets"

    def test_pairs_are_of_report_people(self, load: Callable[[], FaceData]) -> None:
        data = load()
        if data.pairs is None or not any(part.source is data.pairs.photos.source for part in _parts(data)):
            pytest.skip("it has no pairs, or of photos that nobody's name is known of")
        labels = data.pairs.photos.labels
        same = labels[data.pairs.first] == labels[data.pairs.second]
        np.testing.assert_array_equal(same, data.pairs.same, "`same` says otherwise than the names of the photos")
        chosen = {person for role in ("training", "validation") for person in _people(data.parts[role])}
        assert not chosen & set(data.pairs.photos.people), "pairs name training or validation people"

    def test_photos(self, load: Callable[[], FaceData]) -> None:
        for part in _parts(load()):
            rows = np.arange(min(READ, len(part)))[::-1]
            found = part.load(rows, size=SIDE)
            assert found.images.shape == (len(found), SIDE, SIDE, 3)
            assert found.images.dtype == np.uint8
            assert len(found) + len(found.skipped) == len(rows)
            np.testing.assert_array_equal(found.labels, part.labels[found.indices])

    def test_a_photo_is_the_same_whenever_it_is_read(self, load: Callable[[], FaceData]) -> None:
        first, again = (next(iter(_parts(load()))) for _ in range(2))
        rows = np.arange(min(READ, len(first)))
        together = first.load(rows, size=SIDE)
        np.testing.assert_array_equal(again.load(rows, size=SIDE).images, together.images)
        for place, row in enumerate(together.indices.tolist()):
            alone = again.load([row], size=SIDE).images[0]
            np.testing.assert_array_equal(alone, together.images[place], "a photo depends on what else is read")

    def test_equal_photos_have_one_fingerprint(self, load: Callable[[], FaceData]) -> None:
        assert load().fingerprint == load().fingerprint, "accuracy tables go by it"

    def test_other_processes_get_the_photos(self, load: Callable[[], FaceData]) -> None:
        part = next(iter(_parts(load())))
        sent: FaceSet = pickle.loads(pickle.dumps(part))
        np.testing.assert_array_equal(sent.load([0], size=SIDE).images, part.load([0], size=SIDE).images)


def _parts(data: FaceData) -> list[FaceSet]:
    return [part for part in data.parts.values() if part is not None]


def _people(part: FaceSet | None) -> tuple[str, ...]:
    return () if part is None else part.people
