"""`data=recordio`: folders of InsightFace, what im2rec writes, and damage."""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasface.data import FaceSet, load_data, write_bin
from nasface.data.record_file import Record, write_record
from nasface.data.recordio import open_records
from nasface.errors import DataError

Write = Callable[..., Path]


def jpeg(tone: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (tone, tone, tone)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write records (key, labels, data) to tmp_path/faces/train.rec and .idx; returns the .rec."""

    def make(*records: tuple[int, Sequence[float], bytes], scalar: bool = True) -> Path:
        folder = tmp_path / "faces"
        folder.mkdir(exist_ok=True)
        lines = []
        with (folder / "train.rec").open("wb") as file:
            for key, labels, data in records:
                packed = Record(tuple(labels), key, data).packed(scalar=scalar and len(labels) == 1)
                lines.append(f"{key}\t{write_record(file, packed)}\n")
        (folder / "train.idx").write_text("".join(lines))
        return folder / "train.rec"

    return make


def insightface(*people: tuple[float, int]) -> list[tuple[int, Sequence[float], bytes]]:
    """Records of InsightFace's format: (label, photos) per person; photo k is of tone k."""
    photos = [label for label, count in people for _ in range(count)]
    end = len(photos) + 1
    records: list[tuple[int, Sequence[float], bytes]] = [(0, (end, end + len(people)), b"")]
    records += [(key, (label,), jpeg(key)) for key, label in enumerate(photos, 1)]
    start = 1
    for number, (_, count) in enumerate(people):
        records.append((end + number, (start, start + count), b""))
        start += count
    return records


def tones(faces: FaceSet) -> list[int]:
    return faces.load(size=8).images[:, 0, 0, 0].tolist()


def test_people_are_read_from_their_own_records(write: Write) -> None:
    faces = FaceSet.all(open_records(write(*insightface((0, 2), (1, 3), (2, 1)))))
    assert faces.people == ("0000000", "0000001", "0000002")
    assert faces.names[:3] == ("0000000/000000001.jpg", "0000000/000000002.jpg", "0000001/000000003.jpg")
    assert (faces.labels.tolist(), tones(faces)) == ([0, 0, 1, 1, 1, 2], [1, 2, 3, 4, 5, 6])
    assert faces.positions(["0000001/000000005.jpg"]).tolist() == [4]
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(faces)).load([3], size=8).images, faces.load([3], size=8).images
    )


def test_labels_may_be_lists_and_in_any_order_and_with_gaps(write: Write) -> None:
    faces = FaceSet.all(open_records(write(*insightface((9, 2), (4, 1)), scalar=False)))
    assert (faces.people, faces.labels.tolist(), tones(faces)) == (("0000004", "0000009"), [0, 1, 1], [3, 1, 2])


def test_what_im2rec_writes_has_no_record_of_people(write: Write) -> None:
    records = [(7, (1.0,), jpeg(7)), (0, (0.0,), jpeg(100)), (3, (1.0,), jpeg(3)), (2, (0.0,), jpeg(2))]
    faces = FaceSet.all(open_records(write(*records)))
    assert faces.names[:] == (
        "0000000/000000000.jpg",
        "0000000/000000002.jpg",
        "0000001/000000003.jpg",
        "0000001/000000007.jpg",
    )
    assert tones(faces) == [100, 2, 3, 7]


def test_ranges_that_do_not_cover_the_photos_are_not_believed(write: Write) -> None:
    records = insightface((0, 2), (1, 2))
    records[-1] = (6, (3, 4), b"")  # says the second person has one photo
    assert FaceSet.all(open_records(write(*records))).labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("start", [float("nan"), float("inf"), -1.0, 2.0])
def test_ranges_that_are_no_ranges_are_not_believed(write: Write, start: float) -> None:
    records = insightface((0, 2), (1, 2))
    records[-2] = (5, (start, 3), b"")
    assert FaceSet.all(open_records(write(*records))).labels.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("stated", [2, 3, 7, 8, 1000, float("nan"), float("inf")])
def test_first_person_is_found_where_record_0_is_rounded(write: Write, stated: int) -> None:
    """float32 does not hold every number above 2^24."""
    records = insightface((0, 2), (1, 3))
    records[0] = (0, (stated, stated + 2), b"")
    assert FaceSet.all(open_records(write(*records))).labels.tolist() == [0, 0, 1, 1, 1]


