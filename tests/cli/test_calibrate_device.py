"""`task=calibrate_device`: probes out, times in, a device one can search for."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from nasface.devices import measurements_folder
from nasface.devices.measurements import Timed
from nasface.errors import EXIT_INVALID, EXIT_OK
from nasface.netspec import NetSpec
from nasface.tasks import calibrate_device
from nasface.timing.protocol import DeviceTimes

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


def busy(times: int, spoilt: Mapping[str, float]):
    """A device that is busy so many times: some networks take a multiple of what their work needs."""
    asked = []

    def time_specs(run: object, specs: Mapping[str, NetSpec], folder: Path, **options: object) -> DeviceTimes:
        asked.append(folder)
        folder.mkdir(parents=True, exist_ok=True)
        assert not (folder / "journal.jsonl").exists(), "spoilt times would be gone on with"
        (folder / "journal.jsonl").write_text(f"attempt {len(asked)}")
        factors = spoilt if len(asked) <= times else {}
        ms = {name: spec.macs / 1e7 * factors.get(name, 1.0) for name, spec in specs.items()}
        timed = {name: Timed(t, t, 0.1, 9, t, t, 3, 0, settled=True) for name, t in ms.items()}
        return DeviceTimes(timed, {}, {"device": "busy"}, "not at all")

    return time_specs


def test_times_of_a_busy_device_are_taken_anew(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate_device, "time_specs", busy(1, {"probe_2": 80}))
    done = cli(*EXPORT, "calibrate.measure=true", "calibrate.probes=3")
    assert done.code == EXIT_OK, done.err
    assert "cannot come from one device" in done.out
    assert "journal.1.jsonl and is measured anew" in " ".join(done.out.split())
    folder = measurements_folder("my_phone") / "probes"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "journal.1.jsonl": "attempt 1",
        "journal.jsonl": "attempt 2",
    }


def test_a_device_that_stays_busy_is_refused_and_the_same_command_begins_anew(
    cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = (*EXPORT, "calibrate.measure=true", "calibrate.probes=3")
    monkeypatch.setattr(calibrate_device, "time_specs", busy(3, {"probe_2": 80}))
    done = cli(*given)
    assert done.code == EXIT_INVALID
    assert "journal.3.jsonl. Give the same command again when the device is quiet" in done.text
    monkeypatch.setattr(calibrate_device, "time_specs", busy(0, {}))
    assert cli(*given).code == EXIT_OK
