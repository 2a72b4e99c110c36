"""Atomic writes: the whole file under its name, or what was there before."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.runs import (
    AppendLog,
    atomic_write,
    held,
    is_json,
    remove_leftovers,
    write_json,
    write_text,
)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == path.parent, "a rename is atomic only within one file system"
        assert not path.exists()
    assert path.read_text() == "half"
    assert files(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_error_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "before")

    def fail() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("after")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "before"
    assert files(tmp_path) == ["file.txt"]


def test_content_is_synced_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "file.txt", []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.exists()))
    write_text(path, "text")
    assert seen == [False]


def test_failed_sync_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "file.txt", "text")
    assert files(tmp_path) == []


def test_file_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file.txt", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o640
    assert os.umask(before) == before, "the umask itself stays"


def test_json_keeps_order_and_takes_arrays(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"b": np.float32(0.5), "a": np.arange(2), "path": Path("x") / "y"})
    assert list(json.loads(path.read_text()).items()) == [("b", 0.5), ("a", [0, 1]), ("path", "x/y")]
    assert path.read_text().endswith("}\n")


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), (object(), TypeError)])
def test_what_is_not_json_is_refused(tmp_path: Path, value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        write_json(tmp_path / "file.json", {"a": value})
    assert files(tmp_path) == []


class TestAppendLog:
    def test_lines_come_back(self, tmp_path: Path) -> None:
        log = AppendLog(tmp_path / "log", is_json)
        assert log.lines() == []
        assert log.mend() == ""
        log.append('{"a": 1}')
        log.append('{"b": 2}')
        assert log.lines() == ['{"a": 1}', '{"b": 2}']

    def test_every_line_is_on_the_disk(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        synced: list[bytes] = []
        monkeypatch.setattr(os, "fsync", lambda _: synced.append((tmp_path / "log").read_bytes()))
        AppendLog(tmp_path / "log", is_json).append("1")
        assert synced == [b"1\n"]

    @pytest.mark.parametrize("torn", ['{"b": ', '{"b": "ü'.encode()[:-1].decode("latin1")])
    def test_a_torn_last_line_is_cut_off(self, tmp_path: Path, torn: str) -> None:
        path = tmp_path / "log"
        path.write_bytes(b'{"a": 1}\n' + torn.encode("latin1"))
        log = AppendLog(path, is_json)
        assert log.mend()
        assert path.read_bytes() == b'{"a": 1}\n'

    def test_a_last_line_that_only_lacks_its_end_is_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        path.write_bytes('\ufeff{"a": 1}\r\n{"b": 2}'.encode())
        log = AppendLog(path, is_json)
        assert log.lines() == ['{"a": 1}', '{"b": 2}']
        assert log.mend() == ""
        log.append('{"c": 3}')
        assert log.lines() == ['{"a": 1}', '{"b": 2}', '{"c": 3}']


def test_what_one_process_holds_another_is_told(tmp_path: Path) -> None:
    asked = (tmp_path / "lock", "x is being made", "or do it by hand")
    said = rf"x is being made by another process \(process {os.getpid()}\); wait for it, or do it by hand"
    with held(*asked), pytest.raises(InvalidInput, match=said), held(*asked):
        pass
    with held(*asked):
        pass


def test_a_stale_lock_is_seen_through(tmp_path: Path) -> None:
    """One that a killed process left behind."""
    (tmp_path / "lock").write_text("process 1")
    with held(tmp_path / "lock", "x is being made", "or do it by hand"):
        assert (tmp_path / "lock").read_text() == f"process {os.getpid()}"


def test_leftovers_of_a_killed_write_are_removed(tmp_path: Path) -> None:
    for name in (".train.rec.abc.tmp", "train.rec", "mine.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"train.rec", "mine.tmp"}
