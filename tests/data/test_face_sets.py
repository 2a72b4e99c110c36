"""Sets of photos: reading, skipping, subsets, fingerprints, preprocessing."""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasface.data import FaceData, FaceSet, load_data
from nasface.data import _base as base
from nasface.data.sources import open_source
from nasface.errors import DataError, InvalidInput, MissingDependency
from nasface.preprocessing import Preprocessing


def open_folder(root: Path) -> FaceSet:
    return open_source(root, what="data=test")


def test_names_labels_and_people(photo_folder: Path) -> None:
    faces = open_folder(photo_folder)
    assert faces.people == ("Ann_Lee", "Bob_Ray", "Cy_Ode", "Di_Fox", "Ed_Kim", "Flo_Orr")
    assert np.bincount(faces.labels).tolist() == [4, 3, 5, 1, 4, 6]
    assert faces.names[:2] == ("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.jpg")
    assert all(name.startswith(faces.people[label]) for name, label in zip(faces.names, faces.labels, strict=True))


def test_photos_are_what_pillow_decodes(photo_folder: Path) -> None:
    faces = open_folder(photo_folder)
    photos = faces.load([5, 2], size=20)
    assert (photos.images.shape, photos.images.dtype) == ((2, 20, 20, 3), np.uint8)
    assert (photos.indices.tolist(), photos.labels.tolist(), photos.skipped) == ([5, 2], [1, 0], ())
    assert len(photos) == 2
    for image, row in zip(photos.images, (5, 2), strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(photo_folder / faces.names[row], formats=("JPEG",))))


def test_grey_and_large_and_turned_photos(photo_folder: Path) -> None:
    folder = photo_folder / "Gus"
    folder.mkdir()
    Image.new("L", (40, 30), 77).save(folder / "a.png")
    turned = Image.new("RGB", (10, 20), "black")
    turned.paste("white", (0, 0, 10, 10))  # white above black; the tag says: turn by a quarter to the right
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "b.JPG", quality=95, exif=exif)
    images = open_folder(photo_folder).people_only(["Gus"]).load(size=16).images
    assert (images[0] == 77).all()
    assert images[1][:, 12:].mean() > 240
    assert images[1][:, :4].mean() < 15


