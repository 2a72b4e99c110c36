"""Enrol, identify, verify and gallery through the command line, on drawn people."""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.preprocessing import ARCFACE
from nasface.recognition.gallery import Gallery, Way
from nasface.recognition.gallery_file import GalleryFile
from nasface.testing.faces import drawn_people, write_contrast_model

from ._command import Command

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def here(cli: Command) -> Path:
    """The working folder: a model, a folder of two people with two photos each, and photos of them and a stranger."""
    from PIL import Image

    folder, photos = Path.cwd(), drawn_people()
    write_contrast_model(folder / "model.tflite")
    for person, name in enumerate(("Ada [a]", "Bo")):
        (folder / "people" / name).mkdir(parents=True)
        for number in range(2):
            Image.fromarray(photos[3 * person + number]).save(folder / "people" / name / f"{number}.png")
    Image.new("RGB", (50, 50)).save(folder / "people" / "Bo" / "nobody.png")
    for name, row in (("ada", 2), ("bo", 5), ("stranger", 8)):
        Image.fromarray(photos[row]).save(folder / f"{name}.png")
    (folder / "empty.gallery").touch()
    return folder


GALLERY = "recognition.gallery=a.gallery"
EMPTY = "recognition.gallery=empty.gallery"
MODEL = "model=model.tflite"


def test_from_enrolment_to_removal(cli: Command, here: Path) -> None:
    enrolled = cli("task=enrol", MODEL, GALLERY, "recognition.photos=people")
    assert enrolled.code == 0, enrolled.err
    assert enrolled.result["decision"]["enrolled"] == {"Ada [a]": 2, "Bo": 2}
    assert "Ada [a]: 2 photos enrolled" in enrolled.out
    assert enrolled.out.splitlines()[-1] == "next: nasface gallery recognition.gallery=a.gallery"
    assert "nobody.png shows no face" in " ".join(enrolled.out.split())

    found = cli("task=identify", MODEL, GALLERY, "recognition.photos=[ada.png,bo.png,stranger.png]")
    assert found.code == 0, found.err
    with (found.folder / "faces.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["Ada [a]", "Bo", ""]

    same = cli("task=verify", MODEL, "recognition.photos=[ada.png,bo.png]")
    assert "two people" in same.out
    listed = cli("task=gallery", GALLERY)
    assert listed.result["decision"]["people"] == {"Ada [a]": 2, "Bo": 2}
    removed = cli("task=gallery", GALLERY, "recognition.action=remove", "recognition.name=Bo")
    assert removed.code == 0, removed.err
    again = cli("task=identify", MODEL, GALLERY, "recognition.photos=bo.png")
    assert again.result["status"] == "ok"
    assert cli("task=gallery", GALLERY).result["decision"]["people"] == {"Ada [a]": 2}
    exported = cli("task=gallery", GALLERY, "recognition.action=export", "recognition.out=out.npz")
    assert exported.code == 0, exported.err
    with np.load(here / "out.npz") as arrays:
        assert arrays["names"].tolist() == ["Ada [a]/000000", "Ada [a]/000001"]


def test_a_threshold_of_people_who_are_not_in_it(cli: Command, here: Path) -> None:
    cli("task=enrol", MODEL, GALLERY, "recognition.photos=people")
    options = ("data=procedural", "data.people=40", "data.photos=4", "recognition.far=0.1")
    done = cli("task=gallery", MODEL, GALLERY, "recognition.action=calibrate", *options)
    assert done.code == 0, done.err
    assert done.result["decision"]["far"] == 0.1
    assert "people of data=procedural who are not in the gallery" in " ".join(cli("task=gallery", GALLERY).out.split())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["task=enrol", GALLERY, "recognition.photos=people"], "model=FILE"),
        (["task=enrol", MODEL, GALLERY], "recognition.photos"),
        (["task=enrol", MODEL, GALLERY, "recognition.photos=ada.png"], "recognition.name=NAME"),
        (["task=enrol", MODEL, "recognition.photos=ada.png", "recognition.name=A"], "recognition.gallery=FILE"),
        (["task=identify", MODEL, GALLERY, "recognition.photos=ada.png"], "can be read at recognition.gallery"),
        (["task=verify", MODEL, "recognition.photos=ada.png"], "compares two photos"),
        (["task=gallery", "recognition.action=forget", EMPTY], "Known: calibrate, export, list, remove"),
        (["task=gallery", "recognition.action=remove", EMPTY], "recognition.name=NAME"),
        (["task=gallery"], "recognition.gallery=FILE"),
        (["task=verify", MODEL, "recognition.photos=[ada.png,absent.png]"], "absent.png"),
    ],
)
def test_what_is_missing_is_said(cli: Command, here: Path, overrides: list[str], message: str) -> None:
    done = cli(*overrides)
    assert done.code == 2
    assert message in done.text


REMOVE = ("recognition.action=remove", "recognition.name=Ada")