def test_people_without_photos_are_passed_over_and_counted(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    faces = FaceSet.all(open_records(write(*insightface((0, 2), (1, 0), (2, 1)))))
    assert faces.people == ("0000000", "0000002")
    assert "passed over 1 of 3 people without a photo" in caplog.text


def test_broken_photos_are_skipped_and_listed(write: Write) -> None:
    path = write((0, (4, 5), b""), (1, (0,), jpeg(1)), (2, (0,), b""), (3, (0,), b"nothing"), (4, (1, 4), b""))
    photos = FaceSet.all(open_records(path)).load(size=8)
    assert photos.indices.tolist() == [0]
    assert [skip.reason for skip in photos.skipped] == ["empty file", "not a photo"]


@pytest.mark.parametrize("people", [True, False])
def test_a_damaged_record_is_left_out_and_an_index_of_another_file_refused(
    write: Write, people: bool, caplog: pytest.LogCaptureFixture
) -> None:
    photos = [(key, (0,), jpeg(key)) for key in (1, 2, 3)]
    path = write(*([(0, (4, 5), b"")] if people else []), *photos, *([(4, (1, 4), b"")] if people else []))
    data = path.read_bytes()
    for broken, kept in ((1, [2, 3]), (2, None)):
        place = data.index(jpeg(broken)) - 32
        data = data[:place] + b"XXXX" + data[place + 4 :]
        path.write_bytes(data)
        if kept is None:
            with pytest.raises(DataError, match="do not belong together"):
                open_records(path)
        else:
            assert tones(FaceSet.all(open_records(path))) == kept
            assert f"left out 1 damaged records of {path}: 1" in caplog.text


@pytest.mark.parametrize("people", [True, False])
def test_a_missing_index_is_made_up_for(write: Write, people: bool, caplog: pytest.LogCaptureFixture) -> None:
    records = insightface((0, 2), (1, 3)) if people else [(key, (key % 2,), jpeg(key)) for key in range(4)]
    path = write(*records)
    expected = FaceSet.all(open_records(path))
    path.with_suffix(".idx").unlink()
    found = FaceSet.all(open_records(path))
    assert (list(found.names), tones(found)) == (list(expected.names), tones(expected))
    assert f"there is no train.idx: {len(records)} records were found in train.rec itself" in caplog.text


def test_labels_that_are_no_class_numbers(write: Write) -> None:
    for label in (-1.0, 0.5, float("nan"), float("inf")):
        with pytest.raises(DataError, match="labels that are no class numbers"):
            open_records(write((1, (0.0,), jpeg(1)), (2, (label,), jpeg(2))))


def test_class_counts_that_do_not_fit(write: Write) -> None:
    path = write(*insightface((0, 1), (5, 1)))
    path.with_name("property").write_text("6,112,112\n")
    assert len(open_records(path).index) == 2
    path.with_name("property").write_text("5,112,112\n")
    with pytest.raises(DataError, match=r"labels up to 5, and the file `property` beside it says 5 classes"):
        open_records(path)


def test_names_beside_the_records(write: Write) -> None:
    path = write(*insightface((0, 2), (1, 1)))
    path.with_name("names.txt").write_text("Zoe/b.png\nZoe/a.png\nAnn/c.png\n")
    faces = FaceSet.all(open_records(path))
    assert (faces.names[:], faces.people) == (("Ann/c.png", "Zoe/a.png", "Zoe/b.png"), ("Ann", "Zoe"))
    assert tones(faces) == [3, 2, 1]
    path.with_name("names.txt").write_text("Zoe/b.png\nAnn/a.png\nAnn/c.png\n")
    with pytest.raises(DataError, match="another label"):
        open_records(path)
    path.with_name("names.txt").write_text("Zoe/b.png\n")
    with pytest.raises(DataError, match="names 1 photos, and there are 3"):
        open_records(path)


def test_roles_and_pairs(write: Write) -> None:
    root = write(*insightface(*((label, 2) for label in range(60)))).parent
    write_bin(root / "lfw.bin", [jpeg(n) for n in range(40)], [True, False] * 10)
    data = load_data({"name": "recordio", "root": str(root)})
    sizes = [len(part.people) if part else 0 for part in (data.training, data.validation, data.report)]
    assert sum(sizes) == 60
    assert sizes[0] > 50
    assert (sizes[1] > 0, sizes[2]) == (True, 0)
    assert data.pairs is not None
    assert (len(data.pairs), data.pairs.photos.people) == (20, ("lfw.bin",))
    assert len(data.photos_to_judge) == 40
    assert "20 pairs" in data.summary
    assert load_data({"name": "recordio", "root": str(root), "pairs": "none"}).pairs is None


def test_only_pairs(tmp_path: Path) -> None:
    write_bin(tmp_path / "lfw.bin", [jpeg(n) for n in range(40)], [True, False] * 10)
    data = load_data({"name": "recordio", "root": str(tmp_path)})
    assert (data.training, data.validation, data.report) == (None, None, None)
    assert data.pairs is not None
    other = [jpeg(n) for n in range(1, 41)]
    write_bin(tmp_path / "lfw.bin", other, [True, False] * 10)
    assert load_data({"name": "recordio", "root": str(tmp_path)}).fingerprint != data.fingerprint


def test_report_people_and_pairs_from_two_files_are_judged_together(write: Write) -> None:
    root = write(*insightface(*((label, 2) for label in range(4)))).parent
    write_bin(root / "lfw.bin", [jpeg(100 + n) for n in range(40)], [True, False] * 10)
    data = load_data({"name": "recordio", "root": str(root), "split": "none"})
    faces = data.photos_to_judge
    assert tones(faces) == [*range(1, 9), *range(100, 140)]
    assert faces.people == ("0000000", "0000001", "0000002", "0000003", "lfw.bin")
    assert data.report is not None
    assert data.report.fingerprint != faces.fingerprint


def test_roots_that_cannot_serve(tmp_path: Path, write: Write) -> None:
    with pytest.raises(DataError, match=r"nothing at data\.root"):
        load_data({"name": "recordio", "root": str(tmp_path / "absent")})
    with pytest.raises(DataError, match=r"holds no \.rec and no pairs"):
        load_data({"name": "recordio", "root": str(tmp_path)})
    path = write(*insightface((0, 1)))
    for name in ("a.rec", "b.rec"):
        path.with_name(name).write_bytes(path.read_bytes())
    path.unlink()
    with pytest.raises(DataError, match=r"holds 2 \.rec files and no train\.rec"):
        load_data({"name": "recordio", "root": str(path.parent)})
    path.with_name("a.idx").write_text("x")
    with pytest.raises(DataError, match=r"a\.idx is not an index"):
        load_data({"name": "recordio", "root": str(path.with_name("a.rec"))})
    path.with_name("b.rec").write_bytes(b"no records")
    with pytest.raises(DataError, match=r"b\.rec holds no records, and there is no b\.idx"):
        load_data({"name": "recordio", "root": str(path.with_name("b.rec"))})


def test_a_file_without_photos(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    with pytest.raises(DataError, match="holds no photos"):
        open_records(write((0, (1, 1), b"")))
