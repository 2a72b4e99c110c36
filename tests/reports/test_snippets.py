"""The code beside an exported file gives the descriptors and the answer that nasface gives."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from spoilt import spoilt

from nasface.errors import ExportError, InvalidInput
from nasface.exporters import read_metadata
from nasface.exporters.metadata import READERS
from nasface.netspec import random_weights
from nasface.preprocessing import ARCFACE, Preprocessing, Template
from nasface.registry import build
from nasface.reports.snippets import write_snippets
from nasface.reports.use_of_model import threshold_lines, thresholds, use_rows
from nasface.runs import Json
from nasface.runtimes import open_model
from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3Config

THRESHOLDS: list[Json] = [
    {"far": 0.01, "tar": 0.5, "squared_l2": 1.25, "cosine": 0.375},
    {"far": 0.001, "tar": 0.25, "squared_l2": 0.75, "cosine": 0.625},
]


def _exported(folder: Path, exporter: str, thresholds: Json) -> Path:
    """A small network with random weights."""
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, descriptor=24))
    spec = space.build(space.from_dict({"ks": 3, "e": 3, "d": 2}))
    writer = build("exporter", {"name": exporter})
    path = folder / f"model{writer.suffix}"
    writer.export(spec, random_weights(spec, np.random.default_rng(0)), path, {"thresholds": thresholds})
    return path


@pytest.mark.parametrize("exporter", ["tflite", "onnx", pytest.param("torch_export", marks=pytest.mark.slow)])
def test_python_runs_and_says_what_nasface_says(exporter: str, tmp_path: Path) -> None:
    path = _exported(tmp_path, exporter, THRESHOLDS)
    photos = np.random.default_rng(1).integers(0, 256, (2, 48, 40, 3), np.uint8)
    files = [tmp_path / f"{i}.png" for i in range(2)]
    for photo, file in zip(photos, files, strict=True):
        Image.fromarray(photo).save(file)
    resized = [
        np.asarray(Image.open(file, formats=("PNG",)).resize((32, 32), Image.Resampling.BILINEAR)) for file in files
    ]
    descriptors = open_model(path, 32).embed(Preprocessing(32).normalise(np.array(resized)))
    units = descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True)
    expected = float(np.square(units[0] - units[1]).sum())
    script = write_snippets(path)[0]
    done = subprocess.run([sys.executable, script, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = re.fullmatch(r"squared L2 ([\d.]+), one person: (True|False)\n", done.stdout)
    assert said is not None, done.stdout
    assert float(said[1]) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert said[2] == str(expected < 0.75), "the threshold of the lowest false accept rate"


@pytest.mark.parametrize("thresholds", [THRESHOLDS, "not measured: no photos were given"])
@pytest.mark.parametrize("exporter", ["tflite", "coreml"])
def test_apps_state_what_the_file_states(exporter: str, thresholds: Json, tmp_path: Path) -> None:
    if exporter == "coreml" and importlib.util.find_spec("coremltools") is None:
        pytest.skip("needs coremltools (extra [coreml])")
    path = _exported(tmp_path, exporter, thresholds)
    said = read_metadata(path)["preprocessing"]
    texts = [file.read_text() for file in write_snippets(path)[1:]]
    for text in texts:
        for name, values in (("mean", said["mean"]), ("std", said["std"])):
            (line,) = re.findall(rf"{name}\b.*[(\[]([\d.f, ]+)[)\]]", text, re.IGNORECASE)[:1]
            assert [float(part.rstrip("f")) for part in line.split(", ")] == values
        sizes = [int(re.search(rf"{name} = (\d+)", text, re.IGNORECASE)[1]) for name in ("width", "height", "size")]
        assert sizes == [32, 32, 24]
    limits = ["0.75f", "0.75"] if thresholds is THRESHOLDS else ["null", "nil"]
    assert f"squaredL2: Float? = {limits[1]}  //" in texts[-1]
    assert not re.search(r"\$(?!\d)", "".join(texts)), "nothing was left open but Swift's own arguments"
    if exporter == "tflite":
        assert f"SQUARED_L2: Float? = {limits[0]} //" in texts[0]


def test_other_formats_get_none(tmp_path: Path) -> None:
    assert write_snippets(tmp_path / "model.tosa") == []


def _said(text: str, _: bytes) -> str:
    return text


def test_a_damaged_description_is_refused_or_shown_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_metadata(_exported(tmp_path, "tflite", THRESHOLDS)) | {"template": ARCFACE.to_dict()}
    refused, path = 0, tmp_path / "model.tflite"
    for content in spoilt(whole):
        monkeypatch.setitem(READERS, ".tflite", partial(_said, json.dumps(content)))
        try:
            metadata = read_metadata(path)
            assert use_rows(metadata)
            threshold_lines(thresholds(metadata))
            with contextlib.suppress(ExportError):
                write_snippets(path)
            if "template" in metadata:
                Template.from_dict(metadata["template"])
        except (ExportError, InvalidInput):
            refused += 1
    assert refused > 100
