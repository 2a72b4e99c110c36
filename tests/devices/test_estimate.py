"""The embedded tables and how they are made."""

from __future__ import annotations

import numpy as np
import pytest

from nasface.devices.layer_model import FEATURES, LayerModel, swish_outputs
from nasface.devices.speed_fit import Observation, fit_speeds, leave_one_out
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig
from nasface.spaces.references import efficientnet_b0


def observations(cost: float = 0.5) -> list[Observation]:
    """Times that obey the model exactly: speeds 1 and 3, the given cost."""
    counts = {"a": (10.0, 0.0), "b": (7.0, 0.0), "c": (15.0, 6.0), "d": (12.0, 1.0)}
    return [
        Observation(
            device,
            net,
            speed * (i7 + cost * swish),
            {"table": i7, "swish": swish, "macs": i7**2, "layers": i7, "convolutions": i7},
        )
        for device, speed in (("one", 1.0), ("two", 3.0))
        for net, (i7, swish) in counts.items()
    ]


def test_calibration_recovers_the_truth() -> None:
    found = fit_speeds(observations(), "table", "swish")
    assert found.cost == pytest.approx(0.5)
    assert found.speed == pytest.approx({"one": 1.0, "two": 3.0})
    assert max(map(abs, leave_one_out(observations(), "table", "swish", whole_net=True).values())) < 1e-6


def test_the_cost_is_never_negative() -> None:
    assert fit_speeds(observations(-0.5), "table", "swish").cost == 0.0


def test_leave_one_out_sees_what_the_fit_does_not() -> None:
    without = leave_one_out(observations(), "table", None, whole_net=False)
    assert without["one", "c"] < -0.1
    assert len(without) == 8


def test_layer_model_recovers_its_own_coefficients() -> None:
    layers = [layer for size in (112, 224) for layer in OfaMbv3(OfaMbv3FaceConfig(resolution=size)).layers()]
    truth = LayerModel(np.array([0.05, 0.1, 0.01, 0.1, 0.02, 0.03, 0.2]), 0.0)
    found = LayerModel.fit(layers, truth.predict(layers))
    np.testing.assert_allclose(found.coefficients, truth.coefficients, rtol=1e-6)
    assert found.error < 1e-9
    assert len(FEATURES) == len(found.coefficients)


def test_only_efficientnet_has_swish() -> None:
    assert sum(map(swish_outputs, efficientnet_b0(224).layers)) == pytest.approx(6.17, abs=0.01)
    assert sum(map(swish_outputs, OfaMbv3(OfaMbv3FaceConfig()).layers())) == 0.0
