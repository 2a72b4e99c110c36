"""A runner that misbehaves on demand, and an OpenSSH server of the test's own on loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from nasface.timing.transports import SshConfig, ssh
from nasface.timing.transports import host as host_module

FakeRunner = Callable[[str], None]
RUNNER = host_module.RUNNER.read_text(encoding="utf-8")
GUARD = 'if __name__ == "__main__":'


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    """Replaces the runner's `time_model` by the given statement, then one millisecond a run; `path` is the model."""

    def install(statement: str) -> None:
        fake = (
            f"def time_model(path, runs, warmup, threads):\n    {statement}\n"
            "    return {'times_ms': [1.0] * runs, 'notes': {}}\n"
            "def describe():\n    return {'device': 'fake', 'runtime': 'fake'}\n"
        )
        (tmp_path / "runner.py").write_text(RUNNER.replace(GUARD, fake + GUARD))
        for module in (host_module, ssh):
            monkeypatch.setattr(module, "RUNNER", tmp_path / "runner.py")
        monkeypatch.setattr(host_module, "find_spec", lambda name: find_spec("sys"))

    return install


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    """Two files that only a fake runner times."""
    found = {"good": tmp_path / "good", "bad": tmp_path / "bad"}
    for path in found.values():
        path.write_bytes(b"model")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshConfig]:
    """How to reach an `sshd` with its own keys, port and configuration."""
    folder = tmp_path_factory.mktemp("sshd")
    config = SshConfig(
        host="127.0.0.1",
        user=getpass.getuser(),
        port=_free_port(),
        key=str(folder / "user_key"),
        options=[
            f"UserKnownHostsFile={folder / 'known_hosts'}",
            "StrictHostKeyChecking=accept-new",
            "IdentitiesOnly=yes",
        ],
        python=sys.executable,
        folder=str(folder),
        timeout=60.0,
    )
    command = _configured(folder, config)
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            _wait(process, config, folder / "log")
            yield config
        finally:
            process.terminate()


def _configured(folder: Path, config: SshConfig) -> list[str]:
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if sshd is None or shutil.which("ssh-keygen") is None:
        pytest.skip("needs an OpenSSH server: apt-get install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # Debian's sshd drops its privileges into it
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "user_key.pub").rename(folder / "authorized_keys")
    (folder / "sshd_config").write_text(
        f"Port {config.port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host_key'}\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\nStrictModes no\nPasswordAuthentication no\n"
    )
    return [sshd, "-D", "-e", "-f", str(folder / "sshd_config")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], config: SshConfig, log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"sshd did not start: {log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", config.port or 0)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"sshd does not listen: {log.read_text()}")
