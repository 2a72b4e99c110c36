"""Names in a buffer; what a photo costs in memory; folders are scanned without a look at their files."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.data import FaceSet, PhotoIndex
from nasface.data._index import Chosen, Strings
from nasface.data.recordio import open_records
from nasface.data.sources import FolderSource, scan_folders
from nasface.testing.photos import write_records

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=20)


@settings(deadline=None)
@given(TEXTS)
def test_strings_are_a_sequence(texts: list[str]) -> None:
    strings = Strings.of(texts)
    assert strings == texts
    assert list(strings) == [strings[row] for row in range(len(texts))] == texts
    assert (strings[1:], strings[::-2], len(strings)) == (tuple(texts[1:]), tuple(texts[::-2]), len(texts))
    if texts:
        assert strings[-1] == texts[-1]
        assert strings != texts[:-1]
    with pytest.raises(IndexError):
        strings[len(texts)]
    assert pickle.loads(pickle.dumps(strings)) == texts


@settings(deadline=None)
@given(TEXTS)
def test_ascending_strings_are_searched(texts: list[str]) -> None:
    strings = Strings.of(sorted(set(texts)))
    assert [strings.find(text) for text in sorted(set(texts))] == list(range(len(strings)))
    assert strings.find("no such text") == -1


@pytest.mark.parametrize("end", ["\n", "", "\r\n", "\n\n"])
def test_lines_of_a_file(end: str) -> None:
    assert Strings.lines(b"a/b\n\xc3\xa4/c\nd" + end.encode()) == ["a/b", "ä/c", "d"]
    assert Strings.lines(b"") == []


def test_names_that_are_no_utf8_survive() -> None:
    assert os.fsencode(Strings.of([os.fsdecode(b"p/\xff.jpg")])[0]) == b"p/\xff.jpg"


def test_stems() -> None:
    names = Strings.of(["a/x.b.png", "a/x.jpg", "a/x_1.jpg"])
    assert [names.stem(stem) for stem in ("a/x", "a/x.b", "a/x_1", "a/y")] == [
        "a/x.jpg",
        "a/x.b.png",
        "a/x_1.jpg",
        None,
    ]


def test_people_whose_names_begin_alike() -> None:
    """Jo Ann's photos come before those of Jo, as a blank comes before a slash, though Jo comes first."""
    index = PhotoIndex.of(["Jo/2.jpg", "Jo Ann/1.jpg", "Jo/1.jpg", "Al/1.jpg"])
    assert index.names == ["Al/1.jpg", "Jo Ann/1.jpg", "Jo/1.jpg", "Jo/2.jpg"]
    assert (index.people, index.labels.tolist()) == (("Al", "Jo", "Jo Ann"), [0, 2, 1, 1])


def test_indexes_without_a_common_person_are_merged() -> None:
    one, two = ["Jo Ann/1.jpg", "Jo Ann/2.jpg", "Zed/1.jpg"], ["Al/9.jpg", "Jo/1.jpg", "Jo/2.jpg"]
    merged, whole = PhotoIndex.merged([PhotoIndex.of(one), PhotoIndex.of(two)]), PhotoIndex.of(one + two)
    assert (merged.names, merged.people) == (whole.names, whole.people)
    assert merged.labels.tolist() == whole.labels.tolist()
    assert len(PhotoIndex.merged([PhotoIndex.of([]), PhotoIndex.of(two)])) == 3


def test_people_whose_folders_begin_alike(photo_folder: Path) -> None:
    (photo_folder / "Ann_Lee").rename(photo_folder / "Ed")
    (photo_folder / "Bob_Ray").rename(photo_folder / "Ed Ray")
    source = scan_folders([photo_folder])
    assert list(source.index.names) == sorted(source.index.names)
    owners = [source.index.people[label] for label in source.index.labels]
    assert owners == [name.rpartition("/")[0] for name in source.index.names]
    assert FaceSet.all(source).load(size=8).skipped == ()


def test_subsets_number_their_own_people() -> None:
    names = Strings.of(["a/1", "b/1", "b/2", "c/1"])
    faces = FaceSet.all(FolderSource(PhotoIndex.ascending(names), {}))
    some = faces.select(np.array([1, 3]))
    assert (some.people, some.labels.tolist(), some.names[:]) == (("b", "c"), [0, 1], ("b/1", "c/1"))
    assert Chosen(names, np.array([3, 0])) == ["c/1", "a/1"]


def test_folders_are_scanned_for_names_only(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_look(self: Any, **_: Any) -> Any:
        raise AssertionError(f"looked at {self}")

    monkeypatch.setattr(Path, "stat", no_look)
    monkeypatch.setattr(Path, "is_file", no_look)
    assert len(scan_folders([photo_folder]).index) == 23


def test_bytes_per_photo_in_a_folder() -> None:
    """VGGFace2's names. A tuple of strings alone would be 76 + 8 bytes a photo."""
    photos, people = 50_000, 150
    tracemalloc.start()
    names = Strings.of(f"n{k // 334:06d}/{k % 334:04d}_01.jpg" for k in range(photos))
    faces = FaceSet.all(FolderSource(PhotoIndex.ascending(names), {}))
    part = faces.select(faces.labels < people // 2)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(part.labels) == people // 2 * 334
    assert kept / photos < 48


def test_bytes_per_photo_in_a_record_file(tmp_path: Path) -> None:
    photos = 50_000
    path = write_records(tmp_path, photos, people=500)
    tracemalloc.start()
    faces = FaceSet.all(open_records(path))
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(faces), len(faces.people)) == (photos, 500)
    assert kept / photos < 32
    assert peak / photos < 160