def test_unreadable_photos_are_skipped_counted_and_listed(photo_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (photo_folder / "Ann_Lee" / "Ann_Lee_0002.jpg").write_bytes(b"")
    (photo_folder / "Bob_Ray" / "Bob_Ray_0001.jpg").write_bytes(b"no photo at all")
    whole = (photo_folder / "Bob_Ray" / "Bob_Ray_0002.jpg").read_bytes()
    (photo_folder / "Bob_Ray" / "Bob_Ray_0002.jpg").write_bytes(whole[: len(whole) // 2])
    faces = open_folder(photo_folder)
    photos = faces.load(size=20)
    assert len(photos) == 20
    assert photos.indices.tolist() == [i for i in range(23) if i not in (1, 4, 5)]
    assert [skip.name for skip in photos.skipped] == [faces.names[i] for i in (1, 4, 5)]
    reasons = [skip.reason for skip in photos.skipped]
    assert reasons[:2] == ["empty file", "not a photo"]
    assert "truncated" in reasons[2].lower()
    assert "skipped 3 of 23 photos" in caplog.text
    assert "Ann_Lee/Ann_Lee_0002.jpg (empty file)" in caplog.text


def test_photos_without_pixels_are_refused(photo_folder: Path) -> None:
    with pytest.raises(InvalidInput, match="Photos cannot have 0 pixels"):
        open_folder(photo_folder).load(size=0)


def test_folders_without_photos_are_passed_over_and_counted(
    photo_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("Gus", "Hal"):
        (photo_folder / name).mkdir()
    (photo_folder / "Hal" / "notes.txt").write_text("none")
    assert len(open_folder(photo_folder).people) == 6
    assert "2 folders without a photo (Gus, Hal)" in caplog.text


def test_many_photos_read_in_threads_are_those_read_one_by_one(
    photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photo_folder / "Bob_Ray" / "Bob_Ray_0001.jpg").write_bytes(b"no photo at all")
    faces, wanted = open_folder(photo_folder), [row for _ in range(5) for row in range(22, -1, -1)]
    monkeypatch.setattr(base, "cores", lambda: 4)
    monkeypatch.setattr(base, "BLOCK", 10)
    many = faces.load(wanted, size=20)
    monkeypatch.setattr(base, "THREADS", 1)
    one = faces.load(wanted, size=20)
    np.testing.assert_array_equal(many.images, one.images)
    assert (many.indices.tolist(), many.skipped) == (one.indices.tolist(), one.skipped)
    assert many.indices.tolist() == [row for row in wanted if row != 4]


def test_large_jpegs_are_decoded_small_without_a_difference_to_speak_of(
    photo_folder: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    small = Image.fromarray(rng.integers(0, 256, (60, 60, 3), dtype=np.uint8))
    path = photo_folder / "Di_Fox" / "Di_Fox_0001.jpg"
    small.resize((480, 480), Image.Resampling.BICUBIC).save(path, quality=95)
    faces = open_folder(photo_folder).people_only(["Di_Fox"])
    fast = faces.load(size=112).images.astype(int)
    monkeypatch.setattr("nasface.data.decoding.DRAFT", 1000)
    difference = np.abs(fast - faces.load(size=112).images)
    assert 0 < difference.mean() < 2
    assert difference.max() <= 16


def test_a_photo_that_vanishes_is_skipped(photo_folder: Path) -> None:
    faces = open_folder(photo_folder)
    (photo_folder / faces.names[0]).unlink()
    assert [skip.reason for skip in faces.load([0, 1], size=20).skipped] == ["No such file or directory"]


def test_all_photos_unreadable_is_an_error(photo_folder: Path) -> None:
    for path in photo_folder.rglob("*.jpg"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"None of the 23 photos can be read: .* and 18 more; give JPEG or PNG"):
        open_folder(photo_folder).load(size=20)


def test_missing_pillow_names_the_extra(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faces, real = open_folder(photo_folder), builtins.__import__

    def without_pillow(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    with pytest.raises(MissingDependency, match=r"Reading photos needs the package pillow.*nasface\[torch\]"):
        faces.load([0], size=20)


def test_subset_and_positions(photo_folder: Path) -> None:
    faces = open_folder(photo_folder)
    some = faces.people_only(["Ed_Kim", "Bob_Ray", "Nobody"])
    assert (some.people, len(some)) == (("Bob_Ray", "Ed_Kim"), 7)
    rows = faces.positions(some.names)
    np.testing.assert_array_equal(faces.load(rows, size=20).images, some.load(size=20).images)
    with pytest.raises(DataError, match=r"1 of 2 photos are not in this set: Ann_Lee/Ann_Lee_0001\.jpg"):
        some.positions([some.names[0], faces.names[0]])


def test_fingerprint_follows_names_and_sizes(photo_folder: Path) -> None:
    before = open_folder(photo_folder).fingerprint
    assert open_folder(photo_folder).fingerprint == before
    with (photo_folder / "Di_Fox" / "Di_Fox_0001.jpg").open("ab") as file:
        file.write(b"\0")
    grown = open_folder(photo_folder).fingerprint
    (photo_folder / "Di_Fox").rename(photo_folder / "Di_Fix")
    assert len({before, grown, open_folder(photo_folder).fingerprint}) == 3


def test_fingerprint_of_data_knows_who_is_in_which_set(photo_folder: Path) -> None:
    one, two = open_folder(photo_folder).people_only(["Ann_Lee"]), open_folder(photo_folder).people_only(["Ed_Kim"])
    data = FaceData("test", one, two, None)
    assert data.fingerprint != FaceData("test", two, one, None).fingerprint
    assert data.fingerprint == FaceData("other", one, two, None).fingerprint


def test_required_people_that_are_absent(photo_folder: Path) -> None:
    data = FaceData("test", open_folder(photo_folder), None, None)
    assert data.require("training") is data.training
    with pytest.raises(DataError, match=r"no report people: give a list of them, data\.report_people=FILE"):
        data.require("report")


def test_sets_travel_to_other_processes(photo_folder: Path, make_tar: Callable[..., Path]) -> None:
    faces = open_source(make_tar(photo_folder), what="data=test")
    copy: FaceSet = pickle.loads(pickle.dumps(faces))
    np.testing.assert_array_equal(copy.load([3], size=20).images, faces.load([3], size=20).images)


@pytest.mark.parametrize("packed", [False, True])
def test_folder_and_tar_give_the_same_photos(packed: bool, photo_folder: Path, make_tar: Callable[..., Path]) -> None:
    tar = make_tar(photo_folder)
    faces, source = open_folder(photo_folder), open_source(tar.parent if packed else tar, what="data=test")
    assert source.names == faces.names
    assert source.fingerprint == faces.fingerprint
    np.testing.assert_array_equal(source.load(size=8).images, faces.load(size=8).images)


def test_compressed_and_damaged_tars_are_refused(photo_folder: Path, make_tar: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"is not an uncompressed tar of photos .*unpack it"):
        open_source(make_tar(photo_folder, "w:gz"), what="data=test")
    whole = make_tar(photo_folder)
    whole.write_bytes(b"\xff" * 2048)
    with pytest.raises(DataError, match="is not an uncompressed tar"):
        open_source(whole, what="data=test")


def test_roots_without_photos_are_refused(tmp_path: Path, photo_folder: Path, make_tar: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"data=test: there is nothing at data\.root=.*absent"):
        open_folder(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no folders with photos and 0 tar files"):
        open_folder(tmp_path / "empty")
    make_tar(photo_folder)
    make_tar(photo_folder, name="packed/more.tar")
    with pytest.raises(DataError, match="2 tar files"):
        open_folder(tmp_path / "packed")
    (tmp_path / "empty" / "notes.txt").write_text("none")
    with pytest.raises(DataError, match=r"holds no photos of the form person/photo"):
        open_source(make_tar(tmp_path / "empty"), what="data=test")


def test_preprocessing_is_the_networks_input(rng: np.random.Generator) -> None:
    photos = rng.integers(0, 256, (3, 4, 4, 3), dtype=np.uint8)
    values = Preprocessing(4).normalise(photos)
    expected = (photos / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected, atol=1e-6)
    with pytest.raises(InvalidInput, match=r"uint8 of shape \(n, 5, 5, 3\)"):
        Preprocessing(5).normalise(photos)


@pytest.mark.parametrize("name", ["image_folder", "lfw"])
def test_root_must_be_given(name: str) -> None:
    with pytest.raises(DataError, match=f"data={name} needs to know where the photos are: add data.root="):
        load_data({"name": name})
