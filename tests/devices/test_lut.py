"""Latency tables: the file format, and one sentence for everything that can be wrong with a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nasface.devices import (
    Check,
    LookupTable,
    Provenance,
    Reference,
    Row,
    embedded_luts,
    keep_check,
    read_lut,
    write_lut,
)
from nasface.devices.estimate import ESTIMATED
from nasface.devices.lut_file import dump
from nasface.errors import LookupTableError
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

STEM = "Conv-input:8x8x3-output:4x4x8"


def table(**changes: Any) -> LookupTable:
    fields: dict[str, Any] = {
        "provenance": Provenance(
            "measured", "a phone", "TFLite CPU", 4, 100, "timed", ("me",), "by hand", None, {"net": 0.1}
        ),
        "rows": {
            8: {STEM: Row(0.25, 0.01, 100), "Pool": Row(0.0, contained_in=STEM)},
            16: {STEM: Row(1.5)},
        },
        "references": {8: {"efficientnet_b0": Reference(22.0, 2.0, "measured", "published")}},
    } | changes
    return LookupTable("phone", **fields)


def broken(tmp_path: Path, **changes: Any) -> Path:
    """A table file in which some entries are replaced."""
    path = tmp_path / "phone.json"
    write_lut(table(), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_a_table_survives_the_file(tmp_path: Path) -> None:
    write_lut(table(), tmp_path / "phone.json")
    assert read_lut(tmp_path / "phone.json") == table()


def test_checks_of_several_processes_are_all_kept(tmp_path: Path) -> None:
    """Each read the table before the other wrote; a table that was made anew meanwhile does not get the check."""
    path, read_before = tmp_path / "phone.json", table()
    small, large = (Check((error,), 0.1, 1.0, "a phone") for error in (0.1, 0.2))
    write_lut(read_before, path)
    keep_check(read_before, 8, small, path)
    keep_check(read_before, 16, large, path)
    assert read_lut(path).checks == {8: small, 16: large}
    keep_check(read_before, 8, small, tmp_path / "phone_checked.json")
    assert read_lut(tmp_path / "phone_checked.json").checks == {8: small}
    write_lut(table(rows={8: {STEM: Row(0.5)}}), path)
    with pytest.raises(LookupTableError, match="holds other times than the table that was checked"):
        keep_check(read_before, 8, small, path)
    assert read_lut(path).checks == {}


def test_equal_tables_give_equal_bytes_whatever_the_order(tmp_path: Path) -> None:
    rows = table().rows
    reordered = table(rows={16: rows[16], 8: dict(reversed(rows[8].items()))})
    write_lut(table(), tmp_path / "a.json")
    write_lut(reordered, tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert dump(table()) == dump(reordered) != dump(table(references={}))


def test_minimal_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(
        json.dumps(
            {"format": "nasface-lut/1", "provenance": {"kind": "measured"}, "rows": {"8": {STEM: {"mean_ms": 1}}}}
        )
    )
    assert read_lut(path).rows == {8: {STEM: Row(1.0)}}
    assert read_lut(path).name == "mine"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": "other"}, 'is not a latency table: "format" must be'),
        ({"provenance": {}}, "the field 'provenance.kind' is missing"),
        ({"provenance": {"kind": "guessed"}}, "is of kind 'guessed'; use measured or estimated"),
        ({"rows": {"8": {STEM: {}}}}, "the field 'mean_ms' is missing"),
        ({"rows": {"8": {STEM: {"mean_ms": "fast"}}}}, "is malformed: could not convert string to float: 'fast'"),
        ({"rows": {"small": {}}}, "'small' is not a resolution in pixels"),
        ({"rows": {"8": {STEM: {"mean_ms": -1.0}}}}, "1 rows are not positive numbers of milliseconds"),
        ({"rows": {"8": {STEM: {"mean_ms": 0.0}}}}, '0 is allowed only beside "contained_in"'),
        ({"rows": {"8": {STEM: {"mean_ms": float("nan")}}}}, "NaN, which is not a number"),
        ({"rows": {"8": {STEM: {"mean_ms": 0, "contained_in": "x"}}}}, "is contained_in a row that is not there"),
        ({"rows": [1]}, "is malformed"),
        ({"references": {"8": {"efficientnet_b0": {"ms": 0, "kind": "measured"}}}}, "give a positive time"),
        ({"references": {"8": {"efficientnet_b0": {"ms": 3, "kind": "felt"}}}}, "kind 'felt'"),
    ],
)
def test_bad_content(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(LookupTableError, match=r".*") as caught:
        read_lut(broken(tmp_path, **changes))
    assert sentence in str(caught.value)


def test_unreadable_and_truncated_files(tmp_path: Path) -> None:
    with pytest.raises(LookupTableError, match=r"Cannot read the latency table .*none.json: No such file"):
        read_lut(tmp_path / "none.json")
    path = tmp_path / "cut.json"
    write_lut(table(), path)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(LookupTableError, match=r"is not a latency table in JSON .* task=import_lut"):
        read_lut(path)


def test_a_space_needs_all_its_rows() -> None:
    space = OfaMbv3(OfaMbv3FaceConfig(resolution=224))
    sd865 = read_lut(embedded_luts()["sd865"])
    layers = space.layers()
    lost = layers[3].key
    rows = {224: {key: row for key, row in sd865.rows[224].items() if key != lost}}
    with pytest.raises(LookupTableError, match=r"lacks 1 of the 95 rows that the space needs at 224 pixels") as caught:
        LookupTable("mine", sd865.provenance, rows).values(layers, 224)
    assert lost in str(caught.value)


def test_absent_resolution_and_reference_name_the_remedy() -> None:
    with pytest.raises(LookupTableError, match=r"has no rows at 9 pixels, only at 8, 16; set space.resolution"):
        table().values([], 9)
    with pytest.raises(LookupTableError, match=r"no time of efficientnet_b0 at 16 pixels.*constraints.latency_ms.max"):
        table().reference("efficientnet_b0", 16)
    assert table().reference("efficientnet_b0", 8).ms == 22.0


@pytest.mark.parametrize("name", ["i7_8700k", "sd865", "sd765"])
def test_embedded_tables_fit_the_face_space(name: str) -> None:
    lut = read_lut(embedded_luts()[name])
    assert lut.estimated == (name != "i7_8700k")
    assert lut.provenance.sources
    assert bool(lut.provenance.loo_errors) == lut.estimated
    for resolution in (112, 224):
        layers = OfaMbv3(OfaMbv3FaceConfig(resolution=resolution)).layers()
        values = lut.values(layers, resolution)
        pools = [layer.kind == "AvgPool2D" for layer in layers]
        assert ((values == 0) == pools).all()
        assert set(lut.references[resolution]) == set(ESTIMATED)


def test_published_reference_times() -> None:
    for name, ms in (("sd865", 22.0), ("sd765", 59.0)):
        lut = read_lut(embedded_luts()[name])
        reference = lut.reference("efficientnet_b0", 224)
        assert (reference.ms, reference.kind) == (ms, "measured")
        small = lut.reference("efficientnet_b0", 112)
        assert small.kind == "estimated"
        assert small.ms < ms


def test_checks_and_energies_survive_the_file(tmp_path: Path) -> None:
    given = table(
        rows={8: {STEM: Row(0.25, energy_mj=1.5), "Pool": Row(0.0, contained_in=STEM, energy_mj=0.0)}},
        references={8: {"efficientnet_b0": Reference(22.0, 2.0, "measured", "published", 60.0)}},
        checks={8: Check((-0.01, 0.02), 0.015, 0.97, "a phone", "tflite", 4, "by hand")},
    )
    write_lut(given, tmp_path / "phone.json")
    assert read_lut(tmp_path / "phone.json") == given
    assert given.has_energy(8)
    assert not given.has_energy(16)
    assert not table().has_energy(8)


def test_bad_checks_and_energies(tmp_path: Path) -> None:
    with pytest.raises(LookupTableError, match=r"the check holds errors that cannot be"):
        table(checks={8: Check((-1.5,), 0.1, 0.9)})
    with pytest.raises(LookupTableError, match=r"the field 'mape' is missing"):
        read_lut(broken(tmp_path, checks={"8": {"errors": [0.1]}}))
    for energy in (-1.0, 0.0, float("nan")):
        with pytest.raises(LookupTableError, match=r"1 rows are not positive"):
            table(rows={8: {STEM: Row(0.25, energy_mj=energy)}})


def test_precision_is_said_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    known = table().provenance
    integers = table(provenance=replace(known, precision="int8"))
    write_lut(integers, tmp_path / "phone.json")
    assert read_lut(tmp_path / "phone.json") == integers
    assert "precision" not in dump(table())
    with pytest.raises(LookupTableError, match="precision 'int4'; use float32 or int8"):
        table(provenance=replace(known, precision="int4"))
