"""One network in a folder is as good as a supernet's: exported, measured, timed, inspected, loaded; int8 files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import nasface
from nasface.errors import CheckpointError, InvalidInput
from nasface.exporters import read_metadata

from ._command import Command, Done

PHOTOS = ("data=procedural", "data.people=48", "data.photos=4", "evaluation.bootstrap=20")


@pytest.fixture
def found(cli: Command, tiny: list[str], monkeypatch: pytest.MonkeyPatch) -> Done:
    """A search's run folder, with an int8 file measured on procedural faces, which the demo was not trained on."""
    monkeypatch.setattr("nasface.runtimes.parity.LEAST_MEAN_COSINE", 0.98)
    done = cli(*tiny, *PHOTOS, "exporter.precision=int8", "accuracy.calibration_photos=24")
    assert done.code == 0, done.err
    return done


def test_a_network_from_search_to_other_tasks(cli: Command, found: Done) -> None:
    measured = found.result["measurements"]["measured"]
    assert set(measured["file_minus_float32"]) >= {"auc"}
    assert abs(measured["row"]["auc"] - measured["float32"]["auc"]) < 0.02
    check = found.result["measurements"]["parity"]["calibration"]
    assert check["mean_cosine"] > 0.98
    metadata = read_metadata(found.folder / "model.tflite")
    thresholds = [point["threshold"] for point in measured["details"]["all_pairs"]["points"]]
    assert [entry["squared_l2"] for entry in metadata["thresholds"]] == thresholds, "the file's own, not float32's"
    assert "in float32: AUC" in found.out
    _exported_evaluated_inspected(cli, found)
    _timed(cli, found)


def _exported_evaluated_inspected(cli: Command, found: Done) -> None:
    network = f"network={found.folder}"
    done = cli("task=export", network, "exporter=onnx", *PHOTOS, "accuracy.calibration_photos=24", "measure.runs=0")
    assert done.code == 0, done.err
    assert (done.folder / "model.onnx").is_file()
    assert read_metadata(done.folder / "model.onnx")["genotype"] == found.result["decision"]["genotype"]
    both = cli("task=evaluate", network, f"model={done.folder / 'model.onnx'}", *PHOTOS)
    assert both.code == 0, both.err
    file, folder = both.result["decision"]["rows"]
    assert file["auc"] == pytest.approx(folder["auc"], abs=1e-6)
    assert file["auc"] == pytest.approx(found.result["measurements"]["measured"]["float32"]["auc"], abs=1e-6)
    shown = cli("task=inspect", network)
    assert shown.result["decision"]["genotype"] == found.result["decision"]["genotype"]


def _timed(cli: Command, found: Done) -> None:
    options = ("timing.blocks=2", "timing.max_blocks=2", "timing.runs=1", "timing.warmup=0")
    done = cli("task=measure_latency", f"network={found.folder}", *options)
    assert done.code == 0, done.err
    assert done.result["decision"]["networks"] == [found.folder.name]


def test_python_loads_and_exports_it_and_says_what_does_not_fit(cli: Command, found: Done, tmp_path: Path) -> None:
    network = nasface.load_network(found.folder)
    again = nasface.export(network, tmp_path / "model.tflite")
    assert again.bytes > found.folder.joinpath("model.tflite").stat().st_size * 3
    with pytest.raises(nasface.NasfaceError, match="some hundred photos"):
        nasface.export(network, tmp_path / "int8.tflite", precision="int8")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = np.random.default_rng(0).integers(0, 256, (8, 112, 112, 3), np.uint8)
    nasface.export(network, tmp_path / "half.tflite", precision="float16", images=images)
    assert all((value == before[name]).all() for name, value in network.state_dict().items()), "nothing is calibrated"
    _misfits(cli, found, tmp_path)


def _misfits(cli: Command, found: Done, tmp_path: Path) -> None:
    assert "no net.config" in cli("task=export", f"network={tmp_path}").text
    assert "task=export needs network=FOLDER" in cli("task=export").text
    refused = cli("task=export", f"network={found.folder}", "exporter.precision=int8")
    assert (refused.code, "data=image_folder" in refused.text) == (2, True)
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(found.folder / "model.safetensors", folder)
    with pytest.raises(InvalidInput, match="resolution"):
        nasface.load_network(folder)
    config = json.loads((found.folder / "net.config").read_text())
    first = next(block for block in config["blocks"][1:] if block["conv"]["kernel_size"] != 7)
    first["conv"]["kernel_size"] = 7
    (folder / "net.config").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="does not fit"):
        nasface.load_network(folder, resolution=112)


def test_a_result_says_of_which_space_its_network_is(cli: Command, tmp_path: Path) -> None:
    space = {"name": "ofa_mbv3", "width": 0.5, "expands": [4], "kernels": [3], "depths": [2], "resolution": None}
    decision = {"genotype": {"ks": 3, "e": 4, "d": 2}, "resolution": 160}
    (tmp_path / "result.json").write_text(json.dumps({"space": space, "decision": decision}))
    done = cli("task=inspect", f"genotype={tmp_path / 'result.json'}")
    assert done.code == 0, done.err
    assert done.result["decision"]["resolution"] == 160
    assert done.result["decision"]["genotype"]["e"] == [4] * 20
    assert "ofa_mbv3 at 160x160x3" in done.out
    assert done.result["space"]["name"] == "ofa_mbv3_face", "what the options said stays on record"
