"""Constraints that rest on a device's table: confidence, energy, several devices at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import nasface
from nasface.devices import Check, LookupTable, Row, embedded_luts, read_lut, write_lut
from nasface.errors import EXIT_INFEASIBLE, EXIT_INVALID, EXIT_OK, InvalidInput, LookupTableError

from ._command import Command

ERRORS = tuple(i / 1000 for i in range(-10, 30))


def phone(tmp_path: Path) -> LookupTable:
    """The sd865's table, checked at 112 pixels, with 2 mJ a millisecond."""
    table = read_lut(embedded_luts()["sd865"])
    rows = {
        key: replace(row, energy_mj=2 * row.mean_ms)
        if row.mean_ms
        else Row(0.0, contained_in=row.contained_in, energy_mj=0.0)
        for key, row in table.rows[112].items()
    }
    known = replace(table, name="phone", rows={112: rows}, checks={112: Check(ERRORS, 0.01, 0.98)})
    write_lut(known, tmp_path / "home" / "luts" / "phone.json")
    return known


def test_confidence(cli: Command, tmp_path: Path, tiny: list[str]) -> None:
    margin = phone(tmp_path).margin(0.95, 112)
    done = cli(*tiny, "device=phone", "exporter=none", "constraints.latency_ms={max:7,confidence:0.95}")
    assert done.code == EXIT_OK, done.err
    [constraint] = done.result["decision"]["constraints"]
    assert constraint["bound"] == pytest.approx(7 / (1 + margin))
    sentence = f"7 ms with a margin of {margin:.1%} for 0.95 confidence"
    assert constraint["basis"] == sentence
    assert sentence in done.out
    assert sentence in (done.folder / "report.html").read_text(encoding="utf-8")
    assert done.result["decision"]["summary"]["latency phone"] <= 7 / (1 + margin)


def test_confidence_without_a_check(cli: Command) -> None:
    done = cli("task=profile", "constraints.latency_ms.confidence=0.95")
    assert done.code == EXIT_INVALID
    assert "sd865 was not checked at 112 pixels" in done.text
    assert "run task=check_latency device=sd865" in done.text


def test_energy(cli: Command, tmp_path: Path, tiny: list[str]) -> None:
    phone(tmp_path)
    done = cli("task=profile", "device=phone", "constraints.energy_mj.max=13")
    assert done.code == EXIT_OK, done.err
    assert {"energy on phone", "latency on phone"} <= {
        row["constraint"] for row in done.result["decision"]["constraints"]
    }
    assert "energy on phone, mJ (estimated)" in done.result["decision"]["costs"]
    done = cli(*tiny, "device=phone", "exporter=none", "constraints.energy_mj.max=13")
    assert done.code == EXIT_OK, done.err
    assert done.result["decision"]["comparison"][0]["energy on phone"] <= 13
    done = cli("task=profile", "device=phone", "constraints.energy_mj.max=5")
    assert done.code == EXIT_INFEASIBLE
    assert "The smallest sub-network on phone at 112 needs 11.08 mJ energy (estimated); you asked for 5 mJ" in done.text


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["constraints.energy_mj.max=13"], "sd865 has no energy for 95 of the 95 rows"),
        (["device=phone", "constraints.energy_mj.ratio=0.5"], "phone has no energy of efficientnet_b0 at 112 pixels"),
    ],
)
def test_energy_that_nobody_measured(cli: Command, tmp_path: Path, overrides: list[str], sentence: str) -> None:
    phone(tmp_path)
    done = cli("task=profile", *overrides)
    assert done.code == EXIT_INVALID
    assert sentence in done.text


def test_one_net_for_two_devices_within_many_bounds(cli: Command, tiny: list[str]) -> None:
    bounds = [
        "constraints.latency_ms.ratio=0.65",
        "constraints.model_mb.max=15",
        "constraints.peak_memory_mb.ratio=0.9",
    ]
    done = cli(*tiny, "device=[sd865,sd765]", "exporter=none", *bounds)
    assert done.code == EXIT_OK, done.err
    decision = done.result["decision"]
    assert [c["label"] for c in decision["constraints"]] == [
        "latency on sd865",
        "latency on sd765",
        "model file",
        "peak activation memory",
    ]
    found = decision["comparison"][0]
    columns = ("latency sd865", "latency sd765", "model_mb", "peak_memory_mb")
    for constraint, column in zip(decision["constraints"], columns, strict=True):
        assert found[column] <= constraint["bound"]


def test_the_same_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NASFACE_HOME", str(tmp_path / "home"))
    margin = phone(tmp_path).margin(0.95, 112)
    found = nasface.search(
        device="phone", max_latency_ms=7, latency_confidence=0.95, max_costs={"energy_mj": 13.5}, strategy="random"
    )
    assert found.costs["latency_ms"] <= 7 / (1 + margin)
    assert found.costs["energy_mj"] <= 13.5
    with pytest.raises(LookupTableError, match="was not checked"):
        nasface.search(max_latency_ms=7, latency_confidence=0.95)
    with pytest.raises(InvalidInput, match=r"confidence is 1.5"):
        nasface.search(device="phone", max_latency_ms=7, latency_confidence=1.5)
