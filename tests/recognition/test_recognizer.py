"""From photos to names on drawn faces: the path itself, and everything that can be wrong with photos and models."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import nasface
from nasface.errors import DataError, GalleryError, InvalidInput, UnknownName
from nasface.netspec import INPUT, NetBuilder
from nasface.preprocessing import ARCFACE
from nasface.recognition.detectors import Boxes, BoxesConfig
from nasface.recognition.gallery import Threshold
from nasface.recognition.gallery_file import GalleryFile
from nasface.recognition.recognizer import Recognizer
from nasface.testing.faces import write_contrast_model

pytest.importorskip("ai_edge_litert")

COLUMNS = "photo,left,top,right,bottom"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Carries a template and a threshold."""
    return write_contrast_model(tmp_path_factory.mktemp("model") / "contrast.tflite")


@pytest.fixture
def recognizer(model: Path, tmp_path: Path) -> Recognizer:
    return Recognizer(model, tmp_path / "drawn.gallery")


def test_names_the_people_it_knows_and_only_those(recognizer: Recognizer, drawn: np.ndarray) -> None:
    """Three of five drawn people are enrolled with two photos each; the third photos are probes."""
    for person in range(3):
        assert recognizer.enrol(f"p{person}", drawn[3 * person : 3 * person + 2]) == 2
    names = [recognizer.identify(photo)[0].name for photo in drawn[2::3]]
    assert names[:3] == ["p0", "p1", "p2"]
    assert names[3:] == [None, None], "strangers are unknown"
    assert recognizer.gallery().threshold.squared_l2 == 0.45


def test_every_face_of_a_photo(recognizer: Recognizer, drawn: np.ndarray, group) -> None:
    photo, _ = group
    recognizer.enrol("first", drawn[:2])
    found = recognizer.identify(photo)
    assert len(found) == 3
    assert [one.name for one in found].count("first") == 1
    assert all(len(one.candidates) == 1 for one in found)


def test_verify(recognizer: Recognizer, drawn: np.ndarray) -> None:
    same, other = recognizer.verify(drawn[0], drawn[2]), recognizer.verify(drawn[0], drawn[4])
    assert (same.same, other.same) == (True, False)
    assert same.distance < other.distance
    assert same.threshold.origin == "metadata of contrast.tflite"
    assert recognizer.verify(drawn[0], drawn[0]).distance == pytest.approx(0, abs=1e-6)


def test_the_template_is_the_models(model: Path, drawn: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"size": 112, "points": (ARCFACE.points + 5).tolist()}))
    own, other = Recognizer(model), Recognizer(model, template=str(path))
    assert not np.allclose(own.faces(drawn[0])[0].descriptor, other.faces(drawn[0])[0].descriptor, atol=1e-3)


def test_a_gallery_of_another_way_is_refused(recognizer: Recognizer, model: Path, drawn: np.ndarray, tmp_path) -> None:
    recognizer.enrol("a", drawn[:1])
    path = tmp_path / "drawn.gallery"
    with pytest.raises(GalleryError, match="another crop"):
        Recognizer(model, path, crop="square").identify(drawn[0])
    changed = tmp_path / "other.tflite"
    changed.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(GalleryError, match="another model"):
        Recognizer(changed, path).enrol("b", drawn[3:4])


