import numpy as np
import pytest
from nasface.costs import Cost
from nasface.devices import Device
from nasface.errors import InvalidInput, UnknownName
from nasface.netspec import INPUT, NetBuilder
from nasface.testing import CostConformance

from nasface_example import TinyResnet, TrafficConfig, TrafficLatency
from nasface_example.traffic import bytes_moved


def traffic(**parameters: float) -> TrafficLatency:
    return TrafficLatency(TrafficConfig(**parameters), space=TinyResnet(), device=Device("board"))


class TestTraffic(CostConformance):
    @pytest.fixture
    def cost(self) -> Cost:
        return traffic()


def test_it_decomposes_and_is_marked_estimated() -> None:
    assert traffic().decompose() is not None
    assert traffic().estimated
    assert traffic().label == "latency on board"


def test_one_layer_by_hand() -> None:
    net = NetBuilder("one", (4, 4, 2))
    with net.layer("Conv"):
        net.activation(net.conv(INPUT, "conv", channels=3, kernel=1, bias=True), "relu")
    layer = net.build().layers[0]
    convolution, activation = 4 * 4 * 2 + (2 * 3 + 3) + 4 * 4 * 3, 2 * 4 * 4 * 3  # values read and written
    assert bytes_moved(layer) == 4 * (convolution + activation)
    milliseconds = traffic(gmacs_per_s=1e-6, gbytes_per_s=2e-6).milliseconds(layer)
    assert milliseconds == pytest.approx(4 * 4 * 2 * 3 + bytes_moved(layer) / 2)


def test_a_device_twice_as_fast_needs_half_the_time() -> None:
    population = TinyResnet().sample(np.random.default_rng(0), 5)
    slow, fast = traffic(gmacs_per_s=1, gbytes_per_s=1), traffic(gmacs_per_s=2, gbytes_per_s=2)
    np.testing.assert_allclose(slow.predict(population), 2 * fast.predict(population))


def test_references() -> None:
    milliseconds, estimated = traffic().reference("efficientnet_b0")
    assert milliseconds > traffic().reference("mobilenet_v1").value / 2 > 0
    assert estimated
    with pytest.raises(UnknownName):
        traffic().reference("efficientnet_b00")


@pytest.mark.parametrize("parameter", ["gmacs_per_s", "gbytes_per_s"])
def test_a_device_that_does_nothing_is_refused(parameter: str) -> None:
    with pytest.raises(InvalidInput, match="give positive numbers"):
        traffic(**{parameter: 0.0})
