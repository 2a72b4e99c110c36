"""Reference networks against their published counts."""

from __future__ import annotations

import pytest

from nasface.devices.references import REFERENCES, efficientnet_b0, mobilenet_v1


def test_efficientnet_b0() -> None:
    net = efficientnet_b0(224)
    assert net.params + 1280 * 1000 + 1000 == 5_288_548
    assert net.macs / 1e6 == pytest.approx(384.53, abs=0.01)
    assert net.output_shape == (1, 1, 1280)


def test_mobilenet_v1() -> None:
    net = mobilenet_v1(224)
    assert net.params == 3_206_976
    assert net.params + 1024 * 1000 + 1000 == 4_231_976
    assert net.macs / 1e6 == pytest.approx(567.72, abs=0.01)


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_parameters_do_not_depend_on_the_resolution(name: str) -> None:
    small, large = (REFERENCES[name](size) for size in (112, 224))
    assert small.params == large.params
    assert small.macs < 0.3 * large.macs
    assert large.layers[0].input_shape == (224, 224, 3)