class TestBadPhotos:
    def test_no_face_and_several(self, recognizer: Recognizer, drawn: np.ndarray, group) -> None:
        grey = np.full((90, 120, 3), 128, np.uint8)
        assert recognizer.identify is not None
        with pytest.raises(DataError, match="no face"):
            recognizer.enrol("a", [drawn[0], grey])
        with pytest.raises(DataError, match=r"3 faces.*recognition\.which=largest"):
            recognizer.enrol("a", [group[0]])
        with pytest.raises(GalleryError, match="does not exist"):
            recognizer.gallery()
        assert recognizer.enrol("a", [group[0]], which="largest") == 1
        assert recognizer.identify(grey) == []
        with pytest.raises(InvalidInput, match="No photo"):
            recognizer.enrol("a", [])
        with pytest.raises(UnknownName, match="largest"):
            recognizer.enrol("a", [group[0]], which="best")

    def test_files(self, recognizer: Recognizer, drawn: np.ndarray, tmp_path: Path) -> None:
        from PIL import Image

        good, cut = tmp_path / "good.png", tmp_path / "cut.jpg"
        Image.fromarray(drawn[0]).convert("RGBA").save(good)
        Image.fromarray(drawn[0]).save(cut)
        cut.write_bytes(cut.read_bytes()[:900])
        (tmp_path / "text.jpg").write_text("not a photo")
        assert len(recognizer.faces(good)) == 1
        for name in ("cut.jpg", "text.jpg", "absent.jpg"):
            with pytest.raises(DataError, match=name):
                recognizer.faces(tmp_path / name)

    @pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
    def test_a_photo_of_200_megapixels_is_refused_unread(self, recognizer: Recognizer, tmp_path: Path) -> None:
        from PIL import Image

        path = tmp_path / "huge.png"
        Image.new("1", (20_000, 10_000)).save(path)
        with pytest.raises(DataError, match=r"huge\.png"):
            recognizer.faces(path)

    def test_photos_lying_on_their_side_by_exif(self, recognizer: Recognizer, drawn: np.ndarray, tmp_path) -> None:
        from PIL import Image

        exif = Image.Exif()
        exif[0x0112] = 6
        path = tmp_path / "turned.png"
        Image.fromarray(np.rot90(drawn[0]).copy()).save(path, exif=exif)
        assert recognizer.verify(path, drawn[0]).distance < 1e-3


class TestModelsAndThresholds:
    @pytest.fixture
    def plain(self, tmp_path: Path) -> Path:
        """A model file that says nothing of templates and thresholds."""
        from nasface.exporters import TFLiteConfig, TFLiteExporter

        net = NetBuilder("plain", (32, 32, 3))
        with net.layer("Means"):
            net.flatten(net.avg_pool(INPUT, "means", kernel=8, stride=8), "flat")
        return TFLiteExporter(TFLiteConfig()).export(net.build(), {}, tmp_path / "plain.tflite", {}).path

    def test_without_a_template(self, plain: Path, drawn: np.ndarray) -> None:
        with pytest.raises(InvalidInput, match=r"recognition\.template=arcface"):
            Recognizer(plain)
        assert len(Recognizer(plain, crop="square").faces(drawn[0])) == 1
        assert len(Recognizer(plain, detector="none").faces(drawn[0])) == 1

    def test_without_a_threshold(self, plain: Path, drawn: np.ndarray, tmp_path: Path) -> None:
        recognizer = Recognizer(plain, tmp_path / "g", crop="box")
        recognizer.enrol("a", drawn[:1])
        with pytest.raises(GalleryError, match="action=calibrate"):
            recognizer.identify(drawn[0])
        with pytest.raises(GalleryError, match="action=calibrate"):
            recognizer.verify(drawn[0], drawn[1])
        assert Recognizer(plain, tmp_path / "g", crop="box", threshold=0.1).identify(drawn[0])[0].name == "a"

    def test_the_gallerys_threshold_decides_before_the_models(
        self, recognizer: Recognizer, model: Path, drawn: np.ndarray, tmp_path: Path
    ) -> None:
        recognizer.enrol("a", drawn[:1])
        assert recognizer.verify(drawn[0], drawn[2]).threshold.squared_l2 == 0.45
        file = GalleryFile(tmp_path / "drawn.gallery")
        with file.changing() as write:
            write(dataclasses.replace(file.read(), threshold=Threshold(1e-6, 0.01, "measured on others")))
        verdict = recognizer.verify(drawn[0], drawn[2])
        assert (verdict.same, verdict.threshold.origin) == (False, "measured on others")
        assert recognizer.identify(drawn[2])[0].name is None
        assert Recognizer(model, tmp_path / "drawn.gallery", threshold=1.0).verify(drawn[0], drawn[2]).same

    def test_bad_choices(self, model: Path) -> None:
        with pytest.raises(UnknownName, match="aligned"):
            Recognizer(model, crop="align")
        with pytest.raises(InvalidInput, match="There is no model"):
            Recognizer("absent.tflite")
        with pytest.raises(InvalidInput, match=r"recognition\.gallery"):
            Recognizer(model).gallery()

    def test_is_public(self) -> None:
        assert nasface.Recognizer is Recognizer


