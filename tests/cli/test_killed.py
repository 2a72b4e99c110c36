"""Real processes on one file, one of them killed: the other is refused or goes on, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ._command import python

PHOTOS = ("data=procedural", "data.people=12", "data.photos=4", "accuracy.calibration_photos=8")
STUDY = ("study_photos", *PHOTOS, "study.subnets=4", "study.calibration=[4,8]")
TABLE = ("estimate_accuracy", *PHOTOS, "accuracy.n_subnets=6")


def command(*given: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return python("-m", "nasface", *given, cwd=cwd)


def begun(*given: str, cwd: Path, file: str, lines: int) -> subprocess.Popen[bytes]:
    """A process that was stopped in the midst of its work, when so many lines were in its file."""
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-m", "nasface", *given]
    process = subprocess.Popen(
        arguments, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        if (cwd / file).exists() and (cwd / file).read_text().count("\n") >= lines:
            process.send_signal(signal.SIGSTOP)
            return process
        time.sleep(0.02)
    raise AssertionError("it ended before")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "option"), [(TABLE, "accuracy.table"), (STUDY, "study.file")], ids=["accuracy table", "study of photos"]
)
def test_a_killed_process_leaves_what_the_next_one_goes_on_with(
    given: tuple[str, ...], option: str, tmp_path: Path
) -> None:
    process = begun(*given, f"{option}=a.csv", cwd=tmp_path, file="a.csv", lines=3)
    second = command(*given, f"{option}=a.csv", cwd=tmp_path)
    assert second.returncode == 2
    assert f"a.csv is being measured by another process (process {process.pid})" in second.stderr
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with (tmp_path / "a.csv").open("a") as file:
        file.write("torn li")
    assert command(*given, f"{option}=a.csv", cwd=tmp_path).returncode == 0
    assert command(*given, f"{option}=b.csv", cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
