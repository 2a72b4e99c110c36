"""`task=demo device=browser`: one page from being measured to recognising, in Chromium."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

QUICK = (
    "calibrate.probes=3",
    "timing.blocks=2",
    "timing.max_blocks=2",
    "timing.runs=3",
    "search.generations=20",
    "measure.runs=0",
)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, in a process of its own as a user has it."""
    command = [
        sys.executable,
        "-m",
        "nasface",
        "task=demo",
        "device=browser",
        "demo.port=0",
        "hydra.run.dir=run",
        *QUICK,
    ]
    environment = os.environ | {"NASFACE_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    yield process
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def announced(output: IO[str] | None) -> str:
    """The address that is printed."""
    for line in output or ():
        if found := re.search(r"open: (\S+)", line):
            return found[1]
    pytest.fail("the program ended without an address")


def test_a_page_is_measured_gets_its_network_and_recognises(
    browser: Browser, program: subprocess.Popen[str], photos: dict[str, Path], tmp_path: Path
) -> None:
    page = browser.new_page()
    page.goto(announced(program.stdout))
    page.wait_for_selector("#budget:visible", timeout=400_000)
    assert "EfficientNet-B0 needs about" in page.inner_text("#ms-text")
    page.click("#tab-compare")
    page.locator("#pair input[type=file]").first.set_input_files(photos["left"])
    page.wait_for_selector("#status:has-text('There is no network yet')")
    page.click("#tab-circle")
    page.click("#budget button")
    page.wait_for_selector("#found:has-text('It recognises now')", timeout=240_000)
    page.click("#tab-compare")
    for side, name in enumerate(("left", "right")):
        page.locator("#pair input[type=file]").nth(side).set_input_files(photos[name])
        page.wait_for_selector(f'.drop[data-side="{side}"][data-faces="2"]')
    assert page.locator("#distances tbody tr").count() == 4
    program.send_signal(signal.SIGINT)
    assert program.wait(60) == 0, (tmp_path / "errors").read_text()
    page.close()
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    [found] = result["measurements"]["found"]
    assert found["predicted_ms"] <= found["budget_ms"] * 1.0001
    assert found["measured_ms"] > 0
    assert (tmp_path / "run" / "found_1" / "model.tflite").is_file()
