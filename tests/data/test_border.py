"""Photos as people and attackers have them: read, or counted and named; never misread."""

from __future__ import annotations

import errno
import io
import logging
import os
import tarfile
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasface.data import FaceData, UnreadablePhotoError, decoding, load_data
from nasface.data.decoding import decode, decode_whole
from nasface.data.sources import open_source
from nasface.errors import DataError

Image = pytest.importorskip("PIL.Image")

GREY = (np.arange(64 * 64).reshape(64, 64) * 15).astype(np.uint16)


def encoded(array: np.ndarray, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind)
    return out.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    photo = encoded(np.full((8, 8, 3), 90, np.uint8), "JPEG")

    def put(*names: str) -> Path:
        for name in names:
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photo)
        return tmp_path / "photos"

    return put


@pytest.mark.parametrize("kind", ["PNG", "PPM"])
def test_grey_photos_of_16_bits_are_scaled_and_not_cut(kind: str) -> None:
    found = decode_whole(encoded(GREY, kind))[..., 0]
    np.testing.assert_allclose(found, GREY / 257, atol=0.51)


def test_photos_of_phones_are_read_with_the_extra_and_counted_without(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heif = pytest.importorskip("pillow_heif")
    root, out = put("Ann/1.jpg", "Ann/2.heic", "Bo/1.jpg"), io.BytesIO()
    heif.from_pillow(Image.fromarray(np.full((64, 64, 3), 120, np.uint8))).save(out)
    (root / "Ann" / "2.heic").write_bytes(out.getvalue())
    photos = open_source(root, what="test").load(size=8)
    assert abs(photos.images[1].astype(int) - 120).max() < 4
    monkeypatch.setattr(decoding, "find_spec", lambda _: None)
    assert list(open_source(root, what="test").names) == ["Ann/1.jpg", "Bo/1.jpg"]
    assert "1 .heic files (install pillow-heif to read them) (2.heic)" in caplog.text


def test_a_photo_is_read_by_its_content_and_nothing_else_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("another program was started"))
    with pytest.raises(UnreadablePhotoError, match="not a photo"):
        decode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n", 8)
    assert decode(encoded(np.zeros((4, 4, 3), np.uint8), "BMP"), 8).shape == (8, 8, 3)


def test_large_jpegs_are_reduced_and_other_large_photos_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_PIXELS", 10_000)
    large = np.full((256, 256, 3), 120, np.uint8)
    assert decode_whole(encoded(large, "JPEG")).shape == (64, 64, 3)
    assert decode(encoded(large, "JPEG"), 32).shape == (32, 32, 3)
    with pytest.raises(UnreadablePhotoError, match="256 x 256 pixels; at most"):
        decode(encoded(large), 32)


