"""Alignment: the least-squares similarity against worked examples, and the pictures that it and the crops cut out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.preprocessing import ARCFACE, Template, read_template
from nasface.recognition.alignment import aligned, similarity, squared, squashed, warp
from nasface.recognition.faces import Face

T = ARCFACE.points
DETECTED = np.array([(101.97, 114.81), (151.18, 113.35), (127.58, 127.78), (107.75, 159.57), (148.09, 159.32)])


def turned(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize(
    ("points", "matrix"),
    [
        (T, [[1, 0, 0], [0, 1, 0]]),
        (2 * T + [10, 20], [[0.5, 0, -5], [0, 0.5, -10]]),
        (
            1.7 * T @ turned(30).T + [40, 25],
            [[0.5094267, 0.2941176, -27.7300095], [-0.2941176, 0.5094267, -0.9709618]],
        ),
        (DETECTED, [[0.7959631, -0.0158334, -43.1741147], [0.0158334, 0.7959631, -37.5429877]]),
    ],
    ids=["identity", "scaled", "turned", "inexact"],
)
def test_worked_examples(points: np.ndarray, matrix: list[list[float]]) -> None:
    np.testing.assert_allclose(similarity(points, T), matrix, atol=5e-7)
    np.testing.assert_allclose(similarity(points, ARCFACE.scaled(224)), 2 * np.array(matrix), atol=1e-6)


def test_never_a_reflection() -> None:
    matrix = similarity(T * [-1, 1], T)
    assert np.linalg.det(matrix[:, :2]) > 0


@pytest.mark.parametrize("points", [np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_points_that_say_nothing_are_refused(points: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="Five different points"):
        similarity(points, T)


def smooth(height: int, width: int) -> np.ndarray:
    """A picture that is linear in x and y, so that every interpolation is exact."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, x + y], -1).astype(np.uint8)


def test_warp_takes_pixels_from_where_the_matrix_says() -> None:
    photo = smooth(90, 110)
    np.testing.assert_array_equal(warp(photo, np.eye(2, 3), 80), photo[:80, :80])
    matrix = similarity(1.2 * T @ turned(10).T * 0.5 + [20, 10], T * 0.5)
    out = warp(photo, matrix, 56)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    for x, y in ((0, 0), (55, 0), (20, 30), (55, 55)):
        u, v = back @ [x, y, 1]
        np.testing.assert_allclose(out[y, x], [u, v, u + v], atol=0.6)


def test_beyond_the_photo_is_black() -> None:
    photo = np.full((20, 20, 3), 200, np.uint8)
    out = warp(photo, np.array([[1.0, 0, 5], [0, 1, 5]]), 30)
    assert (out[5:25, 5:25] == 200).all()
    assert out.sum() == 20 * 20 * 3 * 200


def test_shrinking_passes_over_no_pixel() -> None:
    """One white pixel of a large photo stays visible, and the picture stays in place."""
    photo = np.zeros((160, 160, 3), np.uint8)
    photo[83, 42] = 255
    assert warp(photo, np.array([[1 / 8, 0, 0], [0, 1 / 8, 0]]), 20).sum() > 0
    large = np.repeat(np.repeat(smooth(28, 28) * 4, 8, 0), 8, 1)
    small = warp(large, np.array([[1 / 8, 0, -7 / 16], [0, 1 / 8, -7 / 16]]), 28)
    np.testing.assert_allclose(small.astype(int), smooth(28, 28).astype(int) * 4, atol=1)


def test_aligned_brings_points_to_the_template() -> None:
    """A mark at every point lands where the template says, at any size."""
    photo = np.zeros((300, 300, 3), np.uint8)
    points = 2 * T @ turned(20).T + [60, 10]
    for x, y in points.round().astype(int):
        photo[y - 3 : y + 4, x - 3 : x + 4] = 255
    for size in (112, 224, 96):
        picture = aligned(photo, Face((0, 0, 1, 1), points=points), ARCFACE, size)
        assert picture.shape == (size, size, 3)
        for x, y in ARCFACE.scaled(size).round().astype(int):
            assert picture[y, x].min() > 128


def test_without_points_there_is_nothing_to_align() -> None:
    with pytest.raises(InvalidInput, match=r"recognition\.crop"):
        aligned(np.zeros((9, 9, 3), np.uint8), Face((0, 0, 9, 9)), ARCFACE, 112)


def test_crops() -> None:
    photo = smooth(100, 120)
    np.testing.assert_array_equal(squashed(photo, (10, 20, 50, 60), 40), photo[20:60, 10:50])
    assert squashed(photo, (-30, -5, 60, 95), 10).shape == (10, 10, 3), "cut off at the photo's edge"
    np.testing.assert_array_equal(squared(photo, (9.5, 29.5, 49.5, 49.5), 40), photo[20:60, 10:50])
    assert (squared(photo, (-20, 0, 20, 40), 40)[:, :18] == 0).all(), "black beyond the edge"
    for cut, box in ((squashed, (200, 0, 230, 20)), (squared, (5, 5, 5, 5))):
        with pytest.raises(InvalidInput, match="The box"):
            cut(photo, box, 10)


class TestTemplate:
    def test_goes_through_json(self, tmp_path) -> None:
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(Template(T + 0.5, 96, "mine").to_dict()), encoding="utf-8-sig")
        found = read_template("mine.json", tmp_path)
        np.testing.assert_allclose(found.points, T + 0.5, atol=1e-4)
        assert (found.size, found.origin) == (96, "mine")
        assert read_template("arcface", tmp_path) is ARCFACE

    @pytest.mark.parametrize(
        "content",
        [
            "[]",
            "{",
            '{"size": 112}',
            '{"size": 112, "points": [[1, 2]]}',
            json.dumps({"size": 112, "points": [[5, 5]] * 5}),
            json.dumps({"size": 112, "points": (T * 50).tolist()}),
        ],
    )
    def test_what_is_none_is_refused(self, content: str, tmp_path) -> None:
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(InvalidInput, match="template"):
            read_template("bad.json", tmp_path)

    def test_the_demo_has_one(self) -> None:
        """Of its own training people, with eyes higher than ArcFace's."""
        from nasface.supernets.source import open_source

        source = open_source({"name": "lfw112"}, Path())
        assert source.template is not None
        assert source.template.size == 112
        assert (source.template.points[:2, 1] < ARCFACE.points[:2, 1] - 3).all()
