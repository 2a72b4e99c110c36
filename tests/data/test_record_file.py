"""RecordIO: bytes of the real writer, cut records, damage."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasface.data import UnreadablePhotoError
from nasface.data.record_file import MAGIC, Record, RecordFile, read_index, write_record
from nasface.errors import DataError

# Written by MXNet 1.9.1: label [3, 5]; label 0 id 1 "ABCDE"; label 7 id 2 "xyz"; label [1, 2] id 3; label [2, 3] id 4.
GOLDEN = bytes.fromhex(
    "0a23d7ce20000000020000000000000000000000000000000000000000000000000040400000a0400a23d7ce1d0000000000000000000000"
    "0100000000000000000000000000000041424344450000000a23d7ce1b000000000000000000e04002000000000000000000000000000000"
    "78797a000a23d7ce200000000200000000000000030000000000000000000000000000000000803f000000400a23d7ce2000000002000000"
    "0000000004000000000000000000000000000000000000400000"
    "4040"
)
OFFSETS = [0, 40, 80, 116, 156]
RECORDS = [
    Record((3.0, 5.0), 0, b""),
    Record((0.0,), 1, b"ABCDE"),
    Record((7.0,), 2, b"xyz"),
    Record((1.0, 2.0), 3, b""),
    Record((2.0, 3.0), 4, b""),
]
# Label 1, id 9, "AAAA" + magic + "BBBB": cut into two.
CUT = bytes.fromhex("0a23d7ce1c000020000000000000803f09000000000000000000000000000000414141410a23d7ce0400006042424242")


@pytest.fixture
def golden(tmp_path: Path) -> RecordFile:
    (tmp_path / "train.rec").write_bytes(GOLDEN)
    return RecordFile(tmp_path / "train.rec")


def test_reads_what_mxnet_writes(golden: RecordFile) -> None:
    assert [golden.read(offset) for offset in OFFSETS] == RECORDS
    labels, there = golden.first_labels(np.array(OFFSETS))
    assert (labels.tolist(), there.all()) == ([3, 0, 7, 1, 2], True)


def test_writes_what_mxnet_writes() -> None:
    file = io.BytesIO()
    assert [write_record(file, record.packed(scalar=len(record.labels) == 1)) for record in RECORDS] == OFFSETS
    assert file.getvalue() == GOLDEN


def test_data_that_holds_the_magic_is_cut_and_joined(tmp_path: Path) -> None:
    record, file = Record((1.0,), 9, b"AAAA" + MAGIC + b"BBBB"), io.BytesIO()
    write_record(file, record.packed(scalar=True))
    assert file.getvalue() == CUT
    (tmp_path / "cut.rec").write_bytes(CUT)
    assert RecordFile(tmp_path / "cut.rec").read(0) == record


@settings(deadline=None)
@given(st.lists(st.sampled_from([MAGIC, b"a", b"bb", b"\x0a", MAGIC[:3]]), max_size=12), st.integers(0, 3))
def test_any_data_comes_back(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], labels: int) -> None:
    record = Record(tuple(float(n) for n in range(labels or 1)), 5, b"".join(parts))
    path = tmp_path_factory.mktemp("rec") / "one.rec"
    with path.open("wb") as file:
        offsets = [write_record(file, record.packed(scalar=labels == 0)) for _ in range(2)]
    reader = RecordFile(path)
    assert [reader.read(offset) for offset in offsets] == [record, record]
    assert path.stat().st_size % 4 == 0


def test_readers_travel_to_other_processes(golden: RecordFile) -> None:
    golden.read(0)
    assert pickle.loads(pickle.dumps(golden)).read(40) == RECORDS[1]


@pytest.mark.parametrize("offset", [4, 192, 196, 10_000])
def test_no_record_there(golden: RecordFile, offset: int) -> None:
    with pytest.raises(UnreadablePhotoError, match=f"no whole record at byte {offset} of train.rec"):
        golden.read(offset)


def test_truncated_files(tmp_path: Path) -> None:
    path = tmp_path / "short.rec"
    path.write_bytes(GOLDEN[:70])
    with pytest.raises(UnreadablePhotoError, match="no whole record at byte 40"):
        RecordFile(path).read(40)
    with pytest.raises(DataError, match="ends before its index does"):
        RecordFile(path).first_labels(np.array(OFFSETS))
    path.write_bytes(CUT[:36])
    with pytest.raises(UnreadablePhotoError, match="no whole record"):
        RecordFile(path).read(0)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        RecordFile(path).read(0)


def test_where_no_record_begins_is_told(golden: RecordFile) -> None:
    assert golden.first_labels(np.array([0, 44]))[1].tolist() == [True, False]


def test_an_index_is_found_in_the_file_itself_and_damage_is_passed_over(tmp_path: Path) -> None:
    path, datas = tmp_path / "a.rec", [b"x" * 9, MAGIC * 3, b"y" * 4, b"z"]
    with path.open("wb") as file:
        places = [write_record(file, Record((0.0,), 7 - i, data).packed(scalar=True)) for i, data in enumerate(datas)]
    keys, offsets = RecordFile(path).index()
    assert (keys.tolist(), offsets.tolist()) == ([4, 5, 6, 7], places[::-1])
    content = bytearray(path.read_bytes())
    content[places[2] : places[2] + 4] = b"XXXX"
    path.write_bytes(content[:-4])  # the last one is cut short
    assert RecordFile(path).index()[1].tolist() == [places[1], places[0]]


def test_index_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "train.idx"
    path.write_text("2\t80\n0\t0\n1\t40\n")
    keys, offsets = read_index(path)
    assert (keys.tolist(), offsets.tolist()) == ([0, 1, 2], [0, 40, 80])


@pytest.mark.parametrize("text", ["", "1\n2\n", "1\tx\n", "1\t2\t3\n", "-1\t5\n", "1\t2\n3\n"])
def test_malformed_index(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.idx"
    path.write_text(text)
    with pytest.raises(DataError, match="is not an index of a RecordIO file"):
        read_index(path)
    path.unlink()
    with pytest.raises(DataError, match="is not an index"):
        read_index(path)
