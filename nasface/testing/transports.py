"""What every transport must do."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput, ModelRefused, UnknownName
from nasface.exporters import TFLiteConfig, TFLiteExporter, weight_shapes
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.timing.transports import Sample, Transport


class TransportConformance:
    """Give the fixture `transport`: one whose device is there and runs every valid model, three times at a time."""

    @pytest.fixture
    def transport(self) -> Transport:
        raise NotImplementedError("give the fixture `transport`")

    @pytest.fixture
    def models(self, tmp_path: Path) -> dict[str, Path]:
        """Two that run."""
        return {"small.tflite": write_model(tmp_path / "one", 16), "other-1_2": write_model(tmp_path / "two", 24)}

    def test_models_are_timed_in_any_order(self, transport: Transport, models: dict[str, Path]) -> None:
        with transport:
            about = transport.describe()
            assert about["device"]
            assert about["runtime"]
            transport.send(models)
            for name in (*models, *reversed(models)):
                check_sample(transport.time(name, runs=3, warmup=1, threads=1), runs=3)

    def test_a_refused_model_does_not_stop_the_others(
        self, transport: Transport, models: dict[str, Path], tmp_path: Path
    ) -> None:
        (tmp_path / "broken").write_bytes(b"not a model")
        with transport:
            transport.send(models | {"broken": tmp_path / "broken"})
            with pytest.raises(ModelRefused):
                transport.time("broken", runs=3, warmup=0, threads=1)
            check_sample(transport.time("small.tflite", runs=3, warmup=0, threads=1), runs=3)

    def test_only_what_was_sent_is_timed(self, transport: Transport, models: dict[str, Path]) -> None:
        with transport:
            transport.send(models)
            with pytest.raises(UnknownName, match="smal"):
                transport.time("smal", runs=1, warmup=0, threads=1)

    @pytest.mark.parametrize("name", ["a b", "$(reboot)", "../up", "", "-rf", "a;b"])
    def test_names_that_a_shell_could_misread_are_refused(
        self, transport: Transport, tmp_path: Path, name: str
    ) -> None:
        file = write_model(tmp_path / "model", 16)
        with transport, pytest.raises(InvalidInput):
            transport.send({name: file})

    def test_a_file_that_is_not_there(self, transport: Transport, tmp_path: Path) -> None:
        with transport, pytest.raises(InvalidInput, match="absent"):
            transport.send({"absent": tmp_path / "absent"})

    def test_it_opens_again_after_it_was_closed(self, transport: Transport, models: dict[str, Path]) -> None:
        for _ in range(2):
            with transport:
                transport.send(models)
                check_sample(transport.time("small.tflite", runs=3, warmup=0, threads=1), runs=3)


def check_sample(sample: Sample, runs: int) -> None:
    """Positive times, one a run or means of equally many; a mean alone has a deviation."""
    assert sample.runs >= runs
    assert sample.runs % len(sample.times_ms) == 0
    assert all(math.isfinite(time) and time > 0 for time in sample.times_ms)
    assert (sample.std_ms is None) == (len(sample.times_ms) >= runs)
    assert all(text for text in sample.notes.values())


def write_model(path: Path, descriptor: int) -> Path:
    """A network of some thousand parameters with random weights."""
    space = OfaMbv3(OfaMbv3Config(width=0.25, resolution=32, depths=[1], descriptor=descriptor))
    spec = space.build(space.sample(np.random.default_rng(0), 1)[0])
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in weight_shapes(spec).items()}
    return TFLiteExporter(TFLiteConfig()).export(spec, weights, path, {"purpose": "conformance"}).path
