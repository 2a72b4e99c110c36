"""The README's picture of the page: `python -m tests.demo.picture > docs/page.png`, with Chromium on the PATH."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from nasface.demo import Address, DemoModel, PageServer, demo_bundle
from nasface.recognition.detectors.yunet import FILE as DETECTOR
from nasface.testing.faces import drawn_people, write_contrast_model

PLACES = ((20, 30, 160), (240, 180, 224), (470, 60, 150))
SHOWN = ((0, 6, 12), (7, 2, 10))
"""Drawn people of the two photos; the first two of the first photo are in both."""


def photo(rows: tuple[int, ...], path: Path) -> Path:
    picture, people = np.full((420, 640, 3), 128, np.uint8), drawn_people()
    for row, (x, y, side) in zip(rows, PLACES, strict=True):
        picture[y : y + side, x : x + side] = np.asarray(Image.fromarray(people[row]).resize((side, side)))
    Image.fromarray(picture).save(path)
    return path


def shown(page: Page, url: str, folder: Path) -> bytes:
    page.goto(url)
    page.wait_for_selector("body[data-ready=yes]")
    for side, rows in enumerate(SHOWN):
        page.locator("#pair input[type=file]").nth(side).set_input_files(photo(rows, folder / f"{side}.png"))
        page.wait_for_selector(f'.drop[data-side="{side}"][data-faces="3"]')
    return page.screenshot(clip={"x": 0, "y": 0, "width": 1000, "height": 620})


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        bundle = demo_bundle([DemoModel.read(write_contrast_model(folder / "contrast.tflite"), "contrast")], DETECTOR)
        with PageServer(bundle, Address(port=0)) as server:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            taken = shown(browser.new_page(viewport={"width": 1000, "height": 800}), server.url, folder)
            browser.close()
    Image.open(io.BytesIO(taken), formats=("PNG",)).convert("RGB").quantize(128).save(
        sys.stdout.buffer, "PNG", optimize=True
    )


if __name__ == "__main__":
    main()
