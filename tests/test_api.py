"""The main job in a few lines of Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nasface
from nasface.assets import asset
from nasface.errors import InfeasibleConstraint, InvalidInput, UnknownName
from nasface.exporters import read_metadata
from nasface.supernets import SpecModule

SUBNET = {"ks": [3] * 20, "e": [3] * 20, "d": [2] * 5}


@pytest.fixture(scope="module")
def network() -> SpecModule:
    return nasface.load_supernet(asset("supernets", "lfw112.safetensors"), space="ofa_mbv3_face").extract(SUBNET)


def test_search_finds_a_network_within_the_bound() -> None:
    found = nasface.search(strategy="random", latency_ratio=0.7)

    assert found.costs["latency_ms"] <= 0.7 * 11.4
    assert set(found.genotype) == {"ks", "e", "d", "r"}
    assert found.estimated == ("latency_ms", "model_mb", "peak_memory_mb")
    assert 0.9 < found.predicted < 1.0
    assert f"latency_ms {found.costs['latency_ms']:.4g} (estimated)" in repr(found)
    assert len(repr(found)) < 300, "no arrays"
    assert f"<td>{found.predicted:.4f} (estimated)</td>" in found._repr_html_()


def test_search_within_several_bounds() -> None:
    found = nasface.search(strategy="random", latency_ratio=0.8, max_costs={"model_mb": 16, "peak_memory_mb": 1.9})

    assert found.costs["model_mb"] <= 16
    assert found.costs["peak_memory_mb"] <= 1.9
    with pytest.raises(UnknownName, match=r"cost 'model_gb'.*mean 'model_mb'"):
        nasface.search(max_costs={"model_gb": 1})


def test_one_network_for_two_devices() -> None:
    found = nasface.search(
        strategy="random", device=["sd865", "sd765"], latency_ratio=0.65, cost_ratios={"params_m": 1.1, "macs_m": 0.9}
    )

    assert found.costs["latency_ms sd865"] <= 0.65 * 11.4
    assert found.costs["latency_ms sd765"] <= 0.65 * 30.4
    assert found.costs["params_m"] <= 1.1 * 4.01
    assert found.costs["macs_m"] <= 0.9 * 106.3
    with pytest.raises(InvalidInput, match=r"max_latency_ms or latency_ratio"):
        nasface.search(max_costs={"latency_ms": 7})
    with pytest.raises(InvalidInput, match=r"both max=4 and ratio=0.9"):
        nasface.search(max_costs={"params_m": 4}, cost_ratios={"params_m": 0.9})


def test_search_refuses_what_cannot_be_met() -> None:
    with pytest.raises(InfeasibleConstraint, match=r"needs .* ms"):
        nasface.search(max_latency_ms=1.0)


def test_extracted_network_gives_1536_numbers(network: SpecModule) -> None:
    import torch

    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 112, 112)).flatten(1).shape == (2, 1536)


def test_export_wants_a_calibrated_network(network: SpecModule, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not calibrated"):
        nasface.export(network, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())


def test_export_calibrates_writes_and_checks(
    network: SpecModule,
    tmp_path: Path,
    rng: np.random.Generator,
) -> None:
    photos = rng.integers(0, 256, (8, 112, 112, 3), np.uint8)
    exported = nasface.export(network, tmp_path / "model.tflite", images=photos, metadata={"owner": "test"})

    assert exported.path.stat().st_size == exported.bytes
    assert read_metadata(exported.path)["owner"] == "test"


def test_a_metric_that_is_better_low_gives_a_low_one() -> None:
    found = nasface.search(metric="eer", strategy="exact", latency_ratio=0.7)
    best = nasface.search(metric="auc", strategy="exact", latency_ratio=0.7)
    bench = nasface.open_workbench(metric="eer")
    measured = bench.table.target("eer")

    assert measured.min() - 0.01 < found.predicted < measured.mean() - measured.std()
    judge = nasface.open_workbench(metric="auc").fit()
    by_auc = judge.predicted_accuracy(
        np.stack([found.result.best, best.result.best, bench.table.genotypes[measured.argmax()]])
    )
    assert by_auc[1] >= by_auc[0] > by_auc[2]
