"""Drawn people whom the detector takes for faces, and a network that tells them apart by contrast."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.data import load_data
from nasface.data.decoding import pillow_modules
from nasface.exporters import OnnxConfig, OnnxExporter, TFLiteConfig, TFLiteExporter
from nasface.netspec import INPUT, NetBuilder
from nasface.preprocessing import ARCFACE
from nasface.runs import Json

PEOPLE: Final = (3, 6, 9, 10, 15)
"""Report people of `data=procedural data.people=64 data.photos=3` whose every photo YuNet finds a face in."""

THRESHOLD: Final = 0.45
"""Squared L2 distance that tells these people apart by `write_contrast_model`."""


def drawn_people() -> npt.NDArray[np.uint8]:
    """uint8[15, 224, 224, 3]: three photos each of five drawn people.

    A person's photos differ in place, size, brightness and noise: enough for code, not for stating accuracy.
    """
    pillow, _ = pillow_modules()
    report = load_data({"name": "procedural", "people": 64, "photos": 3}).require("report")
    firsts = np.flatnonzero(np.isin(report.labels, PEOPLE))[::3]
    rng, photos = np.random.default_rng(0), []
    for picture in report.load(firsts, size=224).images:
        for side, left, top, gain in ((224, 0, 0, 1.0), (200, 20, 4, 0.92), (184, 6, 30, 1.05)):
            photo = np.full((224, 224, 3), 128.0)
            photo[top : top + side, left : left + side] = np.asarray(pillow.fromarray(picture).resize((side, side)))
            photos.append(np.clip(photo * gain + rng.normal(0, 3, photo.shape), 0, 255).astype(np.uint8))
    return np.stack(photos)


def write_contrast_model(path: Path) -> Path:
    """A model file that sees the contrasts of a face of 64 pixels, with ArcFace's template and `THRESHOLD`.

    Args:
        path: Of the file, `.tflite` or `.onnx`.
    """
    net = NetBuilder("contrast", (64, 64, 3))
    with net.layer("Contrast"):
        means = net.avg_pool(INPUT, "means", kernel=4, stride=4)
        net.flatten(net.conv(means, "contrast", channels=3, kernel=3, padding=0, groups=3), "flat")
    kernel = np.full((3, 1, 3, 3), -1 / 8, np.float32)
    kernel[:, :, 1, 1] = 1
    thresholds: list[Json] = [{"far": 0.001, "tar": 0.9, "squared_l2": THRESHOLD, "cosine": 1 - THRESHOLD / 2}]
    metadata: dict[str, Json] = {"template": ARCFACE.to_dict(), "thresholds": thresholds}
    exporter = OnnxExporter(OnnxConfig()) if path.suffix == ".onnx" else TFLiteExporter(TFLiteConfig())
    return exporter.export(net.build(), {"contrast.weight": kernel}, path, metadata).path
