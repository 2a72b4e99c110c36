"""From times to the rows of a table, on a device whose true times are known."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

from nasface.devices.measurements import Timed
from nasface.devices.plausibility import kernel_warning, odd_kernels
from nasface.netspec import NetSpec
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig, layer_counts
from nasface.timing.fit import choose_strength, fit_rows, held_out_errors
from nasface.timing.lut_builder import FEWEST_NETS, TablePlan, build_rows

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=64))
RNG = np.random.default_rng


def true_ms(layers: int, seed: int = 0) -> np.ndarray:
    return np.exp(RNG(seed).normal(-1, 0.8, layers))


def model_ms(spec: NetSpec) -> float:
    """Layers take more in a network of many than alone, each by another share."""
    taken = sum((0.02 + layer.macs / 2e7) * (1 + 0.3 * (crc32(layer.key.encode()) % 7) / 7) for layer in spec.layers)
    alone = sum(0.02 + layer.macs / 2e7 for layer in spec.layers)
    return 0.03 + (taken if len(spec.layers) > 5 else alone)


def timed(ms: float, fast_ms: float | None = None) -> Timed:
    return Timed(ms, ms, 0.01 * ms, 40, 0.99 * ms, 1.01 * ms, 4, 0, True, fast_ms)


def plan(nets: int) -> TablePlan:
    return TablePlan(SPACE, SPACE.sample(RNG(5), nets))


def test_a_table_and_what_each_step_gains() -> None:
    one = plan(30)
    built = build_rows(one, {name: timed(model_ms(spec)) for name, spec in one.models.items()}, RNG(0))
    assert set(built.rows) == {layer.key for layer in SPACE.layers()}
    assert list(built.steps) == ["isolated", "in_place", "fitted"]
    assert built.steps["fitted"]["mape"] < 0.5 * built.steps["in_place"]["mape"]
    assert built.steps["fitted"]["networks"] == 30
    assert 0.9 < built.steps["fitted"]["kendall_tau"] <= 1
    assert set(built.references) >= {"efficientnet_b0", "mobilenet_v3_large", "mobile_face_net"}
    assert built.references["efficientnet_b0"].kind == "measured"
    fresh = SPACE.sample(RNG(9), 50)
    rows = np.array([built.rows[layer.key].mean_ms for layer in SPACE.layers()])
    predicted = layer_counts(SPACE, fresh) @ rows
    measured = np.array([model_ms(SPACE.build(genotype)) for genotype in fresh])
    assert np.abs(predicted / measured - 1).mean() < 2 * built.steps["fitted"]["mape"] + 0.005


def test_the_fastest_runs_make_rows_of_their_own_unless_one_model_does_not_tell_them() -> None:
    """On a disturbed device, whose medians are off by up to half, rows and errors of the fastest runs are right."""
    one, disturbed = plan(30), RNG(3)
    ms = {name: model_ms(spec) for name, spec in one.models.items()}
    times = {name: timed(value * disturbed.uniform(1.1, 1.5), 0.9 * value) for name, value in ms.items()}
    built = build_rows(one, times, RNG(0))
    calm = build_rows(one, {name: timed(value) for name, value in ms.items()}, RNG(0))
    assert list(built.steps)[3:] == ["fast_isolated", "fast_in_place", "fast_fitted"]
    assert built.steps["fast_in_place"] == calm.steps["in_place"]
    assert built.steps["fast_fitted"]["mape"] < 0.5 * built.steps["fitted"]["mape"]
    fast = np.array([built.rows[layer.key].fast_ms for layer in SPACE.layers()], float)
    nets = SPACE.sample(RNG(9), 50)
    truth = np.array([0.9 * model_ms(SPACE.build(genotype)) for genotype in nets])
    assert np.abs(layer_counts(SPACE, nets) @ fast / truth - 1).mean() < 0.03
    some = next(iter(times))
    built = build_rows(one, times | {some: timed(times[some].median_ms)}, RNG(0))
    assert list(built.steps) == ["isolated", "in_place", "fitted"]
    assert {row.fast_ms for row in built.rows.values()} == {None}


@pytest.mark.parametrize("nets", [0, FEWEST_NETS - 1])
def test_few_networks_judge_and_do_not_fit(nets: int) -> None:
    one = plan(nets)
    built = build_rows(one, {name: timed(model_ms(spec)) for name, spec in one.models.items()}, RNG(0))
    assert built.strength is None
    assert "fitted" not in built.steps
    assert len(built.rows) == 95


def test_layer_counts_give_the_layers_of_a_network() -> None:
    population = SPACE.sample(RNG(1), 4)
    counts = layer_counts(SPACE, population)
    position = {layer.key: index for index, layer in enumerate(SPACE.layers())}
    for row, genotype in zip(counts, population, strict=True):
        expected = np.zeros(len(position))
        for layer in SPACE.build(genotype).layers:
            expected[position[layer.key]] += 1
        assert (row == expected).all()


def test_the_fit_goes_from_the_networks_to_the_prior_with_its_strength() -> None:
    counts = RNG(1).integers(0, 3, (40, 12)).astype(float)
    true = true_ms(12)
    prior = true * np.exp(RNG(2).normal(0, 0.3, 12))
    times = counts @ true
    assert fit_rows(prior, counts, times, 1e-8) == pytest.approx(true, rel=1e-4)
    strong = fit_rows(prior, counts, times, 1e6)
    assert strong / prior == pytest.approx((strong / prior)[0], rel=1e-3)  # one scale is always fitted
    assert choose_strength(prior, counts, times, RNG(0)) < 0.01


def test_noise_calls_for_a_strong_prior() -> None:
    counts = RNG(1).integers(0, 3, (15, 12)).astype(float)
    true = true_ms(12)
    times = counts @ true * np.exp(RNG(3).normal(0, 0.2, 15))
    wrong = true * np.exp(RNG(2).normal(0, 0.3, 12))
    assert choose_strength(true, counts, times, RNG(0)) > 10 * choose_strength(wrong, counts, counts @ true, RNG(0))


def test_held_out_errors_are_of_networks_that_were_not_seen() -> None:
    """Times that nothing explains: fitted on themselves they would be near, left out they cannot be."""
    counts = RNG(1).integers(0, 2, (20, 60)).astype(float)
    times = RNG(2).uniform(1, 3, 20)
    prior = np.full(60, 0.05)
    errors = held_out_errors(prior, counts, times, RNG(0))
    inside = counts @ fit_rows(prior, counts, times, 1e-4) / times - 1
    assert np.abs(inside).mean() < 0.2 * np.abs(errors).mean()


def test_rows_are_never_negative() -> None:
    counts = np.array([[1.0, 1.0], [1.0, 0.0], [2.0, 1.0]])
    rows = fit_rows(np.array([1.0, 1.0]), counts, np.array([1.0, 2.0, 2.5]), 1e-6)
    assert (rows >= 0).all()


def test_a_large_kernel_that_is_faster_than_a_small_one_is_named() -> None:
    layers = SPACE.layers()
    ms = np.array([1.0 + 0.1 * (layer.kernel or 3) for layer in layers])
    assert odd_kernels(layers, ms) == []
    assert kernel_warning("mine", 64, layers, ms) is None
    odd = next(i for i, layer in enumerate(layers) if layer.kernel == 7)
    ms[odd] = 0.5
    assert [text.split()[0] for text in odd_kernels(layers, ms)] == [layers[odd].key]
    warning = kernel_warning("mine", 64, layers, ms)
    assert warning is not None
    assert "faster than the smallest in 1 rows" in warning
    assert layers[odd].key in warning
