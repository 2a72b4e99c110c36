"""`.bin` sets of InsightFace: genuine ones of every kind are read, hostile ones do nothing."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nasface.data import read_bin, write_bin
from nasface.errors import DataError

SAME = [True, False] * 10


def png(tone: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (tone, tone, tone)).save(file, "PNG")
    return file.getvalue()


PHOTOS = [png(n) for n in range(40)]
AS_ARRAYS = [np.frombuffer(photo, np.uint8) for photo in PHOTOS]


def write(folder: Path, content: Any, protocol: int = 4) -> Path:
    path = folder / "set.bin"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


def check(path: Path) -> None:
    pairs = read_bin(path)
    assert pairs.same.tolist() == SAME
    photos = pairs.photos.load(size=8)
    assert photos.images[:, 0, 0, 0].tolist() == list(range(40))
    assert (pairs.first.tolist(), pairs.second.tolist()) == (list(range(0, 40, 2)), list(range(1, 40, 2)))
    assert pairs.folds.tolist() == np.repeat(range(10), 2).tolist()


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("photos", [PHOTOS, AS_ARRAYS, [array[:, None] for array in AS_ARRAYS], tuple(PHOTOS)])
@pytest.mark.parametrize(
    "same", [SAME, [np.bool_(flag) for flag in SAME], np.array(SAME), [int(flag) for flag in SAME]]
)
def test_genuine_files_of_every_kind(tmp_path: Path, photos: Any, same: Any, protocol: int) -> None:
    check(write(tmp_path, (photos, same), protocol))


def test_bytearrays_and_lists(tmp_path: Path) -> None:
    check(write(tmp_path, [[bytearray(photo) for photo in PHOTOS], SAME], 2))


def test_files_of_python_2(tmp_path: Path) -> None:
    """There, bytes were `str`, opcode SHORT_BINSTRING or BINSTRING, and numpy lay under its old name."""
    strings = b"".join(b"T" + struct.pack("<i", len(photo)) + photo for photo in PHOTOS)
    flags = b"".join(b"\x88" if flag else b"\x89" for flag in SAME)
    check(write(tmp_path, b"\x80\x02](" + strings + b"e](" + flags + b"e\x86."))
    old = pickle.dumps((AS_ARRAYS, SAME), 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    check(write(tmp_path, old))


def test_what_is_written_is_plain(tmp_path: Path) -> None:
    path = tmp_path / "own.bin"
    write_bin(path, PHOTOS, SAME)
    check(path)
    assert pickle.loads(path.read_bytes()) == (PHOTOS, SAME)  # what InsightFace does
    assert not [op.name for op, *_ in pickletools.genops(path.read_bytes()) if "GLOBAL" in op.name]
    before = path.read_bytes()
    with pytest.raises(DataError, match="39 photos for 20 pairs"):
        write_bin(path, PHOTOS[1:], SAME)
    assert path.read_bytes() == before


def test_runs_of_one_kind_get_stratified_folds(tmp_path: Path) -> None:
    pairs = read_bin(write(tmp_path, (PHOTOS, [True] * 10 + [False] * 10)))
    assert pairs.folds.tolist() == [*range(10), *range(10)]


def test_two_versions_of_a_set_have_two_fingerprints(tmp_path: Path) -> None:
    one = read_bin(write(tmp_path, (PHOTOS, SAME))).photos.fingerprint
    other = read_bin(write(tmp_path, (PHOTOS[::-1], SAME))).photos.fingerprint
    assert one != other


def test_broken_photos_are_skipped_with_their_pairs(tmp_path: Path) -> None:
    pairs = read_bin(write(tmp_path, ([b"", *PHOTOS[1:]], SAME)))
    photos = pairs.photos.load(size=8)
    assert [skip.name for skip in photos.skipped] == ["set.bin/000000"]
    assert len(pairs.keep(photos.indices)) == 19


class _Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def _hostile(mark: Path) -> dict[str, Any]:
    return {
        "system": _Calls(os.system, f"touch {mark}"),
        "eval": _Calls(eval, f"open({str(mark)!r}, 'w')"),
        "open": _Calls(open, str(mark), "w"),
        "getattr": _Calls(getattr, PHOTOS, "append"),
        "memory": _Calls(bytes, 1 << 45),
        "import": _Calls(__import__, "antigravity"),
        "numpy": _Calls(np.fromfile, str(mark)),
        "load": _Calls(np.load, str(mark), None, True),
        "objects": np.array([_Calls(os.system, f"touch {mark}")], object),
        "stand-in": _Calls(pickle.loads, b"cos\nsystem\n(S'true'\ntR."),
    }


@pytest.mark.parametrize("name", sorted(_hostile(Path("x"))))
@pytest.mark.parametrize("where", ["alone", "photos", "flags", "beside"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_hostile_pickles_do_nothing_and_are_refused(tmp_path: Path, name: str, where: str, protocol: int) -> None:
    mark = tmp_path / "mark"
    evil = _hostile(mark)[name]
    content = {
        "alone": evil,
        "photos": ([evil, *PHOTOS[1:]], SAME),
        "flags": (PHOTOS, [evil, *SAME[1:]]),
        "beside": (PHOTOS, SAME, evil),
    }[where]
    path = write(tmp_path, content, protocol)
    with pytest.raises(DataError, match="is not a verification set of InsightFace"):
        read_bin(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cposix\nsystem\n(S'true'\ntR.",
        b"cnumpy\nndarray.tofile\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x0bcore.os.path\x93.",
        b"cnasface.data.verification_bin\n_unpickle\n.",
        b"\x80\x02\x82\x01.",  # a name by its number in the registry of extensions
        b"P1\n.",  # a persistent id
        b"\x80\x04N.",
        b"",
        b"\xff\xd8 a photo",
    ],
)
def test_bytes_that_are_no_such_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match="is not a verification set of InsightFace"):
        read_bin(write(tmp_path, data))


def test_refusal_names_the_attack(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"it names (posix|nt)\.system, which no such file needs"):
        read_bin(write(tmp_path, _Calls(os.system, "true")))


def test_numbers_that_do_not_fit(tmp_path: Path) -> None:
    for content in ((PHOTOS[1:], SAME), (PHOTOS, SAME[1:]), ([], [])):
        with pytest.raises(DataError, match="there must be two for every pair"):
            read_bin(write(tmp_path, content))
    for content in ((PHOTOS, ["yes"] * 20), (PHOTOS, None), (["text", 5] * 20, SAME), ({"a": 1}, SAME)):
        with pytest.raises(DataError, match="is not a verification set"):
            read_bin(write(tmp_path, content))
    with pytest.raises(DataError, match="cannot be read"):
        read_bin(tmp_path / "absent.bin")
