"""Latency without a table of one's own: analytic and learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.costs import AnalyticConfig, AnalyticLatency, LearnedConfig, LearnedLatency
from nasface.devices import Device, load_device
from nasface.devices.learned import LayerGroups, fit_linear, learn
from nasface.devices.measurements import Measurement, write_measurements
from nasface.errors import InvalidInput, LookupTableError, TableError, UnknownName
from nasface.metrics import kendall_tau
from nasface.spaces import Population, layer_counts
from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig
from nasface.testing.synthetic import tiny_space

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=112))
I7 = load_device("i7_8700k", {"lut": "i7_8700k"})
PRIOR = I7.lut.values(SPACE.layers(), 112) if I7.lut else np.empty(0)
KERNEL = np.array([layer.kernel or 0 for layer in SPACE.layers()])


def additive(population: Population) -> np.ndarray:
    """Half the table's time, 7x7 kernels slower."""
    return np.asarray(layer_counts(SPACE, population) @ (PRIOR * np.where(KERNEL == 7, 0.9, 0.5)))


def crowded(population: Population) -> np.ndarray:
    """Large networks fall out of a cache: no sum over layers."""
    times = additive(population)
    return np.asarray(times * (1 + 0.3 / (1 + np.exp(-(times - 5.5) * 8))))


def row(genotype: str, ms: float, **other: Any) -> Measurement:
    shared = {"resolution": 112, "engine": "tflite", "threads": 2, "device": "a phone"}
    return Measurement(
        genotype, **{"network": ""} | shared | other, median_ms=ms, mean_ms=ms, std_ms=0, runs=9, low_ms=ms, high_ms=ms
    )  # type: ignore[arg-type]


def file(path: Path, n: int, truth: Any = additive, seed: int = 0) -> Path:
    nets = SPACE.sample(np.random.default_rng(seed), n)
    rows = [row(SPACE.to_text(net), ms) for net, ms in zip(nets, truth(nets).tolist(), strict=True)]
    write_measurements(path, [*rows, row("", 9.5, network="efficientnet_b0")])
    return path


def learned(path: Path, **config: Any) -> LearnedLatency:
    return LearnedLatency(LearnedConfig(measurements=str(path), **config), space=SPACE, device=I7)


def test_analytic_ranks_like_the_table_it_was_fitted_to(rng: np.random.Generator) -> None:
    cost = AnalyticLatency(AnalyticConfig(), space=SPACE, device=Device("board"))
    nets = SPACE.sample(rng, 200)
    table = layer_counts(SPACE, nets) @ PRIOR
    assert kendall_tau(table, cost.predict(nets)) > 0.8
    assert np.abs(cost.predict(nets) / table - 1).mean() < 0.1
    assert cost.estimated
    assert cost.label == "latency on board modelled on i7_8700k"
    ms, estimated = cost.reference()
    assert estimated
    assert 5 < ms < 15


def test_analytic_at_another_resolution_space_and_speed() -> None:
    odd = OfaMbv3(OfaMbv3FaceConfig(resolution=144))
    slow, fast = (AnalyticLatency(AnalyticConfig(speed=s), space=odd, device=None) for s in (1.0, 2.0))
    np.testing.assert_allclose(slow.values, 2 * fast.values)
    assert slow.reference().value == pytest.approx(2 * fast.reference().value)
    assert (AnalyticLatency(AnalyticConfig(), space=tiny_space(), device=None).values >= 0).all()


def test_analytic_refuses_what_it_cannot_use() -> None:
    with pytest.raises(InvalidInput, match=r"latency.speed is 0; give a positive"):
        AnalyticLatency(AnalyticConfig(speed=0.0), space=SPACE, device=None)
    with pytest.raises(UnknownName, match=r"latency table 'i8'"):
        AnalyticLatency(AnalyticConfig(table="i8"), space=SPACE, device=None)


def test_a_corrected_table_finds_the_layers(rng: np.random.Generator) -> None:
    nets, other = SPACE.sample(rng, 60), SPACE.sample(rng, 200)
    groups = LayerGroups.of(SPACE.layers(), PRIOR)
    values = fit_linear(groups, layer_counts(SPACE, nets), additive(nets))
    error = layer_counts(SPACE, other) @ values / additive(other) - 1
    assert np.sqrt(np.mean(error**2)) < 0.02
    assert (values[PRIOR > 0] > 0).all()


