"""One front over files of several precisions, and each of its points as a file."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from nasface.analysis.precisions import DEMO_INT8
from nasface.devices import LookupTable, Row, embedded_luts, read_lut, user_folder, write_lut
from nasface.exporters import read_metadata
from nasface.strategies import undominated

from ._command import Command

FRONT = (
    "search=pareto",
    "predictor=ridge",
    "device=mine",
    "search.precisions=[float32,int8]",
    "exporter.precision=int8",
)
FASTER = 0.45


def _tables(names: tuple[str, ...]) -> None:
    """A device that is known in float32, and in int8 by a constant factor."""
    known = read_lut(embedded_luts()["i7_8700k"])
    user_folder().mkdir(parents=True, exist_ok=True)
    for name in names:
        integers = name.endswith("int8")
        table = replace(known, name=name) if not integers else _faster(known, name)
        write_lut(table, user_folder() / f"{name}.json")


def _faster(known: LookupTable, name: str) -> LookupTable:
    def row(given: Row) -> Row:
        return replace(given, mean_ms=given.mean_ms * FASTER)

    rows = {size: {key: row(given) for key, given in part.items()} for size, part in known.rows.items()}
    return replace(known, name=name, rows=rows, provenance=replace(known.provenance, precision="int8"))


@pytest.fixture
def both() -> None:
    _tables(("mine", "mine_int8"))


def test_one_front_over_both_whose_points_are_files(cli: Command, tiny: list[str], both: None) -> None:
    given = [option for option in tiny if not option.startswith(("search", "predictor", "device"))]
    bound = ("constraints.latency_ms.max=7", "search.objectives=[latency_ms]", "measure.runs=0")
    done = cli(*given, *FRONT, *bound)
    assert done.code == 0, done.err
    assert f"{DEMO_INT8.mean:+.5f}, standard deviation {DEMO_INT8.deviation:.5f}" in done.out
    with (done.folder / "front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["precision"] for row in rows} == {"int8"}, "as accurate, and faster everywhere"
    assert {float(row["deviation_auc"]) for row in rows} == {DEMO_INT8.deviation}
    gains, costs = (np.array([float(row[key]) for row in rows]) for key in ("predicted_auc", "latency_ms"))
    assert len(undominated(gains, costs[:, None])) == len(rows)
    worse = cli(*given, *FRONT, *bound, "search.int8_effect=[-0.05,0.001]")
    with (worse.folder / "front.csv").open() as file:
        assert {row["precision"] for row in csv.DictReader(file)} == {"float32", "int8"}, "the best are in float32 now"
    chosen = rows[0]
    made = cli(
        "task=export", f"genotype={chosen['genes']}", f"exporter.precision={chosen['precision']}", "measure.runs=0"
    )
    assert made.code == 0, made.err
    assert read_metadata(made.folder / "model.tflite")["precision"] == "int8"
    assert made.result["decision"]["genotype"] == read_metadata(made.folder / "model.tflite")["genotype"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((), "the latencies of int8 files on mine are not known"),
        (("search.precisions=[int8,int4]",), "Unknown precision 'int4'"),
        (("exporter.precision=float16",), "exporter.precision among them"),
    ],
)
def test_refuses_in_one_sentence(cli: Command, tiny: list[str], overrides: tuple[str, ...], message: str) -> None:
    _tables(("mine",))
    given = [option for option in tiny if not option.startswith(("search", "predictor", "device"))]
    done = cli(*given, *FRONT, *overrides)
    assert done.code == 2, done.err
    assert message in done.text


def test_what_int8_does_to_another_metric_has_to_be_said(cli: Command, tiny: list[str], both: None) -> None:
    given = [option for option in tiny if not option.startswith(("search", "predictor", "device", "accuracy.table"))]
    done = cli(*given, *FRONT, "accuracy.metric=tar_at_far_1e-3", "constraints.default_latency_ratio=null")
    assert done.code == 2, done.err
    assert "search.int8_effect=[MEAN,DEVIATION]" in done.text
