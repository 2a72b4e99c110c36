"""Accuracy tables that others made are read; what they do not say is said."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from nasface.accuracy.table import read_table
from nasface.errors import TableError
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig, Population

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
VALUES = [0.91, 0.92, 0.93]


@pytest.fixture
def networks(rng: np.random.Generator) -> Population:
    return SPACE.sample(rng, 3)


def described(networks: Population) -> list[dict[str, object]]:
    return [{key: value for key, value in SPACE.to_dict(row).items() if key != "r"} for row in networks]


def test_ofa_json(networks: Population, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "acc.json"
    path.write_text(json.dumps({json.dumps(d): v for d, v in zip(described(networks), VALUES, strict=True)}))
    with caplog.at_level(logging.INFO):
        table = read_table(path, SPACE)
    np.testing.assert_array_equal(table.genotypes, networks)
    assert table.target("accuracy").tolist() == VALUES
    assert "does not say its supernet, data, resolution" in caplog.text
    assert table.check(supernet="a" * 64, resolution=112) is table


def test_dynas_csv(networks: Population, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    rows = [f'"{d}",2024-01-01,,{100 * v:.2f}' for d, v in zip(described(networks), VALUES, strict=True)]
    path.write_text("\ufeffSub-network,Date,MACs,Top-1 Acc (%)\n" + "\n".join(rows))
    table = read_table(path, SPACE)
    np.testing.assert_array_equal(table.genotypes, networks)
    assert list(table.metrics) == ["top1"]
    assert table.target("top1").tolist() == [91.0, 92.0, 93.0]


def test_two_columns_from_a_spreadsheet(networks: Population, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    rows = [f"{SPACE.to_text(row)};{str(v).replace('.', ',')};note" for row, v in zip(networks, VALUES, strict=True)]
    path.write_text("genotype;auc;remark\r\n" + "\r\n".join(rows) + "\r\n", encoding="utf-8")
    table = read_table(path, SPACE)
    np.testing.assert_array_equal(table.genotypes, networks)
    assert table.target("auc").tolist() == VALUES


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "x,y\n1,2\n", "not an accuracy table"),
        ("a.csv", "genotype,auc\n1 2 3,0.5\n", "line 2"),
        ("a.csv", "genotype,remark\n{},good\n", "no column with a number in every row"),
        ("a.json", "[" * 100_000, "is not JSON"),
        ("a.json", '{"a": "b"}', "no table of accuracies"),
        ("a.csv", f"genotype,auc\n{'x' * 200_000},0.5\n", "field larger"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / name, SPACE)
