"""The embedded tables and how they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.devices import embedded_luts, read_lut
from nasface.devices.calibration import Observation, calibrate, compare_candidates, leave_one_out
from nasface.devices.estimate import build_luts, estimate_references
from nasface.devices.layer_model import FEATURES, LayerModel, nonnegative_least_squares, swish_outputs
from nasface.devices.scaling import Base, layer_model
from nasface.errors import LookupTableError
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
    found = calibrate(observations(), "table", "swish")
    assert found.cost == pytest.approx(0.5)
    assert found.speed == pytest.approx({"one": 1.0, "two": 3.0})
    assert max(map(abs, leave_one_out(observations(), "table", "swish", whole_net=True).values())) < 1e-6


def test_the_cost_is_never_negative() -> None:
    assert calibrate(observations(-0.5), "table", "swish").cost == 0.0


def test_leave_one_out_sees_what_the_fit_does_not() -> None:
    without = leave_one_out(observations(), "table", None, whole_net=False)
    assert without["one", "c"] < -0.1
    assert len(without) == 8


def test_nonnegative_least_squares(rng: np.random.Generator) -> None:
    a, truth = rng.random((30, 4)), np.array([0.0, 2.0, 0.0, 1.0])
    np.testing.assert_allclose(nonnegative_least_squares(a, a @ truth), truth, atol=1e-12)
    np.testing.assert_array_equal(nonnegative_least_squares(np.ones((3, 1)), -np.ones(3)), [0.0])


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


def test_estimated_references_keep_what_is_known() -> None:
    table = read_lut(embedded_luts()["sd865"])
    assert estimate_references(table).references == table.references
    bare = type(table)("bare", table.provenance, {224: table.rows[224]})
    found = estimate_references(bare).reference("efficientnet_b0", 224)
    assert found.kind == "estimated"
    assert 10 < found.ms < 30


def test_the_layer_model_fits_the_measured_table() -> None:
    table = read_lut(embedded_luts()["i7_8700k"])
    spaces = [OfaMbv3(OfaMbv3FaceConfig(resolution=size)) for size in table.rows]
    assert layer_model(table, spaces).error < 0.06


def test_rebuilding_gives_the_embedded_files(shared_data: Path, tmp_path: Path) -> None:
    for path in build_luts(shared_data, tmp_path):
        assert path.read_bytes() == embedded_luts()[path.stem].read_bytes()


def test_missing_sources(tmp_path: Path) -> None:
    with pytest.raises(LookupTableError, match=r"Cannot read .*i7-8700K_lut.yaml"):
        build_luts(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_shipped_candidate_is_the_best(shared_data: Path) -> None:
    from nasface.devices.estimate import i7_table, published_times

    published = shared_data / "published"
    i7 = i7_table(published / "i7-8700K_lut.yaml")
    base = Base.of(i7, [OfaMbv3(OfaMbv3FaceConfig(resolution=size)) for size in i7.rows])
    scores = compare_candidates(published_times(published / "subnets.json", base))
    assert min(scores, key=lambda name: scores[name][0]) == "table + swish"
    assert scores["table + swish"][0] < 0.05
