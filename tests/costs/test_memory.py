"""Size of the file against the exporter's; peak of activations against liveness by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.costs import ModelMB, PeakMemoryMB
from nasface.costs.memory import peak_megabytes
from nasface.errors import UnknownName
from nasface.exporters.tflite import TFLiteConfig, TFLiteExporter
from nasface.netspec import INPUT, NetBuilder, random_weights
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig
from nasface.spaces.references import REFERENCES
from nasface.testing import CostConformance

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=112))


class TestModelMB(CostConformance):
    @pytest.fixture
    def cost(self) -> ModelMB:
        return ModelMB(SPACE, "float16")


class TestPeakMemoryMB(CostConformance):
    @pytest.fixture
    def cost(self) -> PeakMemoryMB:
        return PeakMemoryMB(SPACE)


@pytest.mark.parametrize("precision", TFLiteExporter.precisions)
def test_size_is_that_of_the_file(precision: str, tmp_path: Path, rng: np.random.Generator) -> None:
    cost = ModelMB(SPACE, precision)
    exporter = TFLiteExporter(TFLiteConfig(precision=precision))
    extremes = [SPACE.from_dict({"ks": k, "e": e, "d": d}) for k, e, d in ((3, 3, 2), (7, 6, 4))]
    for genotype in [*extremes, *SPACE.sample(rng, 2)]:
        spec = SPACE.build(genotype)
        inputs = rng.standard_normal((1, *spec.input_shape), np.float32)
        exported = exporter.export(spec, random_weights(spec, rng), tmp_path / "model.tflite", {}, inputs)
        assert cost.predict(genotype[None])[0] == pytest.approx(exported.bytes / 1e6, rel=0.003)


def test_liveness_by_hand() -> None:
    """10 x 10: input 4 channels is read again by the sum, so it lives beside both 8-channel values."""
    net = NetBuilder("block", (10, 10, 4))
    with net.layer("block"):
        x = net.conv(INPUT, "up", channels=8)
        x = net.activation(x, "relu")
        x = net.conv(x, "down", channels=4)
        net.add(INPUT, x, "sum")
    [layer] = net.build().layers
    assert peak_megabytes(layer) == pytest.approx(100 * (4 + 8 + 8) * 4 / 1e6)


@pytest.mark.parametrize(("function", "peak"), [("relu", 100 * (4 + 8 + 8)), ("h_swish", 100 * (4 + 4 * 8 + 4 * 8))])
def test_integers_need_a_quarter_but_for_float_copies(function: str, peak: int) -> None:
    """The sum's input waits in integers; h_swish reads and writes float32."""
    net = NetBuilder("block", (10, 10, 4))
    with net.layer("block"):
        x = net.conv(INPUT, "up", channels=8)
        x = net.activation(x, function)
        x = net.conv(x, "down", channels=4)
        net.add(INPUT, x, "sum")
    [layer] = net.build().layers
    assert peak_megabytes(layer, integers=True) == pytest.approx(peak / 1e6)


def test_a_value_read_no_more_is_freed() -> None:
    net = NetBuilder("chain", (10, 10, 4))
    with net.layer("chain"):
        x = net.conv(INPUT, "up", channels=8)
        x = net.conv(x, "wide", channels=16)
        net.conv(x, "down", channels=2)
    [layer] = net.build().layers
    assert peak_megabytes(layer) == pytest.approx(100 * (8 + 16) * 4 / 1e6)


def test_references() -> None:
    spec = REFERENCES["efficientnet_b0"](112)
    megabytes, estimated = ModelMB(SPACE).reference()
    assert (megabytes, estimated) == (pytest.approx(4 * spec.deployed_weights / 1e6, rel=0.01), True)
    assert PeakMemoryMB(SPACE).reference().value == max(peak_megabytes(layer) for layer in spec.layers)
    with pytest.raises(UnknownName, match="reference network 'vgg'"):
        ModelMB(SPACE).reference("vgg")
