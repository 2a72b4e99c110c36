"""The user's own case, start to end: own checkpoint, own table, own device's latencies, own photos, one model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from nasface.assets import asset
from nasface.devices import read_lut
from nasface.exporters import read_metadata
from nasface.supernets import ElasticNetwork, ElasticSupernet
from nasface.testing.synthetic import face_space

from ._command import TINY, Command

PHOTOS = (
    "data=procedural",
    "data.people=120",
    "data.photos=5",
    "accuracy.calibration_photos=16",
    "evaluation.bootstrap=0",
)
"""Drawn faces; 150 of validation people give the 10,000 impostor pairs that an accuracy table needs."""


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """An untrained supernet as OFA saves one."""
    torch.manual_seed(0)
    ElasticSupernet(ElasticNetwork(face_space(), classes=7), "mine").save(tmp_path / "mine.pth")
    return tmp_path / "mine.pth"


def test_an_imported_table_says_what_its_files_computed_in(cli: Command, tmp_path: Path) -> None:
    rows = json.loads(asset("luts", "sd865.json").read_text())["rows"]["112"]
    file = tmp_path / "perf.csv"
    file.write_text("key,mean_ms\n" + "".join(f"{key},{row['mean_ms'] or 0.001}\n" for key, row in rows.items()))
    command = ("task=import_lut", "lut.name=my_phone_int8", f"lut.file={file}", "space.resolution=112")
    refused = cli(*command, "lut.precision=int4")
    assert refused.code == 2
    assert "has the precision 'int4'; use float32 or int8" in refused.text
    done = cli(*command, "lut.precision=int8")
    assert done.code == 0, done.err
    assert read_lut(Path(done.result["decision"]["path"])).provenance.precision == "int8"


@pytest.mark.slow
def test_checkpoint_to_table_to_device_to_model(cli: Command, checkpoint: Path, tmp_path: Path) -> None:
    table, supernet = tmp_path / "mine.csv", (f"supernet.checkpoint={checkpoint}", "supernet.resolution=112")
    measure = ("task=estimate_accuracy", f"accuracy.table={table}", *supernet, *PHOTOS)
    assert cli(*measure, "accuracy.n_subnets=4").code == 0
    first = table.read_text().splitlines()
    with table.open("a") as file:
        file.write("torn li")  # what an interruption in the middle of a line leaves
    done = cli(*measure, "accuracy.n_subnets=30")
    assert done.code == 0, done.err
    assert table.read_text().splitlines()[: len(first)] == first
    assert done.result["decision"]["subnets"] == 30

    lut, rows = tmp_path / "perf.csv", json.loads(asset("luts", "sd865.json").read_text())["rows"]["112"]
    lut.write_text("key,mean_ms\n" + "".join(f"{key},{row['mean_ms'] or 0.001}\n" for key, row in rows.items()))
    done = cli("task=import_lut", "lut.name=my_phone", f"lut.file={lut}", *supernet)
    assert done.code == 0, done.err

    done = cli(*TINY, *supernet, *PHOTOS, f"accuracy.table={table}", "device=my_phone", "constraints.latency_ms.max=7")
    assert done.code == 0, done.err
    result = done.result
    assert result["decision"]["summary"]["latency my_phone"] <= 7
    assert result["decision"]["calibration"] == "photos:16"
    found = done.folder
    assert 0 <= result["measurements"]["measured"]["row"]["auc"] <= 1
    assert read_metadata(found / "model.tflite")["genotype"] == result["decision"]["genotype"]

    done = cli("task=evaluate", f"model={found / 'model.tflite'}", *PHOTOS)
    assert done.code == 0, done.err
    measured, again = result["measurements"]["measured"]["row"], done.result["decision"]["rows"][0]
    assert again["auc"] == pytest.approx(measured["auc"], abs=1e-3), (
        "the exported file is the network that was measured"
    )

    done = cli("task=inspect", f"genotype={found / 'result.json'}", *supernet)
    assert done.result["decision"]["genotype"] == result["decision"]["genotype"]
