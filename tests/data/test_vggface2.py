"""`data=vggface2`: the folders and lists of the release, and a copy with all people together."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasface.data import FaceData, load_data
from nasface.errors import DataError

TRAIN, TEST = [f"n{n:06d}" for n in range(2, 42, 2)], ["n000001", "n000009", "n000029"]


@pytest.fixture
def root(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Twenty train and three test people with ten photos each, and identity_meta.csv as it is published."""
    photo = Image.fromarray(rng.integers(0, 256, (12, 10, 3), dtype=np.uint8))
    for part, people in (("train", TRAIN), ("test", TEST)):
        for person in people:
            folder = tmp_path / part / person
            folder.mkdir(parents=True)
            for k in range(10):
                photo.save(folder / f"{k:04d}_01.jpg")
    rows = [f'{person}, "Some_Name, Jr", 10, {int(person in TRAIN)}, f' for person in sorted(TRAIN + TEST)]
    (tmp_path / "identity_meta.csv").write_text("Class_ID, Name, Sample_Num, Flag, Gender\n" + "\n".join(rows) + "\n")
    return tmp_path


def load(root: Path, **settings: Any) -> FaceData:
    return load_data({"name": "vggface2", "root": str(root)} | settings)


def write_lists(root: Path, skip: int = 0) -> None:
    for part, people in (("train", TRAIN), ("test", TEST)):
        names = [f"{person}/{k:04d}_01.jpg" for person in people for k in range(skip, 10)]
        (root / f"{part}_list.txt").write_text("\n".join(names) + "\n")


def test_all_people_in_one_closed_set_as_in_the_paper(root: Path) -> None:
    data = load(root)
    assert (data.closed_set, data.report) == (True, None)
    assert data.training is not None
    assert data.training.people == tuple(sorted(TRAIN + TEST))
    assert len(data.training) + len(data.require("validation", closed_set=True)) == 230
    assert len(data.require("validation", closed_set=True)) == pytest.approx(0.0736 * 230, abs=6)


def test_results_on_the_test_people(root: Path) -> None:
    data = load(root, split="identity", training_fraction=0.7, validation_fraction=0.3)
    assert data.require("report").people == tuple(TEST)
    known = [*data.require("training").people, *data.require("validation").people]
    assert sorted(known) == TRAIN
    assert (data.require("report").load(size=8).images.shape, data.closed_set) == ((30, 8, 8, 3), False)


def test_lists_are_honoured(root: Path) -> None:
    whole = load(root)
    write_lists(root)
    listed = load(root)
    assert listed.fingerprint == whole.fingerprint
    write_lists(root, skip=4)
    some = load(root, split="identity")
    assert len(some.require("report")) == 18
    assert not [name for name in some.require("training").names if "0003_01" in name]
    assert load(root, train_list="none", test_list="none").fingerprint == whole.fingerprint


def test_with_lists_no_folder_is_read_and_absent_photos_are_skipped(root: Path) -> None:
    write_lists(root)
    shutil.rmtree(root / "test" / "n000009")
    photos = load(root, split="identity").require("report").load(size=8)
    assert len(photos) == 20
    assert photos.skipped[0].name == "n000009/0000_01.jpg"
    assert photos.skipped[0].reason == "No such file or directory"


def test_lists_in_any_order(root: Path) -> None:
    write_lists(root)
    before = load(root).fingerprint
    path = root / "train_list.txt"
    path.write_text("\r\n".join(reversed(path.read_text().split())))
    assert load(root).fingerprint == before


@pytest.mark.parametrize("line", ["0001_01.jpg", "n000002/x/0001_01.jpg", "../secret/a.jpg", "../a.jpg", "/etc/a.jpg"])
def test_malformed_lists(root: Path, line: str) -> None:
    (root / "train_list.txt").write_text(f"n000002/0001_01.jpg\n{line}\n")
    person = line.rpartition("/")[0]
    with pytest.raises(DataError, match=rf"train_list\.txt lists photos of '{person}'; a line is person/photo\.jpg"):
        load(root)


def test_people_together_are_told_apart_by_the_meta_file(root: Path) -> None:
    for part in ("train", "test"):
        for person in (root / part).iterdir():
            person.rename(root / person.name)
        (root / part).rmdir()
    data = load(root, split="identity")
    assert data.require("report").people == tuple(TEST)
    assert len(data.require("training").people) + len(data.require("validation").people) == 20
    assert load(root, split="identity", meta="none").report is None


def test_who_is_missing_is_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(root / "train" / "n000002")
    for photo in (root / "train" / "n000004").iterdir():
        photo.unlink()
    load(root)
    assert "1 folders without a photo (n000004)" in caplog.text
    assert "2 of 23 people of identity_meta.csv have no photo here: n000002, n000004" in caplog.text


def test_sets_that_cannot_serve(root: Path, tmp_path: Path) -> None:
    (root / "identity_meta.csv").write_text("name,sex\na,b\n")
    with pytest.raises(DataError, match=r"is not VGGFace2's identity_meta\.csv"):
        load(root)
    (root / "identity_meta.csv").unlink()
    shutil.copytree(root / "test" / "n000001", root / "train" / "n000001")
    with pytest.raises(DataError, match="1 people are in train and in test: n000001"):
        load(root)
    with pytest.raises(DataError, match=r"no folder data\.root"):
        load(root / "absent")
    (root / "train" / "n000002" / "none").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no photos"):
        load(root / "train" / "n000002")
