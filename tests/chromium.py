"""The system's Chromium: for tests that need a real browser."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Open = Callable[[str], None]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium on the PATH")
    return program


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """The same, driven."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")  # a camera that shows a pattern
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", *fake])
        yield browser
        browser.close()


@pytest.fixture
def open_in_chromium(chromium: str, tmp_path: Path) -> Iterator[Open]:
    """Opens an address, without a window; the one that was opened before is closed."""
    running: list[subprocess.Popen[bytes]] = []

    def open_it(url: str) -> None:
        close()
        flags = ["--headless", "--no-sandbox", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}"]
        running.append(subprocess.Popen([chromium, *flags, url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def close() -> None:
        while running:
            running[-1].kill()
            running.pop().wait()

    yield open_it
    close()
