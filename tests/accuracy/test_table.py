"""Accuracy tables: what is written is read, what is wrong is said, what was interrupted goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.accuracy.table import AccuracyTable, TableWriter, merge_tables, read_table, write_table
from nasface.errors import TableError
from nasface.spaces import OfaMbv3, OfaMbv3Config, OfaMbv3FaceConfig

SHARED = {"space": "", "resolution": "112", "supernet": "a" * 64, "data": "d" * 64}
NOTE = {"seed": "0", "calibration": "photos:8", "origin": "uniform"}


@pytest.fixture(scope="module")
def space() -> OfaMbv3:
    return OfaMbv3(OfaMbv3FaceConfig(resolution=112))


def shared_of(space: OfaMbv3) -> dict[str, str]:
    return SHARED | {"space": space.fingerprint()}


@pytest.fixture
def table(space: OfaMbv3) -> AccuracyTable:
    rng = np.random.default_rng(0)
    notes = {"seed": ("0",) * 6, "calibration": ("photos:8",) * 6, "origin": ("uniform", "stratified") * 3}
    metrics = {"auc": rng.random(6).round(6), "rank1": rng.random(6).round(6)}
    return AccuracyTable(space.sample(rng, 6), metrics, shared_of(space), notes)


def write(table: AccuracyTable, space: OfaMbv3, folder: Path) -> Path:
    write_table(table, folder / "table.csv", space)
    return folder / "table.csv"


def replace_line(path: Path, number: int, old: str, new: str) -> None:
    lines = path.read_text().splitlines()
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new)
    path.write_text("\n".join(lines) + "\n")


def test_round_trip(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    read = read_table(write(table, space, tmp_path), space)
    np.testing.assert_array_equal(read.genotypes, table.genotypes)
    for name in table.metrics:
        np.testing.assert_array_equal(read.target(name), table.target(name))
    assert (read.shared, read.notes, read.resolution) == (table.shared, table.notes, 112)


def test_writer_and_whole_file_agree(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    writer = TableWriter(tmp_path / "grown.csv", space, list(table.metrics), table.shared)
    for i, genotype in enumerate(table.genotypes):
        values = {name: float(column[i]) for name, column in table.metrics.items()}
        writer.append(genotype, values, {name: column[i] for name, column in table.notes.items()})
    assert (tmp_path / "grown.csv").read_bytes() == write(table, space, tmp_path).read_bytes()


def test_rows_and_origin(table: AccuracyTable) -> None:
    part = table.rows(np.array(table.notes["origin"]) == "stratified")
    np.testing.assert_array_equal(part.genotypes, table.genotypes[1::2])
    np.testing.assert_array_equal(part.target("auc"), table.target("auc")[1::2])
    assert part.notes["origin"] == ("stratified",) * 3


def test_a_torn_last_line_is_dropped_and_the_file_goes_on(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = write(table, space, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert len(read_table(path, space)) == 5
    writer = TableWriter(path, space, ["auc", "rank1"], table.shared)
    values = {name: float(column[5]) for name, column in table.metrics.items()}
    writer.append(table.genotypes[5], values, NOTE | {"origin": "stratified"})
    assert path.read_bytes() == whole


def test_merging_drops_repetitions(table: AccuracyTable) -> None:
    merged = merge_tables([table.rows([0, 1, 2]), table.rows([2, 3, 4, 5])])
    np.testing.assert_array_equal(merged.genotypes, table.genotypes)


def test_merging_keeps_common_metrics(table: AccuracyTable) -> None:
    tail = table.rows([3, 4, 5])
    other = AccuracyTable(tail.genotypes, {"auc": tail.target("auc")}, tail.shared, tail.notes)
    assert list(merge_tables([table.rows([0, 1, 2]), other]).metrics) == ["auc"]


def test_merging_refuses_other_supernets(table: AccuracyTable) -> None:
    other = AccuracyTable(table.genotypes, table.metrics, dict(table.shared) | {"supernet": "b"}, table.notes)
    with pytest.raises(TableError, match="different supernet cannot be merged"):
        merge_tables([table, other])


def test_merging_refuses_contradictions(table: AccuracyTable) -> None:
    metrics = {name: values + 0.01 for name, values in table.metrics.items()}
    with pytest.raises(TableError, match="two different measurements of one network"):
        merge_tables([table, AccuracyTable(table.genotypes, metrics, table.shared, table.notes)])


def test_unknown_metric(table: AccuracyTable) -> None:
    with pytest.raises(TableError, match="no metric 'top1'; choose from auc, rank1"):
        table.target("top1")


@pytest.mark.parametrize(("column", "value"), [("supernet", "b" * 64), ("resolution", 224), ("data", "e" * 64)])
def test_belongs_to_something_else(table: AccuracyTable, column: str, value: str | int) -> None:
    with pytest.raises(TableError, match=f"is of {column} "):
        table.check(**{column: value})
    assert table.check(supernet="a" * 64, resolution=112, data="d" * 64) is table


def test_another_space(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="another search space"):
        read_table(write(table, space, tmp_path), OfaMbv3(OfaMbv3Config(resolution=112)))


@pytest.mark.parametrize("text", ["nan", "inf", "", "high"])
def test_figures_that_are_no_numbers(table: AccuracyTable, space: OfaMbv3, tmp_path: Path, text: str) -> None:
    path = write(table, space, tmp_path)
    replace_line(path, 3, repr(float(table.target("auc")[2])), text)
    with pytest.raises(TableError, match="in column auc, where a finite number belongs"):
        read_table(path, space)


def test_a_column_of_words_is_left_out_and_said(
    table: AccuracyTable, space: OfaMbv3, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(table, space, tmp_path)
    first, *rows = path.read_text().splitlines()
    path.write_text(
        "\n".join([first.replace(",", ",remark,", 1), *(row.replace(",", ",good,", 1) for row in rows), ""])
    )
    assert list(read_table(path, space).metrics) == list(table.metrics)
    assert "no number stands in remark, so it is left out" in caplog.text


def test_genotype_outside_the_space(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = write(table, space, tmp_path)
    text = space.to_text(table.genotypes[1])
    replace_line(path, 2, text, "9" + text[1:])
    with pytest.raises(TableError, match="line 3: The depth of stage 1 is 9"):
        read_table(path, space)


def test_mixed_supernets(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = write(table, space, tmp_path)
    replace_line(path, 4, "a" * 64, "b" * 64)
    with pytest.raises(TableError, match="mixes rows of different supernet"):
        read_table(path, space)


def test_short_line_in_the_middle(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = write(table, space, tmp_path)
    replace_line(path, 2, ",photos:8,stratified", "")
    with pytest.raises(TableError, match="broken line 3"):
        read_table(path, space)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "lacks the columns genotype"),
        (b"genotype,auc\n", "has no rows"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"genotype,auc,space,resolution,supernet,data,seed,calibration,origin\n", "has no rows"),
    ],
)
def test_files_that_are_no_tables(space: OfaMbv3, tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / "table.csv", space)


def test_absent_table(space: OfaMbv3, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "table.csv", space)


def test_continuing_with_other_columns(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="other columns"):
        TableWriter(write(table, space, tmp_path), space, ["auc"], table.shared)


def test_repeated_networks_calibrated_on_other_photos_keep_the_first(table: AccuracyTable) -> None:
    metrics = {name: values + 0.01 for name, values in table.metrics.items()}
    notes = dict(table.notes) | {"calibration": ("photos:9",) * 6}
    merged = merge_tables([table, AccuracyTable(table.genotypes, metrics, table.shared, notes)])
    np.testing.assert_array_equal(merged.target("auc"), table.target("auc"))


def test_repeated_networks_may_differ_by_a_rounding(table: AccuracyTable) -> None:
    metrics = {name: values + 1e-4 for name, values in table.metrics.items()}
    assert len(merge_tables([table, AccuracyTable(table.genotypes, metrics, table.shared, table.notes)])) == 6


def test_merging_needs_a_common_metric(table: AccuracyTable) -> None:
    with pytest.raises(TableError, match=r"a\.csv and b\.csv have no metric in common"):
        merge_tables([table.only(["auc"]), table.only(["rank1"])], ["a.csv", "b.csv"])


def test_halves_are_not_offered_as_targets(table: AccuracyTable) -> None:
    metrics = dict(table.metrics) | {"auc_half1": table.target("auc"), "auc_photos2": table.target("auc")}
    with pytest.raises(TableError, match=r"choose from auc, rank1\.$"):
        AccuracyTable(table.genotypes, metrics, table.shared, table.notes).target("eer")


def test_a_column_twice(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = write(table, space, tmp_path)
    replace_line(path, 0, "rank1", "auc")
    with pytest.raises(TableError, match="columns auc twice"):
        read_table(path, space)


def test_foreign_columns_are_not_continued(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = write(table, space, tmp_path)
    with pytest.raises(TableError, match="has other columns"):
        TableWriter(path, space, ["auc", "eer"], table.shared)


def test_the_embedded_table_reads_and_can_go_on(space: OfaMbv3, tmp_path: Path) -> None:
    from nasface.accuracy.protocol import Protocol
    from nasface.assets import asset

    path = tmp_path / "lfw112.csv"
    path.write_bytes(asset("tables", "lfw112.csv").read_bytes())
    table = read_table(path, space)
    names = Protocol(np.arange(200).repeat(3)).names
    assert TableWriter(path, space, names, table.shared).metrics == list(table.metrics)


def test_a_table_without_a_final_line_end_keeps_its_last_row(
    table: AccuracyTable, space: OfaMbv3, tmp_path: Path
) -> None:
    path = write(table, space, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert len(read_table(path, space)) == 6
    TableWriter(path, space, ["auc", "rank1"], table.shared)
    assert path.read_bytes() == whole
    path.write_bytes(whole[:-4])  # "stratified" without its end: an interruption
    assert len(read_table(path, space)) == 5
