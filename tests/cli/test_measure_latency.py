"""Whole networks timed on a made-up device, in one interleaved series."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nasface.devices.measurements import read_measurements
from nasface.errors import EXIT_INVALID, EXIT_OK
from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.netspec import random_weights
from nasface.spaces.published import published_subnets
from nasface.spaces.references import mobilenet_v2
from nasface.testing.made_up_device import MadeUpDevice

from ._command import Command, replace_component

TASK = ("task=measure_latency", "space.resolution=32", "timing.blocks=2", "timing.max_blocks=2", "timing.runs=2")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> MadeUpDevice:
    made = MadeUpDevice(lambda path: path.stat().st_size / 1e6, np.random.default_rng(0), noise=1e-4)
    replace_component(monkeypatch, "transport", "host", lambda config: made)
    return made


def test_names_files_and_references(cli: Command, device: MadeUpDevice, tmp_path: Path) -> None:
    genotype, model = tmp_path / "mine.json", tmp_path / "mine.tflite"
    genotype.write_text(json.dumps(published_subnets()[1].genotype), encoding="utf-8")
    spec = mobilenet_v2(48)
    TFLiteExporter(TFLiteConfig()).export(spec, random_weights(spec, np.random.default_rng(0)), model, {})
    given = (f"genotype=[subnet1_865,{genotype},smallest]", f"model=[mobilenet_v2,efficientnet_b0,{model}]")
    done = cli(*TASK, *given)
    assert done.code == EXIT_OK, done.err
    rows = read_measurements(done.folder / "measurements.csv")
    assert [row.network for row in rows] == [
        "Subnet 1, 865",
        "mine",
        "smallest",
        "mobilenet_v2",
        "efficientnet_b0",
        "mine.tflite",
    ]
    assert [bool(row.genotype) for row in rows] == [True, True, True, False, False, False]
    assert [row.resolution for row in rows] == [32] * 5 + [48]
    assert {(row.engine, row.device, row.threads) for row in rows} == {("tflite", "made up", 1)}
    table = {row["network"]: row for row in done.result["measurements"]["rows"]}
    assert table["Subnet 1, 865"]["params_m"] == pytest.approx(4.732032)
    expected = rows[0].median_ms / rows[4].median_ms
    assert table["Subnet 1, 865"]["tflite_ratio"] == pytest.approx(expected, rel=1e-5)
    assert table["mine.tflite"]["tflite_ratio"] is None  # EfficientNet-B0 was timed at another resolution
    assert not (done.folder / "models").exists()
    assert "ratios to efficientnet_b0" in done.out


def test_engines_are_interleaved_and_torch_runs_here(cli: Command, device: MadeUpDevice) -> None:
    pytest.importorskip("torch")
    done = cli(*TASK, "genotype=smallest", "model=mobilenet_v3_large", "timing.engines=[tflite,torch,torchscript]")
    assert done.code == EXIT_OK, done.err
    rows = read_measurements(done.folder / "measurements.csv")
    assert {(row.network, row.engine) for row in rows} == {
        (network, engine)
        for network in ("smallest", "mobilenet_v3_large")
        for engine in ("tflite", "torch", "torchscript")
    }
    assert set(device.calls) == {"tflite.000", "tflite.001"}
    assert all(row.median_ms > 0 for row in rows)
    assert "torch" in done.result["measurements"]["device"]["runtime"]
    journal = (done.folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    order = [json.loads(line)["key"].split(":")[0].partition(".")[0] for line in journal]
    assert order != sorted(order)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "needs genotype="),
        (["genotype=subnet1_866"], "Unknown network 'subnet1_866'. Did you mean"),
        (["model=mobilenet_v4"], "Unknown model (a file, or a reference network) 'mobilenet_v4'. Did you mean"),
        (["model=conftest.py"], "nothing that can be read at model=conftest.py (No such file"),
        ([f"model={__file__}"], "cannot be timed; give .tflite"),
        (["genotype=smallest", "timing.engines=[tensorrt]"], "Unknown timing.engines 'tensorrt'"),
        (["genotype=smallest", "timing.engines=[]"], "timing.engines is empty"),
        (["genotype=smallest", "timing.engines=[torch]", "transport=ssh"], "needs transport=host"),
    ],
)
def test_bad_input(cli: Command, device: MadeUpDevice, given: list[str], message: str) -> None:
    done = cli(*TASK, *given)
    assert done.code == EXIT_INVALID
    assert message in done.text
    assert not device.calls


def test_files_of_other_engines(cli: Command, device: MadeUpDevice, tmp_path: Path) -> None:
    for name, message in (("model.pt", "needs the engine torchscript"), ("model.onnx", "cannot be timed")):
        (tmp_path / name).write_bytes(b"")
        done = cli(*TASK, f"model={tmp_path / name}")
        assert done.code == EXIT_INVALID
        assert message in done.text


def test_one_network_is_inspected(cli: Command) -> None:
    done = cli("task=inspect", "genotype=[a.json,b.json]")
    assert done.code == EXIT_INVALID
    assert "not a list" in done.text


def test_int8_files_beside_those_in_float32(cli: Command, device: MadeUpDevice) -> None:
    done = cli(*TASK, "genotype=[smallest]", "timing.engines=[tflite,tflite_int8]")
    assert done.code == EXIT_OK, done.err
    (row,) = done.result["measurements"]["rows"]
    assert row["tflite_int8_ms"] < row["tflite_ms"] / 2, "the made-up device is as slow as files are large"
    refused = cli(*TASK, "genotype=[smallest]", "exporter.precision=int8")
    assert refused.code == EXIT_INVALID
    assert "timing.engines=[tflite,tflite_int8]" in refused.text
