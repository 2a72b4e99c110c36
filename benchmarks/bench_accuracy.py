"""Processor time of one row of an accuracy table, against OFA's way of measuring (`ofa_way.py`).

    OMP_NUM_THREADS=1 python -m pytest benchmarks/bench_accuracy.py --benchmark-only --benchmark-timer=time.process_time

A round measures the same four uniformly drawn sub-networks of the demo supernet at 112 pixels on the same photos, with
the same calibration images; divide by four. `families` are four that share their first two stages: other networks, so
their yardstick is OFA's way on these. Photos are those of the development data (drawn faces where it is absent): an
eighth of the validation photos and of 512 calibration images, which is the proportion of a whole table.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import ofa_way
import pytest
from _sizes import SMALL, size

from nasface.accuracy.candidates import Plan, candidates
from nasface.accuracy.estimator import Faces
from nasface.accuracy.protocol import Protocol
from nasface.accuracy.runner import SubnetRunner
from nasface.assets import asset
from nasface.data import FaceSet, load_data
from nasface.supernets import ElasticSupernet, load_supernet

CALIBRATION = size(64, 8)
NETWORKS = size(4, 2)
AGREEING = size(40, 10)
EVERY = size(8, 16)
PEOPLE, PHOTOS = size((600, 1802), (60, 180))
LFW = Path(__file__).resolve().parents[2] / "shared/data/lfw112"


@cache
def supernet() -> ElasticSupernet:
    return load_supernet(asset("supernets", "lfw112.safetensors"))


@cache
def photos() -> tuple[FaceSet, Faces]:
    drawn = SMALL or not LFW.is_dir()
    data = load_data({"name": "procedural", "people": 400} if drawn else {"name": "lfw", "root": str(LFW)})
    validation, training = data.require("validation"), data.require("training")
    measured = validation.select(np.arange(0, len(validation), EVERY))
    calibration = training.load(np.arange(min(CALIBRATION, len(training))), size=112).images
    loaded = measured.load(size=112)
    return measured, Faces(calibration, loaded.images, loaded.labels, f"photos:{CALIBRATION}")


@cache
def networks(family: int) -> Any:
    return candidates(supernet().space, NETWORKS, 0, Plan(family=family))[0]


def ofa(family: int) -> list[Any]:
    faces, loaded = photos()
    batches = ofa_way.calibration_batches(loaded.calibration)
    return [ofa_way.descriptors(supernet().network, row, batches, faces, 112) for row in networks(family)]


def nasface(family: int) -> list[Any]:
    faces = photos()[1]
    runner = SubnetRunner(faces.calibration, faces.images)
    modules = [supernet().extract(row) for row in networks(family)]
    return [runner.describe(one, following) for one, following in zip(modules, [*modules[1:], None], strict=True)]


@pytest.mark.parametrize("family", [1, 4], ids=["independent", "families"])
@pytest.mark.parametrize("way", [ofa, nasface], ids=["ofa", "nasface"])
def test_descriptors(benchmark: Any, way: Any, family: int) -> None:
    photos(), networks(family)
    found = benchmark.pedantic(way, (family,), rounds=1, iterations=1)
    assert all(np.isfinite(rows).all() for rows in found)


def test_all_metrics_and_halves(benchmark: Any) -> None:
    """What judging adds to every network, on as many photos as a whole table has."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(PEOPLE), rng.integers(0, PEOPLE, PHOTOS - PEOPLE)])
    rows = rng.standard_normal((PEOPLE, 1536), np.float32)[labels] + 3 * rng.standard_normal((PHOTOS, 1536), np.float32)
    protocol = Protocol(labels)
    assert benchmark.pedantic(protocol.measure, (rows,), rounds=3)["auc"] > 0.5


def test_both_ways_agree() -> None:
    """Not of speed: batches of calibration images differ (200 against 64), so the descriptors agree but roughly."""
    faces, loaded = photos()
    network = networks(1)[0]
    few = faces.select(np.arange(AGREEING))
    theirs = ofa_way.descriptors(
        supernet().network, network, ofa_way.calibration_batches(loaded.calibration[:64]), few, 112
    )
    ours = SubnetRunner(loaded.calibration[:64], loaded.images[:AGREEING]).describe(supernet().extract(network))
    np.testing.assert_allclose(ours, theirs, atol=1e-3 * np.abs(theirs).max())
