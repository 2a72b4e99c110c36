"""Caches: what is in them, and what a kill, a full disk or another process can do to them."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spoilt import spoilt

from nasface.data import FaceSet, cache, cached
from nasface.data.sources import open_source
from nasface.errors import DataError, InvalidInput


@pytest.fixture
def faces(photo_folder: Path) -> FaceSet:
    return open_source(photo_folder, what="data=test")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "BLOCK", 4)


def check(cached: Any, faces: FaceSet, size: int = 12) -> None:
    loaded = faces.load(size=size)
    np.testing.assert_array_equal(cached.images, loaded.images)
    np.testing.assert_array_equal(cached.indices, loaded.indices)
    np.testing.assert_array_equal(cached.labels, loaded.labels)
    assert cached.skipped == loaded.skipped
    assert isinstance(cached.images, np.memmap)
    assert not cached.images.flags.writeable


def test_holds_what_load_gives_and_is_made_once(
    faces: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(cached(faces, 12, tmp_path / "cache"), faces)
    check(cached(faces, 7, tmp_path / "cache"), faces, 7)
    assert (
        sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".json"] * 2 + [".lock"] * 2 + [".npy"] * 2
    )
    [plain] = (tmp_path / "cache").glob("*_12.npy")
    np.testing.assert_array_equal(np.load(plain), faces.load(size=12).images)
    monkeypatch.setattr(FaceSet, "read", None)
    assert len(cached(faces, 12, tmp_path / "cache")) == 23


def test_broken_photos_are_left_out_and_listed_every_time(
    faces: FaceSet, photo_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("Ann_Lee_0002", "Bob_Ray_0001", "Flo_Orr_0006"):
        (photo_folder / name[:7] / f"{name}.jpg").write_bytes(b"x")
    for _ in range(2):
        caplog.clear()
        photos = cached(faces, 12, tmp_path)
        check(photos, faces)
        assert len(photos.skipped) == 3
        assert "skipped 3 of 23 photos" in caplog.text


def test_other_photos_get_another_cache(faces: FaceSet, photo_folder: Path, tmp_path: Path) -> None:
    cached(faces, 12, tmp_path)
    with (photo_folder / "Ann_Lee" / "Ann_Lee_0001.jpg").open("ab") as file:
        file.write(b"\0")
    cached(open_source(photo_folder, what="data=test"), 12, tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 2


def _die(faces: FaceSet, folder: Path, after: int) -> None:
    """Make a cache and die without any clean-up after some blocks."""
    cache.BLOCK = 4  # type: ignore[misc]
    write, left = cache.append, [after]

    def append(file: Any, values: Any) -> None:
        if not left[0]:
            file.write(values.tobytes()[:100])  # half of a block is in the file, and not in the list of progress
            file.flush()
            os._exit(9)
        left[0] -= 1
        write(file, values)

    cache.append = append
    cache.cached(faces, 12, folder)


@pytest.mark.parametrize("after", [0, 1, 3, 5, 6])
def test_a_kill_anywhere_leaves_no_wrong_cache_and_loses_a_block(
    faces: FaceSet, photo_folder: Path, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (photo_folder / "Ann_Lee" / "Ann_Lee_0002.jpg").write_bytes(b"x")
    process = multiprocessing.get_context("fork").Process(target=_die, args=(faces, tmp_path, after))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert list(tmp_path.glob("*.npy")) == []
    tried: list[int] = []
    read = FaceSet.read
    monkeypatch.setattr(FaceSet, "read", lambda self, rows, size: tried.extend(rows) or read(self, rows, size))
    kept = cached(faces, 12, tmp_path)
    assert tried == list(range(min(4 * after, 23), 23))
    monkeypatch.undo()
    check(kept, faces)


@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_a_part_of_a_cache_counts_for_nothing(faces: FaceSet, tmp_path: Path, suffix: str) -> None:
    cached(faces, 12, tmp_path)
    [path] = tmp_path.glob(f"*{suffix}")
    path.write_bytes(path.read_bytes()[:-1])
    check(cached(faces, 12, tmp_path), faces)
    path.unlink()
    check(cached(faces, 12, tmp_path), faces)


def test_progress_without_its_pixels_counts_for_nothing(faces: FaceSet, tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die, args=(faces, tmp_path, 3))
    process.start()
    process.join()
    [part] = tmp_path.glob("*.part")
    part.write_bytes(part.read_bytes()[:600])
    check(cached(faces, 12, tmp_path), faces)


def test_a_full_disk_is_said_and_the_same_command_goes_on(
    faces: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Any, values: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cache, "append", full)
        with pytest.raises(
            DataError, match=r"cannot be written \(No space left on device\); it needs 0\.0 GB: make room"
        ):
            cached(faces, 12, tmp_path)
    assert list(tmp_path.glob("*.npy")) == []
    check(cached(faces, 12, tmp_path), faces)


def _make(faces: FaceSet, folder: Path) -> None:
    cached(faces, 12, folder)


def test_processes_wait_for_each_other(faces: FaceSet, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_make, args=(faces, tmp_path)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    check(cached(faces, 12, tmp_path), faces)


def test_what_cannot_be_cached(faces: FaceSet, photo_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot have 0 pixels"):
        cached(faces, 0, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        cached(faces, 12, tmp_path / "file")
    for path in photo_folder.rglob("*.jpg"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match="None of the 23 photos can be read"):
        cached(faces, 12, tmp_path)


@pytest.mark.parametrize("name", ["json", "progress"])
def test_damaged_notes_count_for_nothing(faces: FaceSet, tmp_path: Path, name: str) -> None:
    cached(faces, 12, tmp_path)
    [plain], [notes] = tmp_path.glob("*.npy"), tmp_path.glob("*.json")
    whole = json.loads(notes.read_text())
    for content in [*list(spoilt(whole))[::4], whole | {"skipped": {"99": "x"}}]:
        if name == "progress":
            notes.unlink()
            plain.rename(plain.with_suffix(".part"))
        notes.with_suffix(f".{name}").write_text(json.dumps(content))
        check(cached(faces, 12, tmp_path), faces)