@pytest.mark.parametrize(
    ("trouble", "overrides", "message"),
    [
        ("damaged", REMOVE, "is no gallery, or damaged"),
        ("locked", REMOVE, "Another process has held"),
        ("wrong passphrase", REMOVE, "the passphrase is wrong, or the file damaged"),
        ("no passphrase", REMOVE, "set NASFACE_PASSPHRASE"),
        ("another model", ("task=identify", MODEL, "recognition.photos=ada.png"), "another model"),
    ],
)
def test_galleries_that_cannot_be_used_stay_as_they_are(
    cli: Command, monkeypatch: pytest.MonkeyPatch, trouble: str, overrides: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr("nasface.recognition.gallery_file.PATIENCE", 0.1)
    encrypted = "passphrase" in trouble
    if encrypted:
        pytest.importorskip("cryptography")
    monkeypatch.setenv("NASFACE_PASSPHRASE", "wrong")
    if trouble == "no passphrase":
        monkeypatch.delenv("NASFACE_PASSPHRASE")
        monkeypatch.setattr("sys.stdin", io.StringIO())
    Path("ada.png").touch()
    write_contrast_model(Path("model.tflite"))
    file = GalleryFile(Path("a.gallery"), lambda: "right", encrypt=encrypted)
    way = Way("a" * 64, "aligned", ARCFACE.to_dict(), "yunet")
    with file.changing() as write:
        write(Gallery().enrolled("Ada", np.eye(2, 16, dtype=np.float32), way))
    if trouble == "damaged":
        file.path.write_bytes(file.path.read_bytes()[:-50])
    before = file.path.read_bytes()
    with file.changing() if trouble == "locked" else contextlib.nullcontext():
        done = cli("task=gallery", *overrides, GALLERY)
    assert (done.code, message in done.text) == (2, True), done.err
    assert file.path.read_bytes() == before


def test_errors_by_group(cli: Command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of drawn people in folders: a table with every group, in the page and in result.json; no figure is cut off."""
    monkeypatch.setenv("COLUMNS", "80")
    from PIL import Image

    from nasface.data import load_data

    report = load_data({"name": "procedural", "people": 48, "photos": 3}).require("report")
    photos = report.load(size=64)
    for row, picture in zip(photos.indices, photos.images, strict=True):
        path = here / "photos" / report.names[row]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    lines = ["person,group", *(f"{name},{'odd' if i % 2 else 'even'}" for i, name in enumerate(report.people))]
    (here / "groups.csv").write_text("\n".join(lines))
    data = ("data=image_folder", "data.root=photos", "data.split=none", "data.groups=groups.csv")
    done = cli("task=evaluate", MODEL, *data, "evaluation.far=[0.1]", "evaluation.bootstrap=20")
    assert done.code == 0, done.err
    [details] = done.result["decision"]["details"].values()
    assert [group["group"] for group in details["groups"]] == ["even", "odd"]
    assert "highest FMR" in done.out
    assert "…" not in done.out
    page = (done.folder / "report.html").read_text()
    assert "errors by group" in page
    assert "Known people and strangers" in page
    assert "identification macro" in done.out


def write_faces(size: int) -> None:
    """Drawn faces in `cut`; in `whole` photos with them near the centre and somebody else in a corner."""
    from PIL import Image

    from nasface.data import load_data

    drawn, rng = load_data({"name": "procedural", "people": 24, "photos": 3}), np.random.default_rng(0)
    rows = ["photo,left,top,right,bottom"]
    for faces in filter(None, drawn.parts.values()):
        for drawn_name, picture in zip(faces.names, faces.load(size=size).images, strict=True):
            name, whole = str(Path(drawn_name).with_suffix(".png")), rng.integers(0, 256, (150, 160, 3), np.uint8)
            left, top = rng.integers(55, 70, 2)
            whole[top : top + size, left : left + size] = picture
            for folder, pixels in (("cut", picture), ("whole", whole)):
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
            rows += [f"{name},0,0,50,50", f"{name},{left},{top},{left + size},{top + size}"]
    Path("faces.csv").write_text("\n".join(rows))


class TestWholePhotosAsData:
    """`data.align=true` on photos that faces were put into says what the faces themselves say."""

    CUT = ("detector=boxes", "detector.file=faces.csv", "data.align=true")
    TINY = ("data=image_folder", "space=ofa_mbv3", "space.width=0.25", "space.resolution=32")

    def both(self, cli: Command, *words: str) -> list[dict[str, Any]]:
        found = [cli(*words, "data.root=cut"), cli(*words, "data.root=whole", *self.CUT)]
        assert [done.code for done in found] == [0, 0], found[0].err + found[1].err
        return [done.result["decision"] for done in found]

    def test_evaluation(self, cli: Command) -> None:
        write_faces(64)
        write_contrast_model(Path("model.tflite"))
        model = ("task=evaluate", "model=model.tflite", "data=image_folder", "evaluation.bootstrap=0")
        cut, whole = self.both(cli, *model)
        assert 0.5 < cut["rows"][0]["auc"] < 1
        assert whole["rows"] == cut["rows"]
        assert whole["data"] != cut["data"]

    @pytest.mark.slow
    def test_training_and_accuracy_tables(self, cli: Command) -> None:
        write_faces(32)
        steps = ("training.batch=12", "training.calibration_photos=16", "training.plan.sandwich.steps=1")
        here = ("training.accelerator=cpu", "training.cpu_threads=1", "training.folder=${data.root}_made")
        cut, whole = self.both(cli, "task=train_supernet", *self.TINY, *steps, *here)
        assert whole["supernet"] == cut["supernet"], "trained on equal pictures"
        table = ("accuracy.table=${data.root}.csv", "accuracy.n_subnets=2", "accuracy.calibration_photos=8")
        self.both(
            cli, "task=estimate_accuracy", *self.TINY, "supernet.checkpoint=cut_made/supernet.safetensors", *table
        )
        assert read_rows("whole.csv") == read_rows("cut.csv"), "the pictures' fingerprint included"


def read_rows(path: str) -> list[dict[str, str]]:
    with Path(path).open() as file:
        return list(csv.DictReader(file))
