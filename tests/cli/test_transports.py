"""Devices that cannot be reached, as a user meets them; what a device says is in tests/devices/transports."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from chromium import Open

from nasface import demo
from nasface.devices import read_lut, user_folder
from nasface.errors import EXIT_OK

from ._command import Command
from .test_bad_input import check_refused

SPACE = ("space=ofa_mbv3", "space.width=0.25", "space.depths=[1,2]", "space.kernels=[3]", "space.expands=[3]")
SPACE = (*SPACE, "space.resolution=32")
SMALL = ("task=build_lut", "lut.name=mine", *SPACE, "lut.nets=0", "lut.chains=false")


@pytest.mark.parametrize(
    ("overrides", "fragments"),
    [
        (["transport=adb", "transport.adb=/no/such/adb"], ["needs the program '/no/such/adb'", "transport.adb=PATH"]),
        (["transport=ssh"], ["transport.host='' is no host", "transport.host=raspberrypi.local"]),
        (["transport=files"], ["needs a folder", "transport.folder=FOLDER"]),
        (["transport.timeout=0"], ["transport.timeout=0 is not a positive number of seconds"]),
        (["transport=browser", "transport.port=0", "transport.timeout=0.2"], ["No page was opened for 0.2 s"]),
        (["transport=browser", "transport.host="], ["cannot be served at ''", "127.0.0.1"]),
        (["transport=usb"], ["Unknown transport 'usb'", "adb, browser, files, host, ssh"]),
        (["transport=adb", "transport.serail=1"], ["Unknown option of transport 'serail'", "'serial'"]),
    ],
)
def test_one_sentence_says_what_to_do(cli: Command, overrides: list[str], fragments: list[str]) -> None:
    check_refused(cli(*SMALL, *overrides), *fragments)


def test_a_folder_for_somebody_else(cli: Command, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    command = (*SMALL, "transport=files", f"transport.folder={folder}", "transport.device=theirs", "timing.threads=3")
    waiting = cli(*command)
    assert waiting.code == EXIT_OK, waiting.err
    models = sorted(path.name for path in (folder / "models").iterdir())
    assert f"Waiting for {len(models)} of {len(models)} models" in waiting.out
    assert all(f"{folder}/{name}" in waiting.out for name in ("models", "README.txt", "results"))
    [again] = re.findall(r"^next: nasface (.*)", waiting.out, re.MULTILINE)
    assert "threads=3" in (folder / "README.txt").read_text()
    assert not (user_folder() / "mine.json").exists()
    (folder / "results" / "few.txt").write_text(f"{models[0]} 30 1 0.1\n")
    assert f"Waiting for {len(models) - 1} of {len(models)} models" in cli(*shlex.split(again)).out
    (folder / "results" / "few.txt").unlink()
    (folder / "results" / "perf.txt").write_text("".join(f"{name} 30 {1 + i} 0.1\n" for i, name in enumerate(models)))
    done = cli(*shlex.split(again))
    assert done.code == EXIT_OK, done.err
    assert f"timed elsewhere: {len(models)} blocks of {len(models)} models" in done.out
    assert (user_folder() / "mine.json").is_file()


def test_a_page_measures_a_table_and_checks_it(
    cli: Command, monkeypatch: pytest.MonkeyPatch, open_in_chromium: Open
) -> None:
    """In a browser: the table of a small space, its probes, whole networks against it."""
    monkeypatch.setattr(demo, "announce", lambda console, url, address: open_in_chromium(url))
    by_page = (
        "transport=browser",
        "transport.port=0",
        "transport.timeout=60",
        "timing.blocks=2",
        "timing.max_blocks=2",
    )
    done = cli(*SMALL, *by_page, "timing.runs=3")
    assert done.code == EXIT_OK, done.err
    table = read_lut(user_folder() / "mine.json")
    assert table.provenance.kind == "measured"
    assert table.provenance.runtime.startswith("litert.js wasm")
    assert table.provenance.system["clock_step_ms while measuring"]
    assert all(row.mean_ms > 0 for row in table.rows[32].values())
    checked = cli(*SPACE, "task=check_latency", "device=mine", "check.nets=5", *by_page, "timing.runs=3")
    assert checked.code == EXIT_OK, checked.err
