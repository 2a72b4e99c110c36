"""Reference networks against their published counts."""

from __future__ import annotations

import pytest

from nasface.spaces.references import (
    REFERENCES,
    efficientnet_b0,
    mobile_face_net,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3_large,
)


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


def test_mobilenet_v2() -> None:
    net = mobilenet_v2(224)
    assert net.params + 1280 * 1000 + 1000 == 3_504_872  # torchvision's
    assert (net.macs + 1280 * 1000) / 1e6 == pytest.approx(300.77, abs=0.01)
    assert net.output_shape == (1, 1, 1280)


def test_mobilenet_v3_large() -> None:
    net = mobilenet_v3_large(224)
    assert net.params + 1280 * 1000 + 1000 == 5_483_032  # torchvision's
    assert (net.macs + 1280 * 1000) / 1e6 == pytest.approx(216.59, abs=0.01)
    assert net.output_shape == (1, 1, 1280)


def test_mobile_face_net() -> None:
    net = mobile_face_net(112)
    assert net.deployed_weights / 1e6 == pytest.approx(0.99, abs=0.005)  # the paper's 0.99 M
    assert net.macs / 1e6 == pytest.approx(221, abs=0.5)  # the paper's 221 M
    assert net.output_shape == (1, 1, 128)
    assert mobile_face_net(224).output_shape == (1, 1, 128)


@pytest.mark.parametrize("name", sorted(set(REFERENCES) - {"mobile_face_net"}))
def test_parameters_do_not_depend_on_the_resolution(name: str) -> None:
    small, large = (REFERENCES[name](size) for size in (112, 224))
    assert small.params == large.params
    assert small.macs < 0.3 * large.macs
    assert large.layers[0].input_shape == (224, 224, 3)
