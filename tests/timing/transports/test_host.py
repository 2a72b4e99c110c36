"""The runner in a child process of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from nasface.errors import DeviceLost, InvalidInput, MissingDependency, ModelRefused, TransportError, UnknownName
from nasface.testing import TransportConformance
from nasface.testing.transports import check_sample, write_model
from nasface.timing.transports import HostConfig, HostTransport, build_transport
from nasface.timing.transports import host as host_module

from .conftest import FakeRunner


class TestHost(TransportConformance):
    @pytest.fixture
    def transport(self) -> HostTransport:
        pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
        return HostTransport(HostConfig())


def test_a_crash_of_the_runtime_is_one_refused_model(runner: FakeRunner, models: dict[str, Path]) -> None:
    runner("if path.endswith('bad'): os.abort()")
    with HostTransport(HostConfig()) as host:
        host.send(models)
        with pytest.raises(ModelRefused, match="Aborted"):
            host.time("bad", runs=1, warmup=0, threads=1)
        check_sample(host.time("good", runs=2, warmup=0, threads=1), runs=2)


def test_a_killed_runner_is_a_lost_device(runner: FakeRunner, models: dict[str, Path]) -> None:
    runner("if path.endswith('bad'): os.kill(os.getpid(), 9)")
    with HostTransport(HostConfig()) as host:
        host.send(models)
        with pytest.raises(DeviceLost, match="status -9"):
            host.time("bad", runs=1, warmup=0, threads=1)
        check_sample(host.time("good", runs=1, warmup=0, threads=1), runs=1)


def test_what_hangs_is_ended(runner: FakeRunner, models: dict[str, Path]) -> None:
    runner("if path.endswith('bad'): time.sleep(60)")
    with HostTransport(HostConfig()) as host:
        host.send(models)
        host.running().timeout = 0.2
        with pytest.raises(TransportError, match=r"within 0\.2 s.*transport\.timeout"):
            host.time("bad", runs=1, warmup=0, threads=1)
        check_sample(host.time("good", runs=1, warmup=0, threads=1), runs=1)


def test_what_native_code_prints_is_no_answer(runner: FakeRunner, models: dict[str, Path]) -> None:
    runner("os.write(1, b'INFO: created a delegate')")
    with HostTransport(HostConfig()) as host:
        host.send(models)
        check_sample(host.time("good", runs=1, warmup=0, threads=1), runs=1)


def test_no_process_stays(runner: FakeRunner) -> None:
    runner("pass")
    with HostTransport(HostConfig()) as host:
        child = host.running()
        assert child.status is None
    assert child.status == 0


def test_another_language_is_reported(tmp_path: Path, runner: FakeRunner) -> None:
    runner("pass")
    (tmp_path / "runner.py").write_text("print('Welcome to this machine!')")
    with pytest.raises(TransportError, match="Welcome"), HostTransport(HostConfig()):
        pass


def test_a_runner_that_does_not_start(tmp_path: Path, runner: FakeRunner) -> None:
    runner("pass")
    (tmp_path / "runner.py").write_text("raise SystemExit('no numpy here')")
    with pytest.raises(DeviceLost, match="no numpy here"), HostTransport(HostConfig()):
        pass


def test_without_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="ai-edge-litert"), HostTransport(HostConfig()):
        pass


def test_options_by_name() -> None:
    assert isinstance(build_transport({"name": "host", "timeout": 3}), HostTransport)
    with pytest.raises(UnknownName, match=r"Known: .*host"):
        build_transport({"name": "hots"})
    with pytest.raises(UnknownName, match="timeout"):
        build_transport({"name": "host", "timeot": 3})
    with pytest.raises(InvalidInput, match="timeout"):
        build_transport({"name": "host", "timeout": 0})


def test_threads_and_notes(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    with HostTransport(HostConfig()) as host:
        host.send({"one": write_model(tmp_path / "one", 16)})
        sample = host.time("one", runs=4, warmup=1, threads=2)
        assert len(sample.times_ms) == 4
        assert {"cores", "python", "system"} <= set(host.describe())
