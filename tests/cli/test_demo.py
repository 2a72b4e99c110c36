"""`task=demo`: the page as files, and served until nobody asks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.netspec import random_weights
from nasface.spaces import OfaMbv3, OfaMbv3Config

from ._command import Command


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The file of a small network, in a folder as a run has one."""
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, depths=[1], descriptor=16))
    spec = space.build(space.sample(np.random.default_rng(0), 1)[0])
    weights = random_weights(spec, np.random.default_rng(0))
    return TFLiteExporter(TFLiteConfig()).export(spec, weights, tmp_path / "found" / "model.tflite", {}).path


def test_a_run_folder_becomes_a_folder_and_one_file(cli: Command, model: Path) -> None:
    done = cli("task=demo", f"model={model.parent}", "demo.serve=false")
    assert done.code == 0, done.err
    assert "open:" not in done.out
    config = json.loads((done.folder / "demo" / "demo.json").read_text())
    assert [entry["name"] for entry in config["models"]] == ["found"]
    assert (done.folder / "demo.html").stat().st_size > 1e6


def test_a_family_gives_all_its_networks(cli: Command, model: Path, tmp_path: Path) -> None:
    for name in ("ratio_0.5", "ratio_0.8"):
        shutil.copytree(model.parent, tmp_path / "family" / name)
    done = cli("task=demo", f"model={tmp_path / 'family'}", "demo.serve=false")
    assert done.result["decision"]["models"] == ["ratio_0.5", "ratio_0.8"]


def test_it_is_served_until_nobody_asks(cli: Command, model: Path) -> None:
    done = cli("task=demo", f"model={model}", "demo.port=0", "demo.minutes=0.01")
    assert done.code == 0, done.err
    assert "open: http://127.0.0.1:" in done.out
    assert "adb reverse" in done.out


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ((), "needs model=RUN_FOLDER"),
        (("model=nowhere",), "There is no model.tflite in nowhere"),
        (("demo.port=70000",), "a port from 0 (any) to 65535"),
        (("demo.host=198.51.100.1", "demo.port=0"), "cannot be served at 198.51.100.1"),
        (("demo.minutes=0",), "demo.minutes=0"),
    ],
)
def test_bad_input_is_one_sentence(cli: Command, model: Path, overrides: tuple[str, ...], words: str) -> None:
    given = overrides if overrides == () or "model" in overrides[0] else (f"model={model}", *overrides)
    done = cli("task=demo", *given)
    assert done.code == 2
    assert words in done.err
