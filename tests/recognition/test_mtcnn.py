"""MTCNN in torch: its arithmetic by hand, its networks and faces against the package's own code in TensorFlow."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput, MissingDependency
from nasface.recognition.detectors import Mtcnn, MtcnnConfig
from nasface.recognition.detectors._base import cover, iou, suppress
from nasface.recognition.detectors.mtcnn import averaged, pieces

INSTALLED = importlib.util.find_spec("mtcnn") is not None
needs_mtcnn = pytest.mark.skipif(not INSTALLED, reason="needs the package mtcnn (extra [mtcnn])")


def test_a_smaller_picture_averages_areas() -> None:
    picture = np.arange(24, dtype=np.float32).reshape(4, 6, 1).repeat(3, axis=2)
    np.testing.assert_allclose(averaged(picture, (2, 3))[..., 0], [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]])
    row = np.array([1, 2, 3], np.float32).reshape(1, 3, 1).repeat(3, axis=2)
    np.testing.assert_allclose(averaged(row, (1, 2))[0, :, 0], [4 / 3, 8 / 3], rtol=1e-6)
    np.testing.assert_array_equal(averaged(picture, (4, 6)), picture)


def test_pieces_of_a_picture_are_grey_beyond_it() -> None:
    y, x = np.mgrid[:20, :30].astype(np.float32)
    picture = np.stack([x, y, x + y], -1) + 1
    inside, beyond = pieces(picture, np.array([[0.0, 0, 30, 20], [-30, -20, 0, 0]]), 5)
    np.testing.assert_allclose(inside[0, :, 0], np.linspace(0, 29, 5) + 1, rtol=1e-6)
    np.testing.assert_allclose(inside[:, 0, 1], np.linspace(0, 19, 5) + 1, rtol=1e-6)
    assert beyond[:4].sum() == beyond[:, :4].sum() == 0
    assert pieces(picture, np.zeros((0, 4)), 5).shape == (0, 5, 5, 3)


def test_a_box_within_another_is_covered() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [2, 2, 6, 6], [8, 0, 12, 10]])
    np.testing.assert_allclose(cover(boxes[0], boxes), [1, 1, 0.5])
    scores = np.array([0.9, 0.8, 0.7])
    assert suppress(boxes, scores, 0.7, cover).tolist() == [0, 2]
    assert suppress(boxes, scores, 0.7, iou).tolist() == [0, 1, 2]


@pytest.mark.parametrize("wrong", [{"score": 0.0}, {"score": 1.0}, {"smallest": 11}, {"side": 5}])
def test_parameters_outside_what_is_allowed(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="detector=mtcnn"):
        Mtcnn(MtcnnConfig(**wrong))


@needs_mtcnn
def test_finds_every_face_where_it_is(group) -> None:
    pytest.importorskip("torch")
    photo, places = group
    faces = Mtcnn(MtcnnConfig()).detect(photo)
    large = Mtcnn(MtcnnConfig()).detect(np.repeat(np.repeat(photo, 2, 0), 2, 1))
    assert len(faces) == len(large) == len(places)
    for face, twice in zip(faces, large, strict=True):
        np.testing.assert_allclose(np.array(twice.box) / 2, face.box, atol=6)
    for x, y, side in places:
        [face] = [f for f in faces if x < f.points[2, 0] < x + side and y < f.points[2, 1] < y + side]
        assert x - 5 < face.box[0] < face.box[2] < x + side + 5
    assert len(Mtcnn(MtcnnConfig(smallest=300)).detect(photo)) < len(places), "smaller faces are not looked for"


@pytest.mark.parametrize("there", ["nothing", "another release"])
def test_without_the_known_weights(there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of weights are pickles: others than the known ones are not opened."""
    pytest.importorskip("torch")
    from nasface.recognition.detectors import mtcnn_networks

    folder = tmp_path / "mtcnn" / "assets" / "weights"
    folder.mkdir(parents=True)
    if there == "another release":
        (folder / "pnet.lz4").write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")
    monkeypatch.setattr(mtcnn_networks, "weights_folder", lambda: folder)
    mtcnn_networks.networks.cache_clear()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDependency, match=r"1\.0\.0.*nasface\[mtcnn\]"):
        Mtcnn(MtcnnConfig()).detect(np.zeros((40, 40, 3), np.uint8))
    assert not (tmp_path / "opened").exists()


@pytest.mark.slow
@needs_mtcnn
def test_equals_the_packages_own_code(group, rng: np.random.Generator) -> None:
    """Network by network to rounding; on a photo box by box, where it has one (its suppression is not greedy)."""
    pytest.importorskip("tensorflow")
    from mtcnn import MTCNN

    from nasface.recognition.detectors.mtcnn_networks import networks

    theirs = MTCNN()
    for stage, network, side in zip(theirs.stages, networks(), (40, 24, 48), strict=True):
        pictures = rng.normal(size=(3, side, side, 3)).astype(np.float32)
        for expected, found in zip(stage._model(pictures), network.run(pictures), strict=True):
            np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected.numpy(), atol=2e-6)
    rows = theirs.detect_faces(group[0], output_type="numpy", box_format="xyxy", fit_to_image=False)
    faces = Mtcnn(MtcnnConfig()).detect(group[0])
    assert len(rows) == len(faces)
    for row in rows:
        [overlap] = [
            iou(row[1:5], np.array([face.box]))[0] for face in faces if iou(row[1:5], np.array([face.box])) > 0
        ]
        assert overlap > 0.9
    exact = [abs(rows[:, 1:5] - np.array(face.box)).max(axis=1).min() for face in faces]
    assert min(exact) < 1e-3
