"""Files of pairs, folds, and pairs of a set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasface.data import Pairs, read_pairs, stratified_folds
from nasface.data.sources import open_source
from nasface.errors import DataError

GENUINE = [f"Flo_Orr\t{i}\t{j}" for i in range(1, 6) for j in range(i + 1, 7)]  # 15
IMPOSTOR = [f"Ed_Kim\t{i}\tCy_Ode\t{j}" for i in range(1, 4) for j in range(1, 5)]  # 12
NAMES = [f"{p}/{p}_{i:04d}.jpg" for p, n in (("Flo_Orr", 6), ("Ed_Kim", 4), ("Cy_Ode", 5)) for i in range(1, n + 1)]


def write(folder: Path, *lines: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_file_without_header_gets_ten_folds_with_both_kinds(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR), NAMES)
    assert (pairs.first[0], pairs.second[0]) == ("Flo_Orr/Flo_Orr_0001.jpg", "Flo_Orr/Flo_Orr_0002.jpg")
    assert (pairs.first[-1], pairs.second[-1]) == ("Ed_Kim/Ed_Kim_0003.jpg", "Cy_Ode/Cy_Ode_0004.jpg")
    assert pairs.same.tolist() == [True] * 15 + [False] * 12
    assert set(pairs.folds[pairs.same]) == set(pairs.folds[~pairs.same]) == set(range(10))


@pytest.mark.parametrize("header", ["27", "1\t15"])
def test_header_that_gives_no_folds(header: str, tmp_path: Path) -> None:
    with_header = read_pairs(write(tmp_path, header, *GENUINE, *IMPOSTOR), NAMES)
    assert with_header.folds.tolist() == read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR), NAMES).folds.tolist()


def test_header_with_folds_cuts_blocks(tmp_path: Path) -> None:
    blocks = [line for k in range(3) for part in (GENUINE, IMPOSTOR) for line in part[4 * k : 4 * k + 4]]
    pairs = read_pairs(write(tmp_path, "3\t4", *blocks), NAMES)
    assert pairs.folds.tolist() == np.repeat([0, 1, 2], 8).tolist()
    assert pairs.same.tolist() == ([True] * 4 + [False] * 4) * 3
    with pytest.raises(DataError, match=r"says 3 folds of 4 \+ 4 pairs and has 23 pairs"):
        read_pairs(write(tmp_path, "3\t4", *blocks[:-1]), NAMES)
    with pytest.raises(DataError, match="in another order"):
        read_pairs(write(tmp_path, "3\t4", *reversed(blocks)), NAMES)


def test_blanks_separate_where_there_are_no_tabs(tmp_path: Path) -> None:
    tabs = read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR), NAMES)
    blanks = read_pairs(write(tmp_path, *(line.replace("\t", " ") for line in GENUINE + IMPOSTOR)), NAMES)
    assert (blanks.first, blanks.second) == (tabs.first, tabs.second)


def test_names_with_blanks_and_other_suffixes(tmp_path: Path) -> None:
    names = [f"Jo van Dee/Jo van Dee_{i:04d}.png" for i in range(1, 6)] + NAMES
    lines = [line.replace("Flo_Orr", "Jo van Dee") for line in GENUINE if "6" not in line]
    assert read_pairs(write(tmp_path, *lines, *IMPOSTOR), names).first[0] == "Jo van Dee/Jo van Dee_0001.png"


@pytest.mark.parametrize("line", ["Flo_Orr\t1", "Flo_Orr\t1\tx", "Flo_Orr\t1\tEd_Kim\tCy_Ode\t2", "a\tb\tc\td"])
def test_malformed_line_is_named(line: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Line 17 of .*pairs\.txt is not a pair: .*allowed are 'name i j'"):
        read_pairs(write(tmp_path, "27", *GENUINE, line, *IMPOSTOR), NAMES)


def test_files_that_cannot_serve(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path / "absent.txt", NAMES)
    with pytest.raises(DataError, match="has no pairs"):
        read_pairs(write(tmp_path, "10\t300"), NAMES)
    with pytest.raises(DataError, match="at least 10 pairs of one person and 10 of two people; there are 9 and 12"):
        read_pairs(write(tmp_path, *GENUINE[:9], *IMPOSTOR), NAMES)
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path / "binary.txt", NAMES)


@given(st.lists(st.booleans(), min_size=20, max_size=80), st.integers(2, 10))
def test_stratified_folds_share_each_kind_evenly_and_in_order(same: list[bool], folds: int) -> None:
    kinds = np.array(same)
    if min(kinds.sum(), (~kinds).sum()) < folds:
        with pytest.raises(DataError):
            stratified_folds(kinds, folds)
        return
    result = stratified_folds(kinds, folds)
    for kind in (True, False):
        counts = np.bincount(result[kinds == kind], minlength=folds)
        assert counts.max() - counts.min() <= 1
        assert (np.diff(result[kinds == kind]) >= 0).all()


def test_missing_photos_are_counted_and_the_first_named(photo_folder: Path, tmp_path: Path) -> None:
    faces = open_source(photo_folder, what="data=test")
    bad = [f"Ann_Lee\t{i}\tZed_Zed\t1" for i in (5, 6, 7, 8, 9, 10)]
    named = read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR, *bad), faces.names)
    message = (
        r"my.txt names 7 photos \(of 20\) that the data set does not have: Ann_Lee/Ann_Lee_0005\.jpg, .* and 2 more"
    )
    with pytest.raises(DataError, match=message):
        Pairs.of(named, faces, "my.txt")


def test_pairs_of_photos_that_were_read(photo_folder: Path, tmp_path: Path) -> None:
    """A photo that cannot be read takes its pairs away and leaves the other pairs' photos and folds as they were."""
    (photo_folder / "Flo_Orr" / "Flo_Orr_0001.jpg").write_bytes(b"")
    faces = open_source(photo_folder, what="data=test")
    pairs = Pairs.of(read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR), faces.names), faces, "my.txt")
    assert (len(pairs), len(pairs.photos)) == (27, 13)
    photos = pairs.photos.load(size=20)
    kept = pairs.keep(photos.indices)
    assert (len(kept), len(kept.photos), int(kept.same.sum())) == (22, 12, 10)
    usable = [n for n, line in enumerate(GENUINE + IMPOSTOR) if not line.startswith("Flo_Orr\t1")]
    assert kept.folds.tolist() == pairs.folds[usable].tolist()
    for new, old in zip(range(22), usable, strict=True):
        assert kept.photos.names[kept.first[new]] == pairs.photos.names[pairs.first[old]]
        assert kept.photos.names[kept.second[new]] == pairs.photos.names[pairs.second[old]]


