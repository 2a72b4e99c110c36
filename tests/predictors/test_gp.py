"""Gaussian processes beyond the conformance kit: what they say of their own certainty, and of stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.predictors import GP, GPStage, GPStageConfig, Ranker
from nasface.predictors.gp import misfit, squared_distances
from nasface.spaces import OfaMbv3, OfaMbv3Config
from nasface.testing.synthetic import accuracies, face_space


def fitted(kind: type[GPStage | GP], rows: int = 150, noise: float = 0.001) -> GPStage | GP:
    space, rng = face_space(), np.random.default_rng(0)
    table = space.sample(rng, rows)
    y = accuracies(space, table, rng, noise)
    return kind().fit(space.encode(table, "onehot"), y, space.groups("onehot"), rng)


@pytest.mark.parametrize("kind", [GPStage, GP])
def test_intervals_hold_what_is_measured(kind: type[GPStage | GP]) -> None:
    space, rng = face_space(), np.random.default_rng(1)
    networks = space.sample(rng, 300)
    x, predictor = space.encode(networks, "onehot"), fitted(kind)
    deviation = predictor.deviation(x)
    inside = np.abs(accuracies(space, networks, rng, 0.001) - predictor.score(x)) < 1.96 * deviation
    assert 0.88 < inside.mean() < 0.995
    assert (deviation > 0).all()


def test_it_is_surer_near_what_it_has_seen_and_with_more_of_it() -> None:
    space = face_space()
    seen = space.encode(space.sample(np.random.default_rng(0), 150), "onehot")
    fresh = space.encode(space.sample(np.random.default_rng(9), 150), "onehot")
    predictor = fitted(GPStage)
    assert predictor.deviation(seen).mean() < predictor.deviation(fresh).mean()
    assert fitted(GPStage, rows=400).deviation(fresh).mean() < predictor.deviation(fresh).mean()


def test_scores_are_sums_over_the_stages() -> None:
    space = OfaMbv3(OfaMbv3Config(kernels=[3, 5], expands=[3, 6], depths=[1, 2]))
    rng = np.random.default_rng(0)
    table = space.sample(rng, 60)
    y = accuracies(space, table, rng)
    predictor = GPStage().fit(space.encode(table, "onehot"), y, space.groups("onehot"), rng)
    tables, networks = Ranker(space, predictor, table, y).decompose(), space.sample(rng, 200)
    assert tables is not None
    scores = predictor.score(space.encode(networks, "onehot"))
    np.testing.assert_allclose(tables.predict(space.stage_indices(networks)), scores, atol=1e-12)


def test_gradient_of_the_marginal_likelihood() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 2, (30, 8)).astype(float), rng.normal(size=30)
    linear, distances = x @ x.T, [squared_distances(x[:, :4], x[:, :4]), squared_distances(x[:, 4:], x[:, 4:])]
    at, step = np.array([0.3, -0.2, 0.1]), 1e-6
    _, gradient = misfit(at, y, linear, distances)
    numeric = [
        (misfit(at + d, y, linear, distances)[0] - misfit(at - d, y, linear, distances)[0]) / (2 * step)
        for d in step * np.eye(3)
    ]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-5)


def test_a_loaded_one_is_as_sure_as_the_saved_one(tmp_path: Path) -> None:
    space, predictor = face_space(), fitted(GPStage)
    predictor.save(tmp_path / "gp")
    x = space.encode(space.sample(np.random.default_rng(5), 20), "onehot")
    np.testing.assert_allclose(GPStage().load(tmp_path / "gp").deviation(x), predictor.deviation(x), rtol=1e-9)


def test_one_accuracy_for_all_is_learned_as_such() -> None:
    x = face_space().encode(face_space().sample(np.random.default_rng(0), 20), "onehot")
    predictor = GPStage().fit(x, np.full(20, 0.9), face_space().groups("onehot"), np.random.default_rng(0))
    np.testing.assert_allclose(predictor.score(x), 0.9)
    assert np.isfinite(predictor.deviation(x)).all()


def test_too_few_rows_to_tune_on_are_refused() -> None:
    x = np.eye(4, dtype=np.float32)
    with pytest.raises(InvalidInput, match="tuning_rows is 1"):
        GPStage(GPStageConfig(tuning_rows=1)).fit(x, np.arange(4.0), [[0, 1], [2, 3]], np.random.default_rng(0))


def test_a_table_whose_pairs_memory_cannot_hold_is_refused_with_what_it_would_take() -> None:
    x = np.zeros((100_000, 4), np.float32)
    with pytest.raises(InvalidInput, match=r"100,000 rows would take 240 GB: give at most 6,000 rows"):
        GPStage().fit(x, np.zeros(len(x)), [[0, 1], [2, 3]], np.random.default_rng(0))
