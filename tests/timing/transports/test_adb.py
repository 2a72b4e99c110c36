"""The adb transport against a fake adb; no real phone was asked."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import DeviceLost, InvalidInput, ModelRefused, TransportError
from nasface.testing import TransportConformance
from nasface.testing.transports import check_sample
from nasface.timing.journal import Journal
from nasface.timing.protocol import DeviceTimes, TimingOptions, measure_networks
from nasface.timing.transports import AdbConfig, AdbTransport

from . import fake_adb

PHONE_FOLDER = "phone/data/local/tmp"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def config(state: Path) -> AdbConfig:
    return AdbConfig(adb=str(fake_adb.install(state)))


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    found = {"good": tmp_path / "good", "bad": tmp_path / "bad"}
    for path in found.values():
        path.write_bytes(b"\0\0\0\0TFL3")
    return found


class TestAdb(TransportConformance):
    @pytest.fixture
    def transport(self, config: AdbConfig) -> AdbTransport:
        return AdbTransport(config)


def fault(state: Path, kind: str) -> None:
    (state / "faults.json").write_text(json.dumps({"bad": kind}))


def test_what_it_says_about_the_phone(config: AdbConfig, state: Path, models: dict[str, Path]) -> None:
    with AdbTransport(replace(config, gpu=True, profile=True, taskset="1", flags=["--use_xnnpack=false"])) as phone:
        about = phone.describe()
        assert about["device"] == "Fake Phone 1"
        assert about["system"] == "Android ro.build.version.release"
        assert re.fullmatch(
            r"benchmark_model [0-9a-f]{8}, GPU delegate, taskset 1, profiled, --use_xnn.*", about["runtime"]
        )
        phone.send(models)
        sample = phone.time("good", runs=20, warmup=3, threads=4)
    assert (sample.times_ms, sample.runs, sample.std_ms) == ((0.150,), 20, 0.004)
    assert sample.operators == {"TfLiteXNNPackDelegate [out]:3": 0.130, "SQUEEZE [squeeze]:4": 0.017}
    assert "2 kernels" in sample.notes["delegate"]


def test_nothing_stays_on_the_phone(config: AdbConfig, state: Path, models: dict[str, Path]) -> None:
    with AdbTransport(config) as phone:
        phone.send(models)
        assert len(list((state / PHONE_FOLDER).iterdir())) == 2
    assert [path.name for path in (state / PHONE_FOLDER).iterdir()] == ["benchmark_model"]


def test_a_copied_program(config: AdbConfig, state: Path, models: dict[str, Path], tmp_path: Path) -> None:
    program = (state / PHONE_FOLDER / "benchmark_model").rename(tmp_path / "mine")
    with AdbTransport(replace(config, binary=str(program))) as phone:
        phone.send(models)
        check_sample(phone.time("good", runs=2, warmup=0, threads=1), runs=2)
    with pytest.raises(TransportError, match=r"transport\.binary"), AdbTransport(config):
        pass
    with pytest.raises(TransportError, match="no file"), AdbTransport(replace(config, binary="absent")):
        pass


def test_a_program_for_another_processor(config: AdbConfig, state: Path, models: dict[str, Path]) -> None:
    (state / PHONE_FOLDER / "benchmark_model").write_text("#!/no/such/loader\n")
    with AdbTransport(config) as phone:
        phone.send(models)
        with pytest.raises(TransportError, match="arm64") as caught:
            phone.time("good", runs=2, warmup=0, threads=1)
    assert not isinstance(caught.value, ModelRefused)


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ("", "adb sees no phone.*USB debugging"),
        ("AAA\tdevice\nBBB\tdevice\n", r"2 phones, AAA, BBB.*transport\.serial=AAA"),
        ("FAKE0001\tunauthorized\n", "question on its screen"),
        ("FAKE0001\toffline\n", "kill-server"),
        ("FAKE0001\tno permissions (user in plugdev group; are your udev rules wrong?)\n", "USB device"),
        ("FAKE0001\trecovery\n", "'recovery'"),
    ],
)
def test_phones_that_cannot_be_used(config: AdbConfig, state: Path, devices: str, message: str) -> None:
    (state / "devices").write_text(devices)
    with pytest.raises(TransportError, match=message), AdbTransport(config):
        pass


def test_one_of_two_phones(config: AdbConfig, state: Path) -> None:
    (state / "devices").write_text("AAA\tdevice\nBBB\tdevice\n")
    with AdbTransport(replace(config, serial="BBB")) as phone:
        assert phone.describe()["device"] == "Fake Phone BBB"
    with (
        pytest.raises(TransportError, match="no phone 'CCC', but AAA, BBB"),
        AdbTransport(replace(config, serial="CCC")),
    ):
        pass


def test_two_phones_at_once(config: AdbConfig, state: Path, models: dict[str, Path], tmp_path: Path) -> None:
    """Each in a folder of its own, into a journal that goes on with no other phone."""
    (state / "devices").write_text("AAA\tdevice\nBBB\tdevice\n")
    options = TimingOptions(runs=3, blocks=2, max_blocks=2)
    transports = [AdbTransport(replace(config, serial=serial)) for serial in ("AAA", "BBB")]

    def measured(transport: AdbTransport, name: str) -> DeviceTimes:
        return measure_networks(transport, models, options, np.random.default_rng(0), Journal(tmp_path / name))

    with transports[0] as one, transports[1] as other, ThreadPoolExecutor() as pool:
        assert len(list((state / PHONE_FOLDER).glob("nasface.*"))) == 2
        both = list(pool.map(measured, (one, other), ("AAA", "BBB")))
        assert [sorted(times.timed) for times in both] == [["bad", "good"]] * 2
        with pytest.raises(InvalidInput, match="Fake Phone AAA"):
            measured(other, "AAA")
    assert list((state / PHONE_FOLDER).iterdir()) == [state / PHONE_FOLDER / "benchmark_model"]


def test_without_adb(tmp_path: Path) -> None:
    with (
        pytest.raises(TransportError, match=r"transport\.adb=PATH"),
        AdbTransport(AdbConfig(adb=str(tmp_path / "adb"))),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("drop", DeviceLost, "same command again"),
        ("offline", DeviceLost, "device offline"),
        ("garbage", TransportError, "printed no times"),
        ("crash", ModelRefused, "signal 11"),
        ("cpu", ModelRefused, "GPU"),
    ],
)
def test_what_goes_wrong_with_one_model(
    config: AdbConfig, state: Path, models: dict[str, Path], kind: str, error: type[TransportError], message: str
) -> None:
    fault(state, kind)
    with AdbTransport(replace(config, gpu=True)) as phone:
        phone.send(models)
        with pytest.raises(error, match=message) as caught:
            phone.time("bad", runs=5, warmup=1, threads=1)
        assert type(caught.value) is error
        (state / "devices").write_text("FAKE0001\tdevice\n")  # connected again
        check_sample(phone.time("good", runs=5, warmup=1, threads=1), runs=5)


def test_what_hangs_is_ended(config: AdbConfig, state: Path, models: dict[str, Path]) -> None:
    fault(state, "hang")
    with AdbTransport(config) as phone:
        phone.send(models)
        phone.phone.timeout = 0.2
        with pytest.raises(TransportError, match=r"within 0\.2 s.*transport\.timeout"):
            phone.time("bad", runs=1, warmup=0, threads=1)
        phone.phone.timeout = config.timeout
        check_sample(phone.time("good", runs=1, warmup=0, threads=1), runs=1)


def test_one_that_talks_without_end_is_ended(
    config: AdbConfig, state: Path, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nasface.timing.transports._adb.MOST_SAID", 2**20)
    fault(state, "endless")
    with AdbTransport(config) as phone:
        phone.send(models)
        with pytest.raises(TransportError, match="adb said more than 1 MB"):
            phone.time("bad", runs=1, warmup=0, threads=1)
        check_sample(phone.time("good", runs=1, warmup=0, threads=1), runs=1)


def test_a_phone_that_is_lost_while_models_are_copied(config: AdbConfig, state: Path, models: dict[str, Path]) -> None:
    with AdbTransport(config) as phone:
        (state / "devices").write_text("")
        with pytest.raises(DeviceLost, match="FAKE0001"):
            phone.send(models)


def test_a_phone_that_is_full(config: AdbConfig, state: Path, models: dict[str, Path]) -> None:
    with AdbTransport(config) as phone:
        [folder] = (state / "phone" / config.folder.lstrip("/")).glob("nasface.*")
        folder.rmdir()  # adb says of a full phone what it says of a folder that is not there
        with pytest.raises(TransportError, match="make room") as caught:
            phone.send(models)
    assert not isinstance(caught.value, DeviceLost)


def test_what_was_measured_before_the_phone_was_lost_stays(
    config: AdbConfig, state: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    options = TimingOptions(blocks=2, max_blocks=2)

    def measure() -> DeviceTimes:
        with AdbTransport(config) as phone:
            journal = Journal(tmp_path / "journal.jsonl")
            return measure_networks(phone, models, options, np.random.default_rng(0), journal)

    fault(state, "drop")
    with pytest.raises(DeviceLost):
        measure()
    kept = (tmp_path / "journal.jsonl").read_text()
    fault(state, "none")
    (state / "devices").write_text("FAKE0001\tdevice\n")
    results = measure()
    assert {name: timed.median_ms for name, timed in results.timed.items()} == {"good": 0.150, "bad": 0.150}
    assert (tmp_path / "journal.jsonl").read_text().startswith(kept)
    assert kept.count('"key"') == 1


class TestLiteRT:
    """What LiteRT builds today prints no `Inference timings in us:` and takes no `--enable_op_profiling`."""

    @pytest.mark.parametrize(
        ("kind", "mean", "std"),
        [("json", 4.7032, 0.0213), ("protobuf", 4.7032, 0.0213), ("counts", 4.7032, 0.021), ("rounded", 4.7, 0.02)],
    )
    def test_its_times_are_read_as_precisely_as_it_gives_them(
        self,
        config: AdbConfig,
        models: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
        kind: str,
        mean: float,
        std: float,
    ) -> None:
        monkeypatch.setenv("FAKE_LITERT", kind)
        with AdbTransport(replace(config, profile=True)) as phone:
            assert phone.describe()["runtime"].startswith("LiteRT's benchmark_model ")
            phone.send(models)
            sample = phone.time("good", runs=200, warmup=2, threads=1)
        assert sample.times_ms == (pytest.approx(mean),)
        assert (sample.runs, sample.std_ms) == (200, pytest.approx(std))
        assert sample.notes["delegate"] == "470 of 476 operators by TfLiteXNNPackDelegate"
        assert sample.notes.get("fully_accelerated") == ("false" if kind == "json" else None)

    def test_threads_that_are_not_heard_are_said(
        self,
        config: AdbConfig,
        models: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("FAKE_LITERT", "json")
        with AdbTransport(config) as phone:
            phone.send(models)
            phone.time("good", runs=20, warmup=2, threads=4)
        assert not caplog.records
        monkeypatch.setenv("FAKE_UNHEARD_THREADS", "1")
        with AdbTransport(config) as phone:
            phone.send(models)
            phone.time("good", runs=20, warmup=2, threads=4)
        assert "leave --num_threads unheard" in caplog.text

    @pytest.mark.parametrize(("delegate", "taken"), [("TfLiteXNNPackDelegate", False), ("TfLiteGpuDelegateV2", True)])
    def test_the_processor_is_not_taken_for_the_gpu(
        self, config: AdbConfig, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch, delegate: str, taken: bool
    ) -> None:
        monkeypatch.setenv("FAKE_LITERT", "json")
        monkeypatch.setenv("FAKE_DELEGATE", delegate)
        with AdbTransport(replace(config, gpu=True)) as phone:
            phone.send(models)
            if taken:
                assert phone.time("good", runs=20, warmup=2, threads=1).notes["delegate"].endswith(delegate)
            else:
                with pytest.raises(ModelRefused, match="its processor would"):
                    phone.time("good", runs=20, warmup=2, threads=1)
