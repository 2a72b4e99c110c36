"""A browser, a page with small networks, and drawn faces that the detector finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from nasface.data import load_data
from nasface.demo import Address, Bundle, DemoModel, PageServer, demo_bundle
from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.netspec import random_weights
from nasface.recognition.detectors.yunet import FILE as DETECTOR
from nasface.runs import Json
from nasface.spaces import OfaMbv3, OfaMbv3Config

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZE = 64
PEOPLE = [2, 3, 4, 6, 8, 9, 10, 15]
"""Drawn people whom YuNet takes for faces."""

THRESHOLDS: list[Json] = [
    {"far": far, "tar": 0.5, "squared_l2": squared, "cosine": 1 - squared / 2}
    for far, squared in ((0.001, 0.5), (0.01, 0.7))
]

Pictures = npt.NDArray[np.uint8]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with random weights that takes pictures of `SIZE` pixels."""
    return write_model(tmp_path_factory.mktemp("model") / "model.tflite", 32)


@pytest.fixture(scope="session")
def bundle(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The page with two networks."""
    other = write_model(tmp_path_factory.mktemp("other") / "model.tflite", 48, THRESHOLDS)
    return demo_bundle([DemoModel.read(model, "first"), DemoModel.read(other, "second")], DETECTOR)


@pytest.fixture
def server(bundle: Bundle) -> Iterator[PageServer]:
    with PageServer(bundle, Address(port=0)) as server:
        yield server


@pytest.fixture(scope="session")
def faces() -> Pictures:
    """uint8 [24, 224, 224, 3]: three photos of each of eight drawn people."""
    report = load_data({"name": "procedural", "people": 64, "photos": 3}).report
    return report.load(np.flatnonzero(np.isin(report.labels, PEOPLE)), size=224).images


@pytest.fixture(scope="session")
def photos(faces: Pictures, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Photos as files: "left" and "right" show two people each, of whom one is in both; "empty" and "large" nobody."""
    folder = tmp_path_factory.mktemp("photos")
    made = {
        "left": compose(640, [(faces[0], 20, 60, 224), (faces[9], 330, 200, 280)]),
        "right": compose(1000, [(faces[9], 100, 500, 400), (faces[21], 560, 90, 350)]),
        "empty": np.full((300, 400, 3), 128, np.uint8),
    }
    for name, photo in made.items():
        Image.fromarray(photo).save(folder / f"{name}.png")
    (folder / "truncated.png").write_bytes((folder / "left.png").read_bytes()[:3000])
    return {path.stem: path for path in folder.iterdir()}


def compose(side: int, parts: list[tuple[Pictures, int, int, int]]) -> Pictures:
    """A square photo of `side` pixels: pictures with the place of their corner and their side."""
    photo = np.full((side, side, 3), 128, np.uint8)
    for picture, x, y, size in parts:
        photo[y : y + size, x : x + size] = np.asarray(Image.fromarray(picture).resize((size, size)))
    return photo


def write_model(path: Path, descriptor: int, thresholds: list[Json] | None = None) -> Path:
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=SIZE, depths=[2], descriptor=descriptor))
    spec = space.build(space.sample(np.random.default_rng(0), 1)[0])
    weights = random_weights(spec, np.random.default_rng(1))
    facts: dict[str, Json] = {"predicted": {"value": 0.9, "metric": "auc", "kind": "estimated"}}
    facts |= {} if thresholds is None else {"thresholds": thresholds}
    return TFLiteExporter(TFLiteConfig()).export(spec, weights, path, facts).path


def opened(browser: Browser, url: str, **options: Any) -> Page:
    """The page, when it is ready; what it reports as an error fails the test."""
    page = browser.new_page(**options)
    page.goto(url)
    page.wait_for_selector("body[data-ready=yes]")
    return page


def asked(page: Page, expression: str, argument: object = None) -> Any:
    """The value of an expression of `n`, what the page says of itself, and `a`, the argument."""
    return page.evaluate(f"async (a) => {{ const n = await nasface; return {expression}; }}", argument)
