"""Files of one table: found, passed over, joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.accuracy.shards import join, measured_elsewhere, related
from nasface.accuracy.table import AccuracyTable, TableWriter, write_table
from nasface.errors import TableError
from nasface.settings import WHOLE, Shard
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig


@pytest.fixture(scope="module")
def space() -> OfaMbv3:
    return OfaMbv3(OfaMbv3FaceConfig(resolution=112))


@pytest.fixture
def table(space: OfaMbv3) -> AccuracyTable:
    rng = np.random.default_rng(0)
    shared = {"space": space.fingerprint(), "resolution": "112", "supernet": "a" * 64, "data": "d" * 64}
    notes = dict.fromkeys(("seed", "calibration", "origin"), ("x",) * 6)
    return AccuracyTable(space.sample(rng, 6), {"auc": rng.random(6).round(6)}, shared, notes)


def test_names() -> None:
    assert Shard(2, 8).file(Path("a/mine.csv")) == Path("a/mine.2of8.csv")
    assert WHOLE.file(Path("a/mine.csv")) == Path("a/mine.csv")


def test_files_of_a_table_in_order(tmp_path: Path) -> None:
    for name in ("mine.10of12.csv", "mine.2of12.csv", "mine.csv", "mine.old.csv", "mine.aofb.csv", "other.0of2.csv"):
        (tmp_path / name).touch()
    assert [file.name for file in related(tmp_path / "mine.csv")] == ["mine.csv", "mine.2of12.csv", "mine.10of12.csv"]


def test_what_other_files_hold(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    write_table(table.rows([0, 1]), path, space)
    write_table(table.rows([2]), Shard(0, 2).file(path), space)
    own = Shard(1, 2).file(path)
    write_table(table.rows([3]), own, space)
    found = measured_elsewhere(path, own, space, table.shared)
    assert found == {row.tobytes() for row in table.genotypes[:3]}
    with pytest.raises(TableError, match=r"mine\.csv is of data "):
        measured_elsewhere(path, own, space, dict(table.shared) | {"data": "e" * 64})


def test_joining_passes_over_a_shard_that_has_just_begun(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.csv" for i in range(3)]
    write_table(table.rows([0, 1, 2]), files[0], space)
    TableWriter(files[1], space, ["auc"], table.shared)
    write_table(table.rows([2, 3, 4, 5]), files[2], space)
    np.testing.assert_array_equal(join(files, space).genotypes, table.genotypes)


def test_nothing_to_join(space: OfaMbv3, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no table to join"):
        join([], space)
    with pytest.raises(TableError, match="cannot be read"):
        join([tmp_path / "absent.csv"], space)


def test_other_supernets_are_named(table: AccuracyTable, space: OfaMbv3, tmp_path: Path) -> None:
    other = AccuracyTable(table.genotypes, table.metrics, dict(table.shared) | {"supernet": "b" * 64}, table.notes)
    write_table(table, tmp_path / "a.csv", space)
    write_table(other, tmp_path / "b.csv", space)
    with pytest.raises(TableError, match=r"different supernet cannot be merged: .*a\.csv and .*b\.csv"):
        join([tmp_path / "a.csv", tmp_path / "b.csv"], space)
