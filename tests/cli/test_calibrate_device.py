"""`task=calibrate_device`: probes out, times in, a device one can search for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from nasface.errors import EXIT_INVALID, EXIT_OK

from ._command import Command

EXPORT = ("task=calibrate_device", "lut.name=my_phone")


def fill(form: Path, times: dict[str, str]) -> None:
    rows = list(csv.DictReader(form.read_text(encoding="utf-8").splitlines()))
    with form.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"median_ms": times.get(row["network"], row["median_ms"])} for row in rows)


def test_the_whole_way(cli: Command) -> None:
    done = cli(*EXPORT)
    assert done.code == EXIT_OK, done.err
    folder = Path(done.result["decision"]["folder"])
    models = sorted(path.name for path in folder.glob("*.tflite"))
    assert models == ["efficientnet_b0.tflite", *(f"probe_{i}.tflite" for i in range(1, 5))]
    assert "benchmark_model" in (folder / "README.md").read_text(encoding="utf-8")
    form = folder / "times.csv"
    given = {"probe_1": "2.2", "probe_2": "8.3", "probe_3": "2.9", "probe_4": "5.4", "efficientnet_b0": "6.5"}
    fill(form, given)
    done = cli(*EXPORT, f"calibrate.times={form}")
    assert done.code == EXIT_OK, done.err
    decision = done.result["decision"]
    assert set(decision["errors"]) == {"probe_1", "probe_2", "probe_3", "probe_4"}
    assert decision["verdict"] in " ".join(done.out.split())
    assert "(estimated)" in done.out
    done = cli("task=profile", "device=my_phone")
    assert done.code == EXIT_OK, done.err
    assert "latency on my_phone, ms (estimated)" in done.result["decision"]["costs"]
    assert done.result["decision"]["constraints"][0]["basis"] == "0.6 x EfficientNet-B0 (6.5 ms)"
    cli(*EXPORT, "calibrate.probes=6")
    rows = list(csv.DictReader(form.read_text(encoding="utf-8").splitlines()))
    assert {row["network"]: row["median_ms"] for row in rows} == given | {"probe_5": "", "probe_6": ""}
    done = cli(*EXPORT, f"calibrate.times={form}")
    assert done.code == EXIT_INVALID
    assert "line 6: there is no time of probe_5; fill in median_ms or delete the row" in done.text


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["task=calibrate_device"], "needs lut.name=NAME"),
        ([*EXPORT, "calibrate.probes=2"], "calibrate.probes is 2; give 3 to 12"),
        ([*EXPORT, "calibrate.base=i7_8700"], "Unknown latency table 'i7_8700'. Did you mean 'i7_8700k'"),
        ([*EXPORT, "space.resolution=144"], "no rows at 144 pixels, only at 112, 128, 160, 192, 224"),
        ([*EXPORT, "calibrate.times=nowhere.csv"], "calibrate.times=nowhere.csv (No such file"),
    ],
)
def test_bad_input(cli: Command, overrides: list[str], sentence: str) -> None:
    done = cli(*overrides)
    assert done.code == EXIT_INVALID
    assert sentence in done.text


def test_a_form_without_probes(cli: Command, tmp_path: Path) -> None:
    form = tmp_path / "times.csv"
    form.write_text("network,median_ms,resolution,genotype\nefficientnet_b0,22,112,\n", encoding="utf-8")
    done = cli(*EXPORT, f"calibrate.times={form}")
    assert done.code == EXIT_INVALID
    assert "no time of a network of the space" in done.text
    form.write_text("network,median_ms,resolution,genotype\nmine,22,112,\nx,3,112,2 2\n", encoding="utf-8")
    assert "mine has no genotype and is no reference network" in cli(*EXPORT, f"calibrate.times={form}").text
