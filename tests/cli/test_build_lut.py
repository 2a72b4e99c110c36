"""A latency table from measurements on a made-up device, and from this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nasface.devices import read_lut, user_folder
from nasface.devices.measurements import read_measurements
from nasface.errors import EXIT_INVALID, EXIT_OK, DeviceLost
from nasface.testing.made_up_device import MadeUpDevice
from nasface.timing.transports import Sample, Transport

from ._command import Command, replace_component

SPACE = ("space=ofa_mbv3", "space.width=0.25", "space.depths=[1,2]", "space.kernels=[3]", "space.expands=[3,4]")
SMALL = ("task=build_lut", "lut.name=mine", *SPACE, "lut.resolutions=[32,48]", "lut.nets=8", "timing.blocks=2")


def size_ms(path: Path) -> float:
    """Files are as slow as they are large."""
    return 0.01 + path.stat().st_size / 1e6


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[MadeUpDevice]:
    """The made-up devices that transport=host opens, in order."""
    return install(monkeypatch, lambda: MadeUpDevice(size_ms, np.random.default_rng(0), noise=1e-3))


def install(monkeypatch: pytest.MonkeyPatch, make: Callable[[], MadeUpDevice]) -> list[MadeUpDevice]:
    opened: list[MadeUpDevice] = []

    def transport(config: object) -> Transport:
        opened.append(make())
        return opened[-1]

    replace_component(monkeypatch, "transport", "host", transport)
    return opened


def test_the_table_becomes_a_device(cli: Command, devices: list[MadeUpDevice]) -> None:
    done = cli(*SMALL)
    assert done.code == EXIT_OK, done.err
    table = read_lut(user_folder() / "mine.json")
    assert sorted(table.rows) == [32, 48]
    assert table.provenance.kind == "measured"
    assert (table.provenance.device, table.provenance.threads) == ("made up", 1)
    assert table.provenance.date
    assert table.provenance.system["clock_mhz while measuring"]
    steps = ("isolated", "in_place", "fitted")
    assert set(table.provenance.steps["48"]) == {*steps, *(f"fast_{step}" for step in steps)}
    assert all(row.fast_ms is not None and row.fast_ms > 0 for row in table.rows[48].values())
    assert table.provenance.steps["48"]["isolated"]["networks"] == 8
    assert table.references[48]["mobilenet_v2"].kind == "measured"
    rows = read_measurements(done.folder / "measurements.csv")
    assert len([row for row in rows if row.genotype and row.resolution == 32]) == 8
    assert {row.network for row in rows if not row.genotype} == set(table.references[32])
    assert "what layers add to others" in done.out
    assert "minutes in all" in done.out
    used = cli("task=profile", *SPACE, "space.resolution=48", "device=mine", "constraints.latency_ms.ratio=3")
    assert used.code == EXIT_OK, used.err
    assert "latency on mine, ms" in used.result["decision"]["costs"]


def test_the_same_command_measures_nothing_again(cli: Command, devices: list[MadeUpDevice]) -> None:
    first, again = cli(*SMALL), cli(*SMALL)
    assert first.code == again.code == EXIT_OK
    assert devices[0].calls
    assert devices[1].calls == []
    assert first.result["measurements"]["steps"] == again.result["measurements"]["steps"]


def test_a_device_lost_in_the_middle_keeps_what_was_measured(
    cli: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Dying(MadeUpDevice):
        def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
            if len(self.calls) == 20:
                raise DeviceLost("made up is gone; plug it in and run the same command again.")
            return super().time(model, runs=runs, warmup=warmup, threads=threads)

    install(monkeypatch, lambda: Dying(size_ms, np.random.default_rng(0), noise=1e-3))
    lost = cli(*SMALL)
    assert lost.code == EXIT_INVALID
    assert "made up is gone" in lost.text
    assert not (user_folder() / "mine.json").exists()
    opened = install(monkeypatch, lambda: MadeUpDevice(size_ms, np.random.default_rng(1), noise=1e-3))
    assert cli(*SMALL).code == EXIT_OK
    journal = user_folder().parent / "measurements" / "mine" / "journal.jsonl"
    blocks = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()[1:]]
    assert len(blocks) == 20 + len(opened[0].calls)


@pytest.mark.slow
def test_refused_models(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(name: str) -> None:
        install(monkeypatch, lambda: MadeUpDevice(size_ms, np.random.default_rng(0), refuse=(name,)))

    refusing("32.mobile_face_net")
    done = cli(*SMALL)
    assert done.code == EXIT_OK
    assert "no reference 32.mobile_face_net" in done.out
    refusing("48.layer003")
    failed = cli(*SMALL, "lut.name=other")
    assert failed.code == EXIT_INVALID
    assert "refused 1 models that the table needs: 48.layer003" in failed.text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["lut.name=null"], "needs lut.name=NAME"),
        (["lut.name=sd865"], "lut.name=sd865 is a table that comes with nasface"),
        (["lut.name='my phone'"], "cannot be the name of a device"),
        (["lut.nets=3"], "lut.nets=3 is too few"),
        (["lut.resolutions=[32,32]"], "names a resolution twice"),
        (["timing.threads=0"], "timing.threads=0 must be 1 or more"),
        (["exporter=tflite_keras"], "measures files of exporter=tflite"),
    ],
)
def test_bad_input(cli: Command, devices: list[MadeUpDevice], given: list[str], message: str) -> None:
    done = cli(*SMALL, *given)
    assert done.code == EXIT_INVALID
    assert message in done.text
    assert not any(device.calls for device in devices)


def test_a_table_of_other_threads_is_not_overwritten(cli: Command, devices: list[MadeUpDevice]) -> None:
    assert cli(*SMALL).code == EXIT_OK
    done = cli(*SMALL, "timing.threads=2")
    assert done.code == EXIT_INVALID
    assert "is of 1 thread(s), not 2; choose another lut.name" in done.text


def test_a_large_kernel_that_is_too_fast_is_named(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device on which more work is less time."""
    install(monkeypatch, lambda: MadeUpDevice(lambda path: 1e4 / path.stat().st_size, np.random.default_rng(0)))
    done = cli(*SMALL, "space.kernels=[3,7]", "lut.nets=0", "lut.chains=false", "lut.resolutions=[32]")
    assert done.code == EXIT_OK, done.err
    assert "the largest kernel is faster than the smallest" in done.out
    [warning] = done.result["measurements"]["warnings"]
    assert "kernel 3" in warning