def test_errors_of_networks_left_out_are_honest(rng: np.random.Generator) -> None:
    nets, other = SPACE.sample(rng, 80), SPACE.sample(rng, 400)
    noise = np.exp(0.05 * rng.standard_normal(480))
    fitted = learn(LayerGroups.of(SPACE.layers(), PRIOR), layer_counts(SPACE, nets), additive(nets) * noise[:80])
    unseen = additive(other) * noise[80:] / fitted.predict(layer_counts(SPACE, other)) - 1
    assert np.sqrt(np.mean(fitted.errors**2)) == pytest.approx(np.sqrt(np.mean(unseen**2)), rel=0.25)


def test_what_is_a_sum_stays_one(tmp_path: Path, rng: np.random.Generator) -> None:
    cost = learned(file(tmp_path / "m.csv", 60))
    assert cost.learned.trees is None
    tables, nets = cost.decompose(), SPACE.sample(rng, 20)
    assert tables is not None
    np.testing.assert_allclose(tables.predict(SPACE.stage_indices(nets)), cost.predict(nets))
    assert not cost.estimated
    assert cost.label == "latency on i7_8700k"
    assert cost.reference() == (9.5, False)
    assert 0 <= cost.margin(0.9) < 0.05


def test_what_is_no_sum_is_boosted(tmp_path: Path, rng: np.random.Generator) -> None:
    path, nets = file(tmp_path / "m.csv", 200, crowded), SPACE.sample(rng, 300)
    linear, auto = learned(path, model="linear"), learned(path)
    assert auto.decompose() is None
    rms = [float(np.sqrt(np.mean((crowded(nets) / cost.predict(nets) - 1) ** 2))) for cost in (linear, auto)]
    assert rms[1] < 0.9 * rms[0]
    assert auto.predict(nets[:0]).shape == (0,)
    np.testing.assert_array_equal(learned(path).predict(nets), auto.predict(nets))


def test_learned_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    path = file(tmp_path / "m.csv", 12)
    with pytest.raises(TableError, match=r"needs latency.measurements=FILE"):
        LearnedLatency(LearnedConfig(), space=SPACE, device=I7)
    with pytest.raises(UnknownName, match=r"model of latency=learned 'forest'"):
        learned(path, model="forest")
    with pytest.raises(LookupTableError, match=r"the device has none; add latency.table"):
        LearnedLatency(LearnedConfig(measurements=str(path)), space=SPACE, device=Device("bare"))
    with pytest.raises(InvalidInput, match=r"from 10 measured networks at least; there are 9"):
        learned(file(tmp_path / "few.csv", 9))
    with pytest.raises(
        TableError, match=r"no network at 112 pixels with tflite, 4 thread\(s\); it has 12 of 112 pixels"
    ):
        learned(path, file_threads=4)
    other = OfaMbv3(OfaMbv3FaceConfig(resolution=224))
    with pytest.raises(TableError, match=r"no network at 224 pixels"):
        LearnedLatency(LearnedConfig(measurements=str(path)), space=other, device=I7)
    rows = [
        row(SPACE.to_text(net), 5.0, threads=1 + i % 2)
        for i, net in enumerate(SPACE.sample(np.random.default_rng(0), 20))
    ]
    write_measurements(path, rows)
    with pytest.raises(TableError, match=r"mixes devices or threads .* choose the threads"):
        learned(path)
    write_measurements(path, [replace(rows[0], genotype="1 2 3")])
    with pytest.raises(TableError, match=r"holds networks of another space than ofa_mbv3_face"):
        learned(path)


def test_a_network_measured_twice_counts_once(tmp_path: Path) -> None:
    nets = SPACE.sample(np.random.default_rng(0), 12)
    rows = [row(SPACE.to_text(net), ms) for net in nets for ms in (4.0, 6.0)]
    write_measurements(tmp_path / "m.csv", rows)
    assert learned(tmp_path / "m.csv").measured.ms.tolist() == [5.0] * 12
