"""What a device may answer: each is one sentence, within the time limit, and nothing of it reaches the journal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.errors import DeviceLost, InvalidInput, TransportError
from nasface.timing.journal import Journal
from nasface.timing.protocol import TimingOptions, measure_networks
from nasface.timing.transports import HostConfig, HostTransport, Sample
from nasface.timing.transports._process import RunnerProcess

from .conftest import FakeRunner

DESCRIBE = '{"describe": {"device": "fake", "runtime": "fake"}}'
OPTIONS = TimingOptions(runs=2, blocks=2, max_blocks=2)

TIMES = {
    "no times": '{"notes": {}}',
    "times as a text": '{"times_ms": "fast", "notes": {}}',
    "times as texts": '{"times_ms": ["1", "2"], "notes": {}}',
    "times as an object": '{"times_ms": {"a": 1}, "notes": {}}',
    "no notes": '{"times_ms": [1, 2]}',
    "notes as a list": '{"times_ms": [1, 2], "notes": []}',
    "notes with an object": '{"times_ms": [1, 2], "notes": {"load": {"a": 1}}}',
    "a load that is no number": '{"times_ms": [1, 2], "notes": {"load": "abc"}}',
    "a note of a megabyte": f'{{"times_ms": [1, 2], "notes": {{"x": "{"a" * 100_000}"}}}}',
    "too large": '{"times_ms": [1e308, 1e308], "notes": {}}',
    "infinite": '{"times_ms": [1e999, 1], "notes": {}}',
    "too small": '{"times_ms": [1e-320, 1], "notes": {}}',
    "negative": '{"times_ms": [-1, 1], "notes": {}}',
    "not a number": '{"times_ms": [NaN, 1], "notes": {}}',
    "true": '{"times_ms": [true, true], "notes": {}}',
    "none": '{"times_ms": [], "notes": {}}',
    "more than were asked for": '{"times_ms": [1, 1, 1], "notes": {}}',
    "nested deeply": '{"times_ms": ' + "[" * 100_000,
    "a list": "[1, 2]",
    "not JSON": "hello",
    "not text": "\udcff",
}
ABOUT = {
    "nothing": "{}",
    "null": '{"describe": null}',
    "a list": '{"describe": ["fake"]}',
    "empty": '{"describe": {}}',
    "without a runtime": '{"describe": {"device": "fake"}}',
    "a number": '{"describe": {"device": 1, "runtime": "x"}}',
    "endless": f'{{"describe": {{"device": "{"x" * 100_000}", "runtime": "x"}}}}',
}


@pytest.fixture
def answers(tmp_path: Path, runner: FakeRunner) -> Path:
    """The runner answers every request with the next line of this file, the last one again and again."""
    runner("pass")
    file = tmp_path / "answers"
    (tmp_path / "runner.py").write_text(
        "import itertools, sys\n"
        f"lines = open({str(file)!r}, 'rb').read().splitlines()\n"
        "for line, answer in zip(sys.stdin.buffer, itertools.chain(lines, itertools.repeat(lines[-1]))):\n"
        "    sys.stdout.buffer.write(answer + b'\\n')\n    sys.stdout.buffer.flush()\n"
    )
    return file


def refused(model: Path, journal: Path, timeout: float = 20.0) -> str:
    """The one sentence; the journal has no block."""
    with pytest.raises(TransportError) as caught, HostTransport(HostConfig(timeout=timeout)) as host:
        measure_networks(host, {"m": model}, OPTIONS, np.random.default_rng(0), Journal(journal))
    if journal.exists():
        assert len(journal.read_text().splitlines()) == 1, "only the first line, which names the device"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    return str(caught.value)


@pytest.mark.parametrize("kind", TIMES)
def test_times_that_are_none(tmp_path: Path, answers: Path, models: dict[str, Path], kind: str) -> None:
    answers.write_text(f"{DESCRIBE}\n{TIMES[kind]}\n", errors="surrogateescape")
    refused(models["good"], tmp_path / "journal")


@pytest.mark.parametrize("kind", ABOUT)
def test_descriptions_that_are_none(tmp_path: Path, answers: Path, models: dict[str, Path], kind: str) -> None:
    answers.write_text(f"{ABOUT[kind]}\n")
    assert "was asked for what it is" in refused(models["good"], tmp_path / "journal")
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("while True: os.write(1, b'x' * 65536)", "not the runner's language"),
        ("while True: os.write(1, b'{}\\n')", "which is not the runner's language|was asked for"),
        ("while True: os.write(2, b'noise' * 9999)", "did not answer within 1 s"),
        ("time.sleep(60)", "did not answer within 1 s"),
    ],
)
def test_a_runner_that_talks_without_end_or_never(
    tmp_path: Path, runner: FakeRunner, models: dict[str, Path], program: str, sentence: str
) -> None:
    runner("pass")
    (tmp_path / "runner.py").write_text(f"import os, time\n{program}\n")
    started = time.monotonic()
    with pytest.raises(TransportError, match=sentence), HostTransport(HostConfig(timeout=1.0)):
        pass
    assert time.monotonic() - started < 30


def test_a_runner_that_stops_reading(tmp_path: Path, runner: FakeRunner) -> None:
    """Ten megabytes into a pipe that nobody empties: the time limit holds for writing as well."""
    runner("pass")
    (tmp_path / "runner.py").write_text(
        f"import sys, time\nsys.stdin.buffer.readline()\nprint({DESCRIBE!r}, flush=True)\ntime.sleep(60)\n"
    )
    with HostTransport(HostConfig()) as host:
        process = host.running()
        process.timeout = 1.0
        with pytest.raises(TransportError, match="did not read 1000"):
            process.ask({"cmd": "put", "name": "m", "bytes": 10**7}, bytes(10**7))
        assert process.status is not None, "it was ended"


def test_one_that_ends_before_its_preamble_is_read_leaves_no_pipe_open(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def recorded(*arguments: object, **named: object) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **named))
        return started[-1]

    popen: Any = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", recorded)
    with pytest.raises(DeviceLost, match="status 3"):
        RunnerProcess([sys.executable, "-c", "raise SystemExit(3)"], "pi", 20.0, bytes(10**7))
    assert started[0].stdin is not None
    assert started[0].stdin.closed


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"key": "a"}',
        '{"key": "a", "times_ms": [-1.0], "runs": 1, "std_ms": null, "notes": {}, "operators": {}}',
        '{"key": "a", "times_ms": [1.0], "runs": -3, "std_ms": null, "notes": {}, "operators": {}}',
        '{"key": "a", "times_ms": [1.0], "runs": 1, "std_ms": NaN, "notes": {}, "operators": {}}',
        '{"key": "a", "times_ms": 1, "runs": 1, "std_ms": null, "notes": {}, "operators": {}}',
        '{"key": "a", "times_ms": [1.0], "runs": 1, "std_ms": null, "notes": {}, "operators": {"conv": -1.0}}',
        '{"key": ["a"], "times_ms": [1.0], "runs": 1, "std_ms": null, "notes": {}, "operators": {}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_journal_names_the_line_and_the_way_out(tmp_path: Path, line: str) -> None:
    device = {"device": "fake", "runtime": "fake"}
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.open(device)
    journal.add("a", Sample((1.0, 2.0), 2))
    journal.add("b", Sample((1.0, 2.0), 2))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[1:]]) + "\n")
    with pytest.raises(InvalidInput, match=r"journal, line 2 is damaged \(.*delete this line"):
        Journal(path).open(device)
    path.write_text("\n".join(lines) + "\n")
    again = Journal(path)
    again.open(device)
    assert json.loads(lines[1])["key"] == "a"
    assert again.samples("b")
