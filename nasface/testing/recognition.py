"""What every detector and every classifier must do."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest

from nasface.errors import GalleryError, InvalidInput
from nasface.metrics import unit_rows
from nasface.recognition.classifiers import Classifier
from nasface.recognition.detectors import Detector
from nasface.recognition.faces import Photo
from nasface.recognition.gallery import Descriptors, Gallery, Way
from nasface.testing.arguments import own_generator_only
from nasface.testing.faces import drawn_people


@functools.cache
def _drawn() -> Photo:
    photo: Photo = drawn_people()[0]
    return photo


class DetectorConformance:
    """Give the fixture `detector`; `photo` and `name` where it finds no face in a drawn one, or looks faces up."""

    name = ""

    @pytest.fixture
    def detector(self) -> Detector:
        raise NotImplementedError("give the fixture `detector`")

    @pytest.fixture
    def photo(self) -> Photo:
        """With one face at least."""
        return _drawn().copy()

    def test_named(self, detector: Detector) -> None:
        assert detector.name, "galleries keep the detector's name"

    def test_faces(self, detector: Detector, photo: Photo) -> None:
        kept = photo.copy()
        with own_generator_only():
            faces = detector.detect(photo, self.name)
        np.testing.assert_array_equal(photo, kept, "detect changed the photo")
        assert faces, "no face was found"
        scores = [face.score for face in faces]
        assert scores == sorted(scores, reverse=True), "best first"
        for face in faces:
            left, top, right, bottom = face.box
            assert all(map(math.isfinite, face.box))
            assert left < right, "a box is left, top, right, bottom"
            assert top < bottom, "a box is left, top, right, bottom"
            assert 0 <= left + right <= 2 * photo.shape[1], "a box is in pixels of the photo"
            assert 0 <= top + bottom <= 2 * photo.shape[0], "a box is in pixels of the photo"
            assert 0 <= face.score <= 1
            assert (face.points is not None) == detector.gives_points, "gives_points says otherwise"
            assert face.points is None or np.asarray(face.points).shape == (5, 2)

    def test_it_repeats_itself(self, detector: Detector, photo: Photo) -> None:
        first, again = (detector.detect(photo, self.name) for _ in range(2))
        assert [face.box for face in first] == [face.box for face in again]

    def test_what_was_seen_before_does_not_matter(self, detector: Detector, photo: Photo) -> None:
        first = [face.box for face in detector.detect(photo, self.name)]
        detector.detect(np.full((40, 90, 3), 128, np.uint8), self.name)
        assert [face.box for face in detector.detect(photo, self.name)] == first

    @pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (300, 7, 3)])
    def test_photos_of_any_size(self, detector: Detector, shape: tuple[int, int, int]) -> None:
        assert isinstance(detector.detect(np.zeros(shape, np.uint8), self.name), list)

    @pytest.mark.parametrize(
        "wrong", [np.zeros((9, 9, 3), np.float32), np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8)]
    )
    def test_what_is_no_photo_is_refused(self, detector: Detector, wrong: np.ndarray) -> None:
        with pytest.raises(InvalidInput):
            detector.detect(wrong, self.name)


PEOPLE, PHOTOS, NUMBERS = 4, 5, 16
"""Of the made-up gallery: people; photos of each; numbers of a descriptor."""


class ClassifierConformance:
    """Give the fixture `make`: a function without arguments that returns a classifier which is not fitted.

    It is asked about made-up people whose descriptors are told apart easily.
    """

    @pytest.fixture
    def make(self) -> Callable[[], Classifier]:
        raise NotImplementedError("give the fixture `make`")

    def test_it_knows_everybody(self, make: Callable[[], Classifier]) -> None:
        classifier, gallery = make(), _gallery(0)
        probes, who = _descriptors(0, seed=9)
        distances = gallery.nearest(probes)
        kept = probes.copy(), distances.copy()
        with own_generator_only():
            classifier.fit(gallery)
            scores = classifier.scores(probes, distances)
        np.testing.assert_array_equal(probes, kept[0], "scores changed the probes")
        np.testing.assert_array_equal(distances, kept[1], "scores changed the distances")
        assert scores.shape == distances.shape, "one score a probe and person"
        assert np.isfinite(scores).all()
        np.testing.assert_array_equal(scores.argmax(axis=1), who, "more must be for a likelier person")
        np.testing.assert_array_equal(classifier.scores(probes, distances), scores, "scores must repeat themselves")

    def test_probes_do_not_matter_to_each_other(self, make: Callable[[], Classifier]) -> None:
        classifier, gallery = make(), _gallery(0)
        classifier.fit(gallery)
        probes, _ = _descriptors(0, seed=9)
        distances = gallery.nearest(probes)
        together = classifier.scores(probes, distances)
        alone = [classifier.scores(probes[row : row + 1], distances[row : row + 1]) for row in range(len(probes))]
        np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-4, atol=1e-5)
        assert classifier.scores(probes[:0], distances[:0]).shape == (0, PEOPLE)

    def test_fitting_again_forgets_whom_it_knew(self, make: Callable[[], Classifier]) -> None:
        again, fresh, gallery = make(), make(), _gallery(1)
        again.fit(_gallery(0))
        again.fit(gallery)
        fresh.fit(gallery)
        probes, _ = _descriptors(1, seed=9)
        distances = gallery.nearest(probes)
        np.testing.assert_array_equal(again.scores(probes, distances), fresh.scores(probes, distances))

    def test_an_empty_gallery_is_refused(self, make: Callable[[], Classifier]) -> None:
        with pytest.raises(GalleryError):
            make().fit(Gallery())


def _descriptors(people: int, seed: int) -> tuple[Descriptors, np.ndarray]:
    """Unit descriptors of some people, and which of them each is of."""
    centres = np.random.default_rng(people).standard_normal((PEOPLE, NUMBERS))
    who = np.repeat(np.arange(PEOPLE), PHOTOS)
    noise = np.random.default_rng(seed).standard_normal((len(who), NUMBERS))
    return unit_rows((centres[who] + 0.1 * noise).astype(np.float32)), who


def _gallery(people: int) -> Gallery:
    gallery, (descriptors, who) = Gallery(), _descriptors(people, seed=1)
    for person in range(PEOPLE):
        gallery = gallery.enrolled(f"person {person}", descriptors[who == person], Way("0" * 64, "box", None, "none"))
    return gallery