def as_paths(line: str, suffix: str, root: str = "") -> str:
    words = line.split("\t")
    name, i, other, j = words if len(words) == 4 else (words[0], words[1], words[0], words[2])
    return f"{root}{name}/{name}_{int(i):04d}{suffix} {root}{other}/{other}_{int(j):04d}{suffix} {int(name == other)}"


@pytest.mark.parametrize(
    "lines",
    [
        [as_paths(line, ".jpg") for line in (*GENUINE, *IMPOSTOR)],
        [as_paths(line, "", "lfw/") for line in (*GENUINE, *IMPOSTOR)],
        ["path_a,path_b,same", *[as_paths(line, ".jpg").replace(" ", ",") for line in (*GENUINE, *IMPOSTOR)]],
        ["name,imagenum1,imagenum2,", *[line.replace("\t", ",") for line in (*GENUINE, *IMPOSTOR)]],
        ["\ufeff27", "# made by hand", "", *[line.replace("\t", " ") for line in (*GENUINE, *IMPOSTOR)]],
    ],
    ids=["paths", "stems", "csv", "kaggle", "bom and comments"],
)
def test_pairs_as_people_write_them(lines: list[str], tmp_path: Path) -> None:
    found, usual = read_pairs(write(tmp_path, *lines), NAMES), read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR), NAMES)
    assert (found.first, found.second, found.same.tolist()) == (usual.first, usual.second, usual.same.tolist())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 10**6 + "\t1\t2", "line 1: field larger"),
        ('a,1,2\nb,1,"2\nc,1,2', "line 2: unexpected end of data"),
        (f"Ann {'9' * 5000} 1", "Line 1 .* is not a pair"),
        ("9" * 5000, "Line 1 .* is not a pair"),
        ("Ann 1 " * 5_000 + "Bo", "Line 1 .* is not a pair"),
        ("[" * 200_000, "Line 1 .* is not a pair"),
    ],
)
def test_lines_that_cannot_be_are_named_in_no_time(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(DataError, match=reason):
        read_pairs(tmp_path / "pairs.txt", ["Ann/Ann_0001.jpg"])


def test_names_with_blanks(tmp_path: Path) -> None:
    lines = [line.replace("Flo_Orr", "Flo van Orr").replace("\t", " ") for line in (*GENUINE, *IMPOSTOR)]
    assert read_pairs(write(tmp_path, *lines), NAMES).first[0] == "Flo van Orr/Flo van Orr_0001.jpg"


def test_a_label_against_the_folders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Line 1 of .* show one person, and by their folders they do not"):
        read_pairs(write(tmp_path, "Flo_Orr/Flo_Orr_0001.jpg Ed_Kim/Ed_Kim_0001.jpg 1"), NAMES)


def test_pairs_of_a_photo_with_itself_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read_pairs(write(tmp_path, *GENUINE, *IMPOSTOR, "Ed_Kim\t1\t1"), NAMES)
    assert "1 of the 28 pairs" in caplog.text
