"""Composed photos: every face is where it is said to be, and ways of cutting out give the same faces."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.data import Photos
from nasface.experiments.composed import ORIGINAL, TRUE, WAYS, ComposedFaces, compose
from nasface.preprocessing import ARCFACE
from nasface.recognition.alignment import warp
from nasface.recognition.detectors import YuNet, YuNetConfig

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def photos() -> Photos:
    """Drawn faces that the detector finds, some of them twice."""
    from nasface.data import load_data

    report = load_data({"name": "procedural", "people": 64, "photos": 3}).report
    found = report.load(np.flatnonzero(np.isin(report.labels, [3, 6, 9, 10, 15])), size=112)
    return found


def test_faces_lie_where_the_matrix_says(photos: Photos) -> None:
    placed = 0
    for photo, places in compose(photos.images, np.random.default_rng(0)):
        assert photo.shape == (480, 640, 3)
        for place in places:
            back = warp(photo, np.linalg.inv(np.vstack([place.matrix, [0, 0, 1]]))[:2], 112).astype(float)
            inner = (slice(16, 96), slice(16, 96))
            original = photos.images[place.row].astype(float)
            likeness = np.corrcoef(back[inner].ravel(), original[inner].ravel())[0, 1]
            assert likeness > 0.9, "the face photo comes back, darker or brighter"
            placed += 1
    assert placed == len(photos)


def test_every_way_gives_every_face(photos: Photos) -> None:
    faces = ComposedFaces(photos, YuNet(YuNetConfig()), seed=1)
    assert 0.5 < faces.found <= 1
    pictures = {way: faces.cut(way, ARCFACE, 112) for way in WAYS}
    assert {cut.shape for cut in pictures.values()} == {(len(faces.labels), 112, 112, 3)}
    for original, true in zip(pictures[ORIGINAL], pictures[TRUE], strict=True):
        assert np.corrcoef(original[20:90, 20:90].ravel(), true[20:90, 20:90].ravel())[0, 1] > 0.9
    np.testing.assert_array_equal(pictures["box, shifted 10 %"], faces.cut("box, shifted 10 %", ARCFACE, 112))
