"""The plug-in as a user runs it: through the real command line, in the environment it is installed in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def command(*overrides: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a user types."""
    arguments = [sys.executable, "-m", "nasface", *overrides]
    return subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)


def nasface(*overrides: str, cwd: Path) -> str:
    """What the command printed; it must succeed."""
    done = command(*overrides, cwd=cwd)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One folder for each of three exporters."""
    cwd = tmp_path_factory.mktemp("jobs")
    exporters = "exporter=tflite,onnx,nnz"
    bounds = ("constraints.depth.max=5", "measure.runs=2")
    own = ("search=two_steps", "search.samples=20", "selector=curious", "accuracy.metric=gini")
    nasface("-m", "experiment=resnet_small", exporters, *bounds, *own, f"hydra.sweep.dir={cwd / 'sweep'}", cwd=cwd)
    return [cwd / "sweep" / str(number) for number in range(3)]


def decision(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    assert found["status"] == "ok", found["message"]
    return found


def test_the_main_job_delivers_every_format(jobs: list[Path]) -> None:
    for folder, suffix in zip(jobs, (".tflite", ".onnx", ".nnz"), strict=True):
        found = decision(folder)
        assert (folder / f"model{suffix}").stat().st_size > 1000
        checks = found["measurements"]["parity"]
        assert {"random", "calibration"} <= set(checks), "the runtime of the suffix has checked the file"
        components = found["components"]
        assert [components[kind] for kind in ("supernet", "search", "selector")] == [
            "resnet_small",
            "two_steps",
            "curious",
        ]


def test_the_networks_are_of_the_plugins_own_trained_weights(jobs: list[Path]) -> None:
    from nasface_resnet import Resnet, ResnetSource, ResnetSupernetConfig

    own = ResnetSource(ResnetSupernetConfig(), cwd=Path.cwd()).fingerprint(Resnet())
    assert own in json.dumps(decision(jobs[0]))


def test_a_bound_on_the_plugins_cost_binds(jobs: list[Path]) -> None:
    bounds = {entry["label"]: entry["bound"] for entry in decision(jobs[0])["decision"]["constraints"]}
    assert bounds["depth"] == 5
    assert sum(decision(jobs[0])["decision"]["genotype"]["depths"]) <= 5


def test_the_supernet_is_trained_judged_and_measured(tmp_path: Path) -> None:
    own = ("space=resnet_small", "supernet=resnet_small", "data=studio", "accuracy.calibration_photos=16")
    phase = [f"training.plan.sandwich.{option}" for option in ("steps=4", "subnets=3", "sandwich=true")]
    own = (*own, "loss=normface", "teacher=uniform")
    few = ("training.batch=8", "training.validation_photos=20", "training.calibration_photos=16")
    nasface("task=train_supernet", *own, *phase, *few, "training.folder=trained", cwd=tmp_path)
    trained = "supernet.weights=trained/supernet.safetensors"
    judged = nasface("task=evaluate_supernet", *own, trained, "evaluation.bootstrap=0", cwd=tmp_path)
    assert all(network in judged for network in ("smallest", "middle", "largest"))
    measured = ("accuracy.n_subnets=3", "accuracy.sampling=uniform", "accuracy.table=mine.csv", "latency=analytic")
    nasface("task=estimate_accuracy", *own, "data.people=120", "data.photos=8", trained, *measured, cwd=tmp_path)
    lines = (tmp_path / "mine.csv").read_text().splitlines()
    assert len(lines) >= 4
    assert "gini" in lines[0].split(",")
    without = command(*own, trained, "latency=analytic", cwd=tmp_path)
    assert without.returncode == 2
    assert "There is no accuracy table for resnet_small" in without.stderr + without.stdout


def test_what_is_not_elastic_is_not_trained(tmp_path: Path) -> None:
    done = command("task=train_supernet", "space=resnet_small", "supernet=random", "training.folder=no", cwd=tmp_path)
    assert done.returncode == 2
    assert "the supernet random weights is not" in done.stderr + done.stdout


def test_networks_of_its_operation_are_timed_by_its_transport(tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text('{"depths": [1, 2, 1], "widths": [1, 2, 3]}')
    network = ("space=resnet_small", "space.slope=0.1", "supernet=random", "genotype=net.json")
    few = ("timing.blocks=2", "timing.max_blocks=2", "timing.runs=2", "hydra.run.dir=timed")
    nasface("task=measure_latency", *network, *few, "transport=in_process", cwd=tmp_path)
    assert "this process" in (tmp_path / "timed" / "measurements.csv").read_text()


def test_its_detector_and_its_classifier_recognise(jobs: list[Path], tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    from nasface_resnet.devices_and_photos import StudioConfig, studio

    faces = studio(StudioConfig()).require("report")
    for row, (name, photo) in enumerate(zip(faces.names, faces.load(size=64).images, strict=True)):
        place = tmp_path / "asked" if row % 4 == 3 else tmp_path / "people" / name.partition("/")[0]
        place.mkdir(parents=True, exist_ok=True)
        image.fromarray(photo).save(place / f"{row}.png")
    using = (f"model={jobs[0] / 'model.tflite'}", "recognition.gallery=a.gallery", "detector=middle")
    nasface("task=enrol", *using, "recognition.photos=people", "recognition.crop=square", cwd=tmp_path)
    asked = ("recognition.photos=asked", "recognition.crop=square", "recognition.threshold=3.9")
    said = nasface("task=identify", *using, *asked, "classifier=mean_cosine", cwd=tmp_path)
    assert "person_" in said


def test_its_task_and_its_experiment(tmp_path: Path) -> None:
    said = nasface("experiment=resnet_small", "task=census", "census.networks=50", cwd=tmp_path)
    assert "of 50 random networks are within the bounds" in said
    nasface("experiment=shares", "space=resnet_small", "supernet=resnet_small", "latency=analytic", cwd=tmp_path)
    assert (tmp_path / "runs" / "shares" / "shares.csv").read_text().count("\n") >= 3