def test_what_is_not_read_is_counted_and_named_by_kind(
    put: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    root = put(
        "Ann/1.jpg", "Ann/raw.cr2", "Bo/1.jpg", "Bo/holiday/2.jpg", "@eaDir/Ann/1.jpg", "Cy/3.gif", "Cy/list.txt"
    )
    (root / "Ann" / "loop").symlink_to(root / "Ann" / "loop")
    faces = open_source(root, what="test")
    assert list(faces.names) == ["Ann/1.jpg", "Bo/1.jpg"]
    for kind in (
        "1 .cr2 files (raw.cr2)",
        "1 folders inside folders of people (Bo/holiday)",
        "1 folders of other programs (@eaDir)",
        "1 .gif files (3.gif)",
        "1 folders without a photo (Cy)",
        "1 broken links (loop)",
    ):
        assert kind in caplog.text


def test_a_folder_without_permission_is_counted_and_the_others_are_read(
    put: Callable[..., Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, scandir = put("Ann/1.jpg", "Bo/1.jpg"), os.scandir

    def denied(folder: str | Path) -> object:  # the administrator, who may run the tests, may enter every folder
        if Path(folder).name == "Bo":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(folder)

    monkeypatch.setattr("nasface.data.sources.os.scandir", denied)
    assert list(open_source(root, what="test").names) == ["Ann/1.jpg"]
    assert "1 folders that cannot be entered (Permission denied) (Bo)" in caplog.text


def test_folders_one_level_too_deep_are_entered(put: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        faces = open_source(put("lfw/Ann/1.jpg", "lfw/Bo/1.jpg"), what="test")
    assert faces.people == ("Ann", "Bo")
    assert "one folder, lfw" in caplog.text


def test_names_are_equal_however_accents_are_written(put: Callable[..., Path]) -> None:
    name = unicodedata.normalize("NFD", "Zoë")
    faces = open_source(put(f"{name}/{name}_0001.jpg", "人脸/1.jpg"), what="test")
    assert faces.people == ("Zoë", "人脸")
    assert len(faces.load(size=8).images) == 2


@pytest.mark.parametrize("size", [-1024, 1 << 40])
def test_tars_with_impossible_sizes_are_refused(tmp_path: Path, size: int) -> None:
    member = tarfile.TarInfo("Ann/1.jpg")
    member.size = 0
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (b"\xff" * 12) if size < 0 else b"\x80" + size.to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header[:512]):06o}\0 ".encode()
    (tmp_path / "photos.tar").write_bytes(bytes(header) + b"\0" * 1024)
    with pytest.raises(DataError, match=r"not an uncompressed tar|holds no photos"):
        open_source(tmp_path / "photos.tar", what="test")


def test_an_empty_photo_in_a_tar_is_skipped_and_named(put: Callable[..., Path], make_tar: Callable[..., Path]) -> None:
    root = put("Ann/1.jpg", "Ann/2.jpg", "Bo/1.jpg")
    (root / "Ann" / "2.jpg").write_bytes(b"")
    photos = open_source(make_tar(root), what="data=image_folder").load(size=8)
    assert len(photos.images) == 2
    assert [(skip.name, skip.reason) for skip in photos.skipped] == [("Ann/2.jpg", "empty file")]


@pytest.fixture
def sides(photo_folder: Path) -> Callable[..., FaceData]:
    """Lists that put people on sides, and the data."""

    def load(**lists: str) -> FaceData:
        for role, names in lists.items():
            (photo_folder / f"{role}_people.txt").write_text("\n".join(names.split()))
        return load_data({"name": "image_folder", "root": str(photo_folder)})

    return load


@pytest.mark.parametrize("pack", [False, True])
def test_a_photo_that_was_trained_on_and_is_reported_on_is_said(
    pack: bool,
    sides: Callable[..., FaceData],
    photo_folder: Path,
    make_tar: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    known = (photo_folder / "Ann_Lee" / "Ann_Lee_0002.jpg").read_bytes()
    (photo_folder / "Cy_Ode" / "copy.jpg").write_bytes(known)
    (photo_folder / "Cy_Ode" / "other.jpg").write_bytes(known[:-1] + b"x")  # of the same size
    if pack:
        lists = {f"{role}_people": f"{photo_folder}/{role}_people.txt" for role in ("training", "report")}
        sides(training="Ann_Lee Bob_Ray", report="Cy_Ode Flo_Orr")
        caplog.clear()
        load_data({"name": "image_folder", "root": str(make_tar(photo_folder)), **lists})
    else:
        sides(training="Ann_Lee Bob_Ray", report="Cy_Ode Flo_Orr")
    said = [text for text in caplog.messages if "are training or validation photos too" in text]
    assert said == [said[0]]
    assert said[0].startswith("1 of the report people's photos")
    assert "Cy_Ode/copy.jpg is Ann_Lee/Ann_Lee_0002.jpg" in said[0]


def test_sets_without_a_common_photo_say_nothing(
    sides: Callable[..., FaceData], caplog: pytest.LogCaptureFixture
) -> None:
    sides(training="Ann_Lee Bob_Ray", report="Cy_Ode Flo_Orr")
    assert not caplog.messages


def test_report_people_whom_no_list_names_are_a_caveat(sides: Callable[..., FaceData]) -> None:
    drawn = sides()
    assert drawn.drawn == "data.split=identity, split_seed=0"
    assert "were drawn (data.split=identity, split_seed=0), not listed" in drawn.caveat
    assert sides(report="Cy_Ode Flo_Orr").caveat == ""


def test_a_file_too_large_for_a_photo_is_not_read(put: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    root = put("Ann/1.jpg", "Ann/2.jpg", "Bo/1.jpg")
    os.truncate(root / "Ann" / "2.jpg", decoding.MOST_PHOTO_BYTES + 1)  # a hole, which takes no space
    photos = open_source(root, what="data=image_folder").load(size=8)
    assert [(skip.name, "larger than 268 MB" in skip.reason) for skip in photos.skipped] == [("Ann/2.jpg", True)]
