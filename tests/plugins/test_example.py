"""The complete example distribution, through the real command line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nasface.runtimes.tflite import run_tflite

from .conftest import ROOT, Command, Done

SEARCH = (
    "experiment=example_tiny",
    "search.generations=3",
    "search.population=12",
    "measure.runs=0",
    "predictor.neighbours=5",
)


@pytest.fixture(scope="module")
def listed(command: Command, example: Path) -> Done:
    return command("task=list", sites=[example])


@pytest.fixture(scope="module")
def found(command: Command, example: Path) -> Done:
    return command(*SEARCH, sites=[example])


def test_its_components_are_listed_with_their_origin(listed: Done) -> None:
    assert listed.code == 0, listed.err
    rows = listed.result["decision"]["components"]
    brought = {(row["kind"], row["name"]): row["parameters"] for row in rows if row["origin"] == "nasface-example"}
    assert brought == {
        ("space", "tiny_resnet"): {"resolution": 64, "descriptor": 64},
        ("latency", "traffic"): {"gmacs_per_s": 20.0, "gbytes_per_s": 10.0},
        ("predictor", "knn_scorer"): {"neighbours": 10},
        ("search", "brood"): {"generations": 20, "population": 50},
    }
    assert listed.result["decision"]["failed_plugins"] == {}
    assert "knn_scorer" in listed.out
    assert "nasface-example" in listed.out


def test_the_main_job_runs_on_its_parts(found: Done) -> None:
    assert found.code == 0, found.err
    components = found.result["components"]
    assert (components["space"], components["latency"], components["predictor"]) == (
        "tiny_resnet",
        "traffic",
        "knn_scorer",
    )
    decision = found.result["decision"]
    assert set(decision["genotype"]) == {"depths", "widths", "r"}
    assert decision["summary"]["latency example_board"] <= decision["constraints"][0]["bound"]
    assert "latency example_board" in decision["estimated"]
    assert "EfficientNet-B0" in decision["constraints"][0]["basis"]
    assert decision["quality"]["everywhere"]["predictor"]["kendall_tau"] > 0.5


def test_the_exported_model_gives_its_descriptors(found: Done) -> None:
    path, model = found.folder / "model.tflite", found.result["decision"]["model"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == model["sha256"]
    assert found.result["measurements"]["parity"]["random"]["max_difference_relative"] < 1e-3
    descriptors = run_tflite(path, np.zeros((2, 64, 64, 3), np.float32))
    assert descriptors.shape == (2, 64)


def test_unknown_parameters_of_its_parts_are_refused_in_one_sentence(command: Command, example: Path) -> None:
    done = command("space=tiny_resnet", "space.descriptr=8", sites=[example])
    assert done.code == 2
    assert "descriptr" in done.err
    assert "descriptor" in done.err
    assert "Traceback" not in done.err


def test_everything_in_its_folder_is_in_the_wheel(example: Path) -> None:
    package = ROOT / "plugins" / "nasface-example" / "nasface_example"
    files = {path.relative_to(package) for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    installed = {
        path.relative_to(example / "nasface_example")
        for path in (example / "nasface_example").rglob("*")
        if path.is_file()
    }
    assert installed >= files
