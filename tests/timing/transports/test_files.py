"""A folder that somebody carries to a device and back; here the user is the test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from nasface.errors import (
    InvalidInput,
    LookupTableError,
    ModelRefused,
    NotMeasuredYet,
    TransportError,
)
from nasface.testing import TransportConformance
from nasface.testing.transports import check_sample, write_model
from nasface.timing.transports import FilesConfig, FilesTransport, Sample

from . import fake_adb
from .test_benchmark_output import NEW, REFUSED

RUNNER_HEADER = "model,sha256,threads,times_ms,refused,clock_mhz,temperature_c,load,device,runtime\n"


class MeasuredAtOnce(FilesTransport):
    """As if the user had measured between two runs of a command."""

    def send(self, models: Mapping[str, Path]) -> None:
        super().send(models)
        self._instruct(3, 1, 1)
        run_runner(self.folder, "--rounds", "2", "--runs", "3", "--least-ms", "0")


class TestFiles(TransportConformance):
    @pytest.fixture
    def transport(self, tmp_path: Path) -> FilesTransport:
        pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
        return MeasuredAtOnce(FilesConfig(folder=str(tmp_path / "folder"), device="mine", runtime="its own"))


def run_runner(folder: Path, *arguments: str) -> None:
    subprocess.run([sys.executable, str(folder / "runner.py"), *arguments], check=True, stderr=subprocess.PIPE)


@pytest.fixture
def config(tmp_path: Path) -> FilesConfig:
    return FilesConfig(folder=str(tmp_path / "folder"))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "results"


def time(config: FilesConfig, models: dict[str, Path], model: str, threads: int = 1) -> list[Sample]:
    """All blocks of a model, as `measure_networks` takes them."""
    with FilesTransport(config) as files:
        files.send(models)
        samples = [files.time(model, runs=10, warmup=2, threads=threads)]
        with suppress(NotMeasuredYet):
            while len(samples) < 100:
                samples.append(files.time(model, runs=10, warmup=2, threads=threads))
    return samples


def test_what_is_written(config: FilesConfig, models: dict[str, Path]) -> None:
    with pytest.raises(NotMeasuredYet, match=r"2 of 2 models .*good, bad.*README\.txt.*same command"):
        time(config, models, "good", threads=4)
    folder = Path(config.folder)
    assert sorted(path.name for path in (folder / "models").iterdir()) == ["bad.tflite", "good.tflite"]
    assert "python3 runner.py --threads 4 --runs 10 --warmup 2" in (folder / "README.txt").read_text()
    assert (
        "--num_threads=4 --num_runs=10 --min_secs=0.005 --warmup_runs=2" in (folder / "benchmark_model.sh").read_text()
    )


def test_nothing_is_handed_out_before_everything_is_there(
    config: FilesConfig, results: Path, models: dict[str, Path]
) -> None:
    results.mkdir(parents=True)
    (results / "mine.csv").write_text("key,mean_ms\ngood,1.5\n")
    with pytest.raises(NotMeasuredYet, match=r"1 of 2 models .*\(bad\)"):
        time(config, models, "good")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key,mean_ms,std_ms\ngood,1.5,0.2\nbad.tflite,2.5,0.1\n", Sample((1.5,), 1)),
        ("good.tflite 30 1.5 0.2\nbad 30 2.5 0.1\n", Sample((1.5,), 30, 0.2)),
        ("good: {mean: 1.5, std: 0.2, count: 30}\nbad: {mean: 2.5}\n", Sample((1.5,), 30, 0.2)),
    ],
)
def test_lists_of_times(
    config: FilesConfig, results: Path, models: dict[str, Path], text: str, expected: Sample
) -> None:
    results.mkdir(parents=True)
    (results / "mine").write_text(text)
    assert time(replace(config, device="mine"), models, "good") == [expected]
    with FilesTransport(replace(config, device="mine")) as files:
        assert files.describe() == {"device": "mine", "runtime": "a runtime that was not named"}


def test_output_of_benchmark_model(config: FilesConfig, results: Path, models: dict[str, Path]) -> None:
    results.mkdir(parents=True)
    mine = NEW.replace("mask_estimator_phy", "good")
    (results / "one.txt").write_text(f"phone $ sh run.sh\n{mine}{mine}{REFUSED.replace('broken', 'bad')}")
    samples = time(config, models, "good", threads=2)
    assert [sample.times_ms for sample in samples] == [(309.350,), (309.350,)]
    with pytest.raises(ModelRefused, match="Failed to mmap"):
        time(config, models, "bad", threads=2)
    with pytest.raises(NotMeasuredYet):  # measured with two threads
        time(config, models, "good", threads=1)
    (results / "one.txt").write_text(mine + NEW.replace("mask_estimator_phy", "bad")[:300])
    with pytest.raises(NotMeasuredYet, match=r"\(bad\)"):  # interrupted
        time(config, models, "good", threads=2)


def test_the_script_for_benchmark_model(config: FilesConfig, results: Path, tmp_path: Path) -> None:
    models = {"one": write_model(tmp_path / "one", 16), "two": write_model(tmp_path / "two", 24)}
    with pytest.raises(NotMeasuredYet):
        time(config, models, "one")
    fake_adb.install(tmp_path / "state")
    program = tmp_path / "state/phone/data/local/tmp/benchmark_model"
    subprocess.run(["sh", str(results.parent / "benchmark_model.sh"), str(program), "--use_gpu=true"], check=True)
    samples = time(config, models, "two")
    assert len(samples) == 5
    assert samples[0].runs == 10
    assert "kernels" in samples[0].notes["delegate"]


def test_the_runner_goes_on_where_it_stopped(config: FilesConfig, results: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    models = {"one": write_model(tmp_path / "one", 16), "two": write_model(tmp_path / "two", 24)}
    with pytest.raises(NotMeasuredYet):
        time(config, models, "one")
    run_runner(results.parent, "--rounds", "3", "--runs", "2", "--least-ms", "0")
    lines = (results / "runner.csv").read_text().splitlines()
    assert len(lines) == 1 + 3 * 2
    assert {line.split(",")[0] for line in lines[1:3]} == {"one.tflite", "two.tflite"}, "rounds are interleaved"
    (results / "runner.csv").write_text("\n".join(lines[:4]) + "\n")
    run_runner(results.parent, "--rounds", "3", "--runs", "2")
    assert len((results / "runner.csv").read_text().splitlines()[-1].split(",")[3].split()) > 2, "at least 5 ms a block"
    again = (results / "runner.csv").read_text().splitlines()
    assert again[:4] == lines[:4]
    assert len(again) == len(lines)
    for sample in time(config, models, "two"):
        check_sample(sample, runs=len(sample.times_ms))
    with FilesTransport(config) as files:
        assert files.describe()["runtime"].startswith("ai-edge-litert ")


def test_times_of_another_file_of_the_same_name(config: FilesConfig, results: Path, models: dict[str, Path]) -> None:
    results.mkdir(parents=True)
    line = "good.tflite,0123,1,1.0 2.0,,,,,board,litert\n"
    (results / "runner.csv").write_text(RUNNER_HEADER + line)
    with pytest.raises(NotMeasuredYet):
        time(config, {"good": models["good"]}, "good")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (RUNNER_HEADER + "good,,1,fast,,,,,,\n", TransportError, "line 2 is no line of the runner"),
        (RUNNER_HEADER + "good,,1\n", TransportError, "line 2 is no line of the runner"),
        (RUNNER_HEADER + "a,,1,1,,,,,A,x\nb,,1,1,,,,,B,x\n", TransportError, "more than one device: A, B"),
        ("good 10 -1.5 0.2\n", LookupTableError, "not a positive number"),
        ("good 10 0 0.2\n", LookupTableError, "not a positive number"),
        ("\x00\x01\x02", LookupTableError, "known format"),
    ],
)
def test_results_that_cannot_be(
    config: FilesConfig, results: Path, models: dict[str, Path], text: str, error: type[Exception], message: str
) -> None:
    results.mkdir(parents=True)
    (results / "mine").write_text(text)
    with FilesTransport(config) as files, pytest.raises(error, match=message):
        files.describe()


def test_no_folder() -> None:
    with pytest.raises(InvalidInput, match=r"transport\.folder"):
        FilesTransport(FilesConfig())
