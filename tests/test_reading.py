"""Whatever strangers bring ends as a value, or as an OSError or ValueError with the reason: bounded, never run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasface.reading import (
    check_archive,
    check_fetched,
    parse_csv,
    parse_json,
    parse_literal,
    read_array,
    read_arrays,
    read_bytes,
    read_csv,
    read_text,
)


def npy(header: str) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(f"{name}.npy", content)
    return file.getvalue()


FOUR_TB = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }")
OBJECTS = npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }") + b"cos\nsystem\n(S'x'\ntR."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ("9" * 400, "a number of 400 digits"),
        ("9" * 5000, "a number of 5000 digits"),
        ("1e999", "beyond what can be counted"),
        ('{"a": NaN}', "NaN, which is not a number"),
        ("-Infinity", "not a number"),
        ("{", "Expecting"),
        ("", "Expecting"),
    ],
)
def test_json_that_cannot_be_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


@pytest.mark.parametrize("text", ["[" * 50_000, "-" * 50_000 + "1", "1" * 200_000, "{1", "__import__('os')", ""])
def test_literals_are_short_and_plain(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_literal(text)
    assert parse_literal(" {'ks': [3, 5], 'r': None}\n") == {"ks": [3, 5], "r": None}


def test_a_text_has_a_size_and_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\xef\xbb\xbfabc")
    assert read_text(tmp_path / "text") == "abc"
    with pytest.raises(ValueError, match="larger than"):
        read_text(tmp_path / "text", most_bytes=3)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/random"])
def test_a_device_without_an_end_is_not_read(path: str) -> None:
    with pytest.raises(ValueError, match="a device and no file"):
        read_bytes(Path(path))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', "line 4: unexpected end of data"),
        (f"a,b\n1,{'2' * 200_000}\n", "line 2: field larger"),
    ],
)
def test_csv_that_would_lose_lines_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_csv(tmp_path / "table.csv")


def test_csv_keeps_the_last_line_without_its_end_and_lines_inside_quotes(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text('\ufeffa,b\n1,"two\nlines"\n3,4')
    columns, rows = read_csv(tmp_path / "table.csv")
    assert columns == ("a", "b")
    assert rows == [{"a": "1", "b": "two\nlines"}, {"a": "3", "b": "4"}]
    assert parse_csv([]) == ((), [])


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", FOUR_TB, OBJECTS, b"not an array", archive(a=b"x")])
def test_arrays_that_are_none_are_refused_and_nothing_runs(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_array(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "content",
    [b"", FOUR_TB, b"PK\3\4 cut", archive(a=FOUR_TB), archive(a=OBJECTS), archive(b=b""), archive(a=bytes(10**7))],
)
def test_archives_of_arrays_that_are_none_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_arrays(tmp_path / "a.npz", ("a",))


def test_arrays_come_back(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    np.save(tmp_path / "a.npy", values)
    np.savez_compressed(tmp_path / "a.npz", a=values)
    np.testing.assert_array_equal(read_array(tmp_path / "a.npy"), values)
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.npz", ("a",))[0], values)


@pytest.mark.parametrize("read", [read_bytes, read_text, read_csv, read_array, lambda path: read_arrays(path, ("a",))])
def test_what_cannot_be_read_is_an_os_error(read: Callable[[Path], object], tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(OSError, match=r"directory"):
            read(path)


@pytest.mark.parametrize(
    "read",
    [read_bytes, read_text, read_csv, read_array, check_archive, check_fetched, lambda path: read_arrays(path, ("a",))],
)
def test_a_git_lfs_pointer_is_said_to_be_one(read: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "a").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
    with pytest.raises(ValueError, match=r"Git-LFS pointer.*`git lfs pull`"):
        read(tmp_path / "a")


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(archive(a=bytes(10**8)))
    with pytest.raises(ValueError, match="would unpack to 100 MB"):
        check_archive(tmp_path / "bomb")