@pytest.mark.slow
def test_this_machine(cli: Command) -> None:
    done = cli(*SMALL, "timing.max_blocks=3", "timing.runs=3")
    assert done.code == EXIT_OK, done.err
    assert read_lut(user_folder() / "mine.json").rows[32]


def test_a_table_of_int8_files_is_what_an_int8_file_is_searched_with(cli: Command, devices: list[MadeUpDevice]) -> None:
    few = (*SMALL[:-2], "lut.nets=0", "lut.chains=false", "timing.blocks=2")
    assert cli(*few).code == EXIT_OK
    integer = "exporter.precision=int8"
    refused = cli(*few, integer)
    assert (refused.code, "is of float32 files, not int8" in refused.text) == (EXIT_INVALID, True)
    used = ("task=inspect", "genotype=largest", *SPACE, "space.resolution=48", "device=mine")
    before = cli(*used, integer)
    assert "table mine is of float32 files, and the file will compute in int8" in before.text
    done = cli(*few, integer, "lut.name=mine_int8")
    assert done.code == EXIT_OK, done.err
    assert read_lut(user_folder() / "mine_int8.json").provenance.precision == "int8"
    assert {row.engine for row in read_measurements(done.folder / "measurements.csv")} == {"tflite_int8"}
    after, floats = cli(*used, integer), cli(*used)
    assert "float32 files" not in after.text
    small, large = (run.result["decision"]["totals"]["latency_ms"]["mine"] for run in (after, floats))
    assert small < large / 2, "the made-up device is as slow as files are large"
