"""Times of layers from models of layers, on a device whose true times are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.netspec import INPUT, NetSpec, random_weights, single_layer
from nasface.runtimes import run_tflite
from nasface.spaces import OfaMbv3, OfaMbv3FaceConfig
from nasface.timing.layer_bench import CHAIN_LENGTHS, LayerBench, chain, empty_model, same_shape, write_models

SPACE = OfaMbv3(OfaMbv3FaceConfig(resolution=64))


def layer_ms(spec: NetSpec) -> float:
    """What the layers of a network really take."""
    return sum(0.02 + layer.macs / 2e7 for layer in spec.layers)


def model_ms(spec: NetSpec) -> float:
    """A call costs 0.05 ms, handing out the output costs by its size, and small models find all in the cache."""
    cached = 0.7 if len(spec.layers) == 1 else 1.0
    return 0.05 + float(np.prod(spec.output_shape)) * 1e-6 + cached * layer_ms(spec)


def times(bench: LayerBench) -> Mapping[str, float]:
    return {name: model_ms(spec) for name, spec in bench.models.items()}


def test_every_layer_is_a_row_and_has_its_own_model() -> None:
    bench = LayerBench(SPACE.layers())
    assert len(bench.own_models) == len(SPACE.layers()) == 95
    for name, layer in zip(bench.own_models, SPACE.layers(), strict=True):
        assert bench.models[name].layers[0].key == layer.key
    chains = [name for name in bench.models if name.endswith(f".x{CHAIN_LENGTHS[0]}")]
    assert len(chains) == 46  # 45 blocks with a shortcut and the fixed block
    assert len([name for name in bench.models if name.endswith(".front")]) == 46  # 45 first blocks and the stem


def test_slopes_find_the_time_in_a_network_that_single_layers_do_not() -> None:
    bench = LayerBench(SPACE.layers())
    true = np.array([layer_ms(single_layer(layer)) for layer in SPACE.layers()])
    chained = np.array([same_shape(layer) for layer in SPACE.layers()])
    found = bench.in_place(times(bench))
    in_front = np.array([f"{name}.front" in bench.models for name in bench.own_models])
    assert found[chained | in_front] == pytest.approx(true[chained | in_front])
    assert (~(chained | in_front)).sum() == 3  # what stands before the descriptor
    isolated = bench.isolated(times(bench))
    assert np.abs(isolated / true - 1).mean() > 0.15
    assert np.ptp(isolated / true) > 0.5  # no constant and no factor mends that


def test_without_chains_the_empty_model_is_subtracted() -> None:
    bench = LayerBench(SPACE.layers(), chains=False)
    assert len(bench.models) == 96
    measured = times(bench)
    assert bench.in_place(measured) == pytest.approx(bench.isolated(measured) - measured["empty"], abs=0.003)


def test_rows_stay_positive_when_noise_turns_a_difference_around() -> None:
    bench = LayerBench(SPACE.layers())
    noisy = dict.fromkeys(bench.models, 1.0)
    assert (bench.in_place(noisy) > 0).all()


def test_a_chain_computes_its_layers_one_after_another(tmp_path: Path) -> None:
    """Two links with the same weights are the layer applied twice."""
    layer = next(layer for layer in SPACE.layers() if same_shape(layer) and layer.input_shape[0] == 4)
    one, two = chain([layer]), chain([layer, layer])
    assert two.macs == 2 * one.macs
    weights = random_weights(one, np.random.default_rng(0))
    doubled = weights | {f"1.{name.removeprefix('0.')}": value for name, value in weights.items()}
    exporter = TFLiteExporter(TFLiteConfig())
    paths = [
        exporter.export(spec, values, tmp_path / f"{len(spec.layers)}.tflite", {}).path
        for spec, values in ((one, weights), (two, doubled))
    ]
    x = np.random.default_rng(1).standard_normal((1, *layer.input_shape), np.float32)
    again = run_flat(paths[0], run_flat(paths[0], x).reshape(x.shape))
    assert run_flat(paths[1], x) == pytest.approx(again, abs=1e-4)


def run_flat(path: Path, x: np.ndarray) -> np.ndarray:
    return run_tflite(path, x)


def test_files_depend_on_the_name_alone(tmp_path: Path) -> None:
    bench = LayerBench(SPACE.layers()[:3])
    exporter = TFLiteExporter(TFLiteConfig())
    first = write_models(bench.models, tmp_path / "a", exporter)
    again = write_models(dict(reversed(bench.models.items())), tmp_path / "b", exporter)
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in again.items()
    }


def test_the_empty_model_reads_its_input() -> None:
    spec = empty_model()
    assert spec.ops[0].inputs == (INPUT,)
    assert spec.macs == 0
