"""A real OpenSSH server on loopback as the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nasface.errors import DeviceLost, InvalidInput, ModelRefused, TransportError
from nasface.testing import TransportConformance
from nasface.testing.transports import check_sample
from nasface.timing.transports import SshConfig, SshTransport
from nasface.timing.transports import ssh as ssh_module

from .conftest import FakeRunner

DROP_CONNECTION = "os.kill(int(open('/proc/%d/stat' % os.getppid()).read().split()[3]), 9)"


class TestSsh(TransportConformance):
    @pytest.fixture
    def transport(self, server: SshConfig) -> SshTransport:
        pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
        return SshTransport(server)


def left_over(server: SshConfig) -> list[Path]:
    return list(Path(str(server.folder)).glob("nasface.*"))


def test_nothing_stays_on_the_board(server: SshConfig, runner: FakeRunner, models: dict[str, Path]) -> None:
    runner("pass")
    with SshTransport(server) as board:
        board.send(models)
        (folder,) = left_over(server)
        assert sorted(path.name for path in folder.iterdir()) == ["bad", "good"]
    assert left_over(server) == []


def test_a_crash_of_the_runtime_is_one_refused_model(
    server: SshConfig, runner: FakeRunner, models: dict[str, Path]
) -> None:
    runner("if path == 'bad': os.abort()")
    with SshTransport(server) as board:
        board.send(models)
        with pytest.raises(ModelRefused, match="Aborted"):
            board.time("bad", runs=1, warmup=0, threads=1)
        check_sample(board.time("good", runs=2, warmup=0, threads=1), runs=2)
    assert left_over(server) == []


def test_a_lost_connection_is_a_lost_device(server: SshConfig, runner: FakeRunner, models: dict[str, Path]) -> None:
    runner(f"if path == 'bad': {DROP_CONNECTION}")
    with SshTransport(server) as board:
        board.send(models)
        check_sample(board.time("good", runs=1, warmup=0, threads=1), runs=1)
        with pytest.raises(DeviceLost, match="same command again"):
            board.time("bad", runs=1, warmup=0, threads=1)
        check_sample(board.time("good", runs=1, warmup=0, threads=1), runs=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"user": "nobody-here"}, r"Cannot connect to nobody-here@127.*denied.*ssh -T"),
        ({"port": 1}, "Cannot connect .*refused"),
        ({"options": ["StrictHostKeyChecking=yes", "UserKnownHostsFile=/dev/null"]}, "Host key verification failed"),
        ({"python": "python9"}, r"cannot run 'python9'.*transport\.python"),
        ({"folder": "/nowhere at/all"}, r"temporary folder.*transport\.folder"),
        ({"python": "true"}, "status 0"),
        ({"python": "echo hello"}, "start-up file"),
    ],
)
def test_boards_that_cannot_be_used(server: SshConfig, changes: dict[str, object], message: str) -> None:
    with pytest.raises(TransportError, match=message), SshTransport(replace(server, **changes)):
        pass


def test_a_board_without_the_runtime(server: SshConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = ssh_module.RUNNER.read_text().replace("ai_edge_litert", "ai_edge_absent")
    (tmp_path / "runner.py").write_text(code)
    monkeypatch.setattr(ssh_module, "RUNNER", tmp_path / "runner.py")
    with pytest.raises(TransportError, match=r"ai-edge-absent: run `python3 -m pip"), SshTransport(server):
        pass


@pytest.mark.parametrize("host", ["", "-oProxyCommand=reboot"])
def test_no_host(host: str) -> None:
    with pytest.raises(InvalidInput, match=r"transport\.host"):
        SshTransport(SshConfig(host=host))


def test_without_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_module.shutil, "which", lambda name: None)
    with pytest.raises(TransportError, match="needs the program ssh"), SshTransport(SshConfig(host="pi")):
        pass
