"""Packing: the same people, photos, roles and pairs come back, in the format that others read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.data import FaceData, load_data
from nasface.data.packing import Encoding, Packed, pack
from nasface.data.record_file import RecordFile, read_index
from nasface.errors import DataError, InvalidInput, UnknownName

PNG = Encoding(16, "png")


def packed(data: FaceData, folder: Path, encoding: Encoding = PNG) -> tuple[Packed, FaceData]:
    return pack(data, folder, encoding, lambda done, total: None), load_data({"name": "recordio", "root": str(folder)})


@pytest.fixture
def data(photo_folder: Path, write_list: Callable[..., Path]) -> FaceData:
    genuine = [f"Flo_Orr\t{i}\t{j}" for i in range(1, 6) for j in range(i + 1, 7)]
    impostor = [f"Ed_Kim\t{i}\tCy_Ode\t{j}" for i in range(1, 4) for j in range(1, 5)]
    write_list("pairs.txt", *genuine, *impostor)
    write_list("training_people.txt", "Ann_Lee", "Di_Fox")
    write_list("report_people.txt", "Cy_Ode", "Ed_Kim", "Flo_Orr")
    return load_data({"name": "lfw", "root": str(photo_folder)})


def test_people_photos_roles_and_pairs_come_back(data: FaceData, tmp_path: Path) -> None:
    told, again = packed(data, tmp_path / "out")
    assert told == Packed(photos=20, people=5, pairs=27, skipped=())
    assert again.validation is None
    for role in ("training", "report"):
        before, after = data.require(role), again.require(role)
        assert (after.names, after.people, after.labels.tolist()) == (
            before.names[:],
            before.people,
            before.labels.tolist(),
        )
        np.testing.assert_array_equal(after.load(size=16).images, before.load(size=16).images)
    assert data.pairs
    assert again.pairs
    order = np.argsort(data.pairs.folds, kind="stable")
    assert again.pairs.same.tolist() == data.pairs.same[order].tolist()
    assert np.bincount(again.pairs.folds).min() >= 2
    for pairs in ("first", "second"):
        want = data.pairs.photos.load(getattr(data.pairs, pairs)[order], size=16).images
        np.testing.assert_array_equal(again.pairs.photos.load(getattr(again.pairs, pairs), size=16).images, want)


def test_pairs_by_names_serve_packed_photos(data: FaceData, photo_folder: Path, tmp_path: Path) -> None:
    packed(data, tmp_path / "out")
    again = load_data({"name": "recordio", "root": str(tmp_path / "out"), "pairs": str(photo_folder / "pairs.txt")})
    assert data.pairs
    assert again.pairs
    assert again.pairs.photos.names == data.pairs.photos.names[:]
    assert again.pairs.folds.tolist() == data.pairs.folds.tolist()


def test_files_are_insightfaces(data: FaceData, tmp_path: Path) -> None:
    packed(data, tmp_path / "out", Encoding(16))
    keys, offsets = read_index(tmp_path / "out" / "train.idx")
    records = [RecordFile(tmp_path / "out" / "train.rec").read(offset) for offset in offsets]
    assert keys.tolist() == list(range(26))
    assert records[0].labels == (21, 26)
    assert [record.labels[0] for record in records[1:21]] == [0] * 4 + [1] * 5 + [2] + [3] * 4 + [4] * 6
    assert all(record.data.startswith(b"\xff\xd8") for record in records[1:21])
    assert [record.labels for record in records[21:]] == [(1, 5), (5, 10), (10, 11), (11, 15), (15, 21)]
    assert (tmp_path / "out" / "property").read_text() == "5,16,16\n"
    assert (tmp_path / "out" / "training_people.txt").read_text() == "Ann_Lee\nDi_Fox\n"


def test_equal_photos_give_equal_bytes(data: FaceData, tmp_path: Path) -> None:
    for name in "ab":
        packed(data, tmp_path / name, Encoding(16))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_jpeg_is_close(data: FaceData, tmp_path: Path) -> None:
    _, again = packed(data, tmp_path / "out", Encoding(16, quality=100))
    one, other = (part.require("report").load(size=16).images.astype(int) for part in (data, again))
    assert 0 < np.abs(one - other).mean() < 2


def test_broken_photos_are_left_out(data: FaceData, photo_folder: Path, tmp_path: Path) -> None:
    (photo_folder / "Di_Fox" / "Di_Fox_0001.jpg").write_bytes(b"")
    (photo_folder / "Flo_Orr" / "Flo_Orr_0001.jpg").write_bytes(b"x")
    told, again = packed(data, tmp_path / "out")
    assert (told.photos, told.people, told.pairs) == (18, 4, 22)
    assert [skip.name for skip in told.skipped] == ["Di_Fox/Di_Fox_0001.jpg", "Flo_Orr/Flo_Orr_0001.jpg"]
    assert again.require("training").people == ("Ann_Lee",)
    for path in photo_folder.rglob("*.jpg"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match="None of the"):
        packed(data, tmp_path / "none")
    assert [path.name for path in (tmp_path / "none").iterdir()] == [".lock"]


def test_closed_sets_are_split_again_in_the_same_way(photo_folder: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"split": "image", "training_fraction": 0.6, "validation_fraction": 0.4, "split_seed": 5}
    data = load_data({"name": "image_folder", "root": str(photo_folder)} | settings)
    pack(data, tmp_path / "out", PNG, lambda done, total: None)
    again = load_data({"name": "recordio", "root": str(tmp_path / "out")} | settings)
    for role in ("training", "validation"):
        assert again.require(role, closed_set=True).names == data.require(role, closed_set=True).names


def test_drawn_people_of_three_sources(tmp_path: Path) -> None:
    data = load_data({"name": "procedural", "people": 20, "photos": 3})
    told, again = packed(data, tmp_path)
    assert (told.photos, told.people, told.pairs) == (60, 20, 30)
    for role in ("training", "validation", "report"):
        np.testing.assert_array_equal(again.require(role).load(size=16).images, data.require(role).load(size=16).images)


def test_nothing_is_overwritten_and_an_interruption_leaves_nothing(data: FaceData, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(data, tmp_path / "out", PNG, interrupt)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {".lock", "pairs.bin"}
    packed(data, tmp_path / "out")
    with pytest.raises(DataError, match=r"holds a train\.rec already; give another folder"):
        packed(data, tmp_path / "out")


def test_encodings_that_cannot_be(data: FaceData, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match=r"Unknown pack\.format 'jpg'.*Did you mean 'jpeg'"):
        Encoding(16, "jpg")
    for size, quality in ((0, 95), (16, 0), (16, 101)):
        with pytest.raises(InvalidInput, match=f"{size} pixels and quality {quality}"):
            Encoding(size, quality=quality)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be packed"):
        packed(data, tmp_path / "file")