class TestBoxes:
    def test_boxes_of_somebody_else(self, model: Path, drawn: np.ndarray, tmp_path: Path) -> None:
        from PIL import Image

        Image.fromarray(drawn[0]).save(tmp_path / "a.png")
        listed = tmp_path / "boxes.csv"
        listed.write_text("photo,left,top,right,bottom\na.png,10,10,200,210\na.png,0,0,50,50\n")
        boxes = Boxes(BoxesConfig(file=str(listed)))
        assert not boxes.gives_points
        recognizer = Recognizer(model, detector=boxes)
        assert recognizer.model.crop == "box"
        assert [seen.face.box for seen in recognizer.faces(tmp_path / "a.png")] == [(10, 10, 200, 210), (0, 0, 50, 50)]
        assert recognizer.faces(drawn[0]) == []

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "it has no column photo"),
            ("photo,left\na,1\n", "it has no column top"),
            ("photo;left;top;right;bottom\na;1;2;3;4\n", "it has no column photo"),
            ("photo,left,top,right,bottom\na,5,5,1,1\n", r"line 2: the box 5, 5, 1, 1 of a is empty"),
            ("photo,left,top,right,bottom\na,0,5,1,7\na,x,5,1,1\n", "line 3: left is 'x'"),
            ("photo,left,top,right,bottom\na,1,5\n", "line 2: right is None"),
            ("photo,left,top,right,bottom,score\na,0,5,1,7,nan\n", "line 2: score is 'nan'"),
        ],
    )
    def test_what_is_no_list_is_refused(self, text: str, reason: str, tmp_path: Path, drawn: np.ndarray) -> None:
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(DataError, match=rf"bad\.csv is no list of faces \({reason}\)"):
            Boxes(BoxesConfig(file=str(tmp_path / "bad.csv"))).detect(drawn[0], "a")

    def test_no_list_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match=r"detector\.file"):
            Boxes(BoxesConfig())


def test_data_of_whole_photos(model: Path, drawn: np.ndarray, tmp_path: Path) -> None:
    """`data.align` cuts faces out as the recogniser does, skips photos without one, and changes the fingerprint."""
    from PIL import Image

    from nasface.data import load_data
    from nasface.recognition.aligned_data import aligned_data

    for row in range(6):
        folder = tmp_path / "photos" / f"p{row // 3}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.pad(drawn[row], ((30, 0), (80, 10), (0, 0)), constant_values=128)).save(
            folder / f"{row}.png"
        )
    Image.new("RGB", (60, 60)).save(tmp_path / "photos" / "p1" / "none.png")
    raw = load_data({"name": "image_folder", "root": str(tmp_path / "photos"), "split": "none"})
    recognizer = Recognizer(model)
    data = aligned_data(raw, recognizer.model.cutter)
    assert data.fingerprint != raw.fingerprint
    photos = data.report.load(size=64)
    assert [photo.reason for photo in photos.skipped] == ["no face found"]
    expected = [recognizer.face(tmp_path / "photos" / raw.report.names[row]).descriptor for row in photos.indices]
    np.testing.assert_allclose(recognizer.model.describe(photos.images), expected, atol=1e-6)
    with pytest.raises(InvalidInput, match=r"data\.align"):
        aligned_data(load_data({"name": "procedural"}), recognizer.model.cutter)
