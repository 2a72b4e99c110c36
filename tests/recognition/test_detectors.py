"""Detectors: YuNet's network, what its maps mean, and the faces it finds in drawn photos."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.exporters import read_metadata
from nasface.recognition.detectors import YuNet, YuNetConfig
from nasface.recognition.detectors._base import iou, suppress
from nasface.recognition.detectors.yunet import FILE, decode, padded, run
from nasface.recognition.detectors.yunet_network import HEADS, OUTPUTS, STRIDES, read_onnx, yunet
from nasface.recognition.faces import Face, central, largest

pytest.importorskip("ai_edge_litert")


class TestNetwork:
    def test_shapes_and_size(self) -> None:
        spec = yunet(96, 160)
        assert spec.outputs == OUTPUTS
        assert spec.output_shapes["kps_16"] == (6, 10, 10)
        assert spec.params == 53_104
        with pytest.raises(InvalidInput, match="multiples of 32"):
            yunet(100, 160)

    def test_the_embedded_file_says_what_it_is(self) -> None:
        facts = read_metadata(FILE)
        assert facts["licence"].startswith("MIT")
        assert facts["preprocessing"]["colour"] == "RGB"
        assert [output["name"] for output in facts["outputs"]] == list(OUTPUTS)
        assert "Shenzhen Institute" in FILE.with_suffix(".LICENSE").read_text()
        assert FILE.stat().st_size < 165_000

    def test_the_embedded_file_is_rebuilt_to_the_byte(self, shared_data: Path, tmp_path: Path) -> None:
        from types import SimpleNamespace

        from nasface.tasks.build_assets import PARTS

        pytest.importorskip("onnx")
        (made, _) = PARTS["detector"](SimpleNamespace(), shared_data, tmp_path)
        assert made.read_bytes() == FILE.read_bytes()

    def test_equals_the_original_in_onnx_runtime(self, shared_data: Path, rng: np.random.Generator) -> None:
        """In float16 weights, within what they round."""
        onnxruntime = pytest.importorskip("onnxruntime")
        [path] = (shared_data / "yunet").glob("*.onnx")
        photo = rng.integers(0, 256, (640, 640, 3), np.uint8)
        session = onnxruntime.InferenceSession(str(path))
        bgr = photo[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        maps = run(photo)
        for end, value in zip(session.get_outputs(), session.run(None, {"input": bgr}), strict=True):
            np.testing.assert_allclose(maps[end.name].reshape(value.shape), value, atol=0.02)

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        onnx = pytest.importorskip("onnx")
        model = onnx.helper.make_model(onnx.helper.make_graph([], "none", [], []))
        onnx.save(model, tmp_path / "other.onnx")
        with pytest.raises(InvalidInput, match="2023mar"):
            read_onnx(tmp_path / "other.onnx")


def maps_of(height: int, width: int, **values: np.ndarray) -> dict[str, np.ndarray]:
    maps = {
        f"{head}_{stride}": np.zeros((1, height // stride, width // stride, count), np.float32)
        for head, count in HEADS.items()
        for stride in STRIDES
    }
    return maps | values


def test_decoding() -> None:
    """One cell of one map: place, size, points and score by hand."""
    maps = maps_of(64, 96)
    maps["cls_16"][0, 1, 3], maps["obj_16"][0, 1, 3] = 0.81, 0.64
    maps["bbox_16"][0, 1, 3] = [0.5, 0.25, np.log(2), np.log(3)]
    maps["kps_16"][0, 1, 3] = np.arange(10) / 10
    boxes, points, scores = decode(maps, 0.5)
    np.testing.assert_allclose(scores, [0.72], rtol=1e-6)
    np.testing.assert_allclose(boxes, [[56 - 16, 20 - 24, 56 + 16, 20 + 24]], rtol=1e-5)
    np.testing.assert_allclose(points[0, 1], [(3 + 0.2) * 16, (1 + 0.3) * 16], rtol=1e-5)
    assert len(decode(maps, 0.73)[0]) == 0


def test_of_overlapping_boxes_the_best_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10], [0, 0, 10, 3]], float)
    np.testing.assert_allclose(iou(boxes[0], boxes), [1, 0.8, 0, 0.3])
    assert suppress(boxes, np.array([0.8, 0.9, 0.7, 0.95]), 0.3).tolist() == [3, 0, 2]
    assert suppress(boxes[:0], np.zeros(0), 0.3).tolist() == []


class TestYuNet:
    @pytest.fixture
    def detector(self) -> YuNet:
        return YuNet(YuNetConfig())

    def test_finds_every_face_where_it_is(self, detector: YuNet, group) -> None:
        photo, places = group
        faces = detector.detect(photo)
        assert len(faces) == len(places)
        assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
        for x, y, side in places:
            [face] = [f for f in faces if x < f.points[2, 0] < x + side and y < f.points[2, 1] < y + side]
            left, right, nose, *mouth = (face.points - [x, y]) / side
            assert left[0] < nose[0] < right[0], "left and right are the picture's"
            assert max(left[1], right[1]) < nose[1] < min(corner[1] for corner in mouth)
            assert mouth[0][0] < mouth[1][0]

    def test_a_large_photo_gives_the_same_faces(self, detector: YuNet, group) -> None:
        photo, places = group
        large = np.repeat(np.repeat(photo, 3, 0), 3, 1)
        faces = detector.detect(large)
        assert len(faces) == len(places)
        for one, other in zip(
            sorted(face.box for face in faces), sorted(f.box for f in detector.detect(photo)), strict=True
        ):
            np.testing.assert_allclose(np.array(one) / 3, other, atol=8)

    def test_nothing_is_an_answer(self, detector: YuNet) -> None:
        assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []
        assert detector.detect(np.full((700, 33, 3), 128, np.uint8)) == []

    @pytest.mark.parametrize("photo", [np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8), np.zeros((0, 9, 3), np.uint8)])
    def test_what_is_no_photo_is_refused(self, detector: YuNet, photo: np.ndarray) -> None:
        with pytest.raises(InvalidInput, match="uint8 RGB"):
            detector.detect(photo)

    def test_threads_and_copies(self, detector: YuNet, drawn: np.ndarray) -> None:
        """As a source of photos uses it: from several threads, and in other processes."""
        expected = [detector.detect(photo)[0].box for photo in drawn]
        with ThreadPoolExecutor(4) as pool:
            assert [faces[0].box for faces in pool.map(pickle.loads(pickle.dumps(detector)).detect, drawn)] == expected

    @pytest.mark.parametrize("wrong", [{"score": 0.0}, {"overlap": 1.0}, {"side": 16}])
    def test_parameters_outside_what_is_allowed(self, wrong: dict[str, float]) -> None:
        with pytest.raises(InvalidInput, match="detector=yunet"):
            YuNet(YuNetConfig(**wrong))


def test_which_face_is_meant() -> None:
    """Example G of the field's rules: both boxes hold the centre, and the second is larger."""
    photo = np.zeros((250, 250, 3), np.uint8)
    one, two = Face((60, 60, 190, 190)), Face((0, 0, 140, 140))
    assert largest([one, two]) is two
    assert central([one, two], photo) is two
    assert central([Face((0, 0, 100, 100)), Face((200, 0, 240, 30))], photo).box[0] == 0


@pytest.mark.slow
def test_equals_opencv(shared_data: Path, group) -> None:
    """`FaceDetectorYN` of OpenCV on the same photo: boxes, points and scores."""
    cv2 = pytest.importorskip("cv2")
    [path] = (shared_data / "yunet").glob("*.onnx")
    photo = padded(group[0])
    theirs = cv2.FaceDetectorYN.create(str(path), "", (photo.shape[1], photo.shape[0]), 0.6, 0.3)
    _, rows = theirs.detect(np.ascontiguousarray(photo[..., ::-1]))
    faces = YuNet(YuNetConfig(score=0.6, second_look=False)).detect(photo)
    assert len(rows) == len(faces)
    for row, face in zip(rows, faces, strict=True):
        box = np.array([*row[:2], *(row[:2] + row[2:4])])
        np.testing.assert_allclose(face.box, box, atol=0.3)
        np.testing.assert_allclose(face.points, row[4:14].reshape(5, 2), atol=0.3)
        assert face.score == pytest.approx(row[14], abs=0.005)
