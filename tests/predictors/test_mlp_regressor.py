"""The regressor beyond the conformance kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.predictors import MLPRegressor, MLPRegressorConfig
from nasface.predictors._mlp import batches
from nasface.testing.synthetic import accuracies, face_space, truth

torch = pytest.importorskip("torch")


def fitted(threads: int = 1) -> MLPRegressor:
    space, rng = face_space(), np.random.default_rng(0)
    table = space.sample(rng, 200)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        predictor = MLPRegressor(MLPRegressorConfig(hidden=32, steps=200)).fit(
            space.encode(table, "onehot"), accuracies(space, table, rng), space.groups("onehot"), rng
        )
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    return predictor


def test_predicts_accuracies_in_their_own_scale() -> None:
    space = face_space()
    rows = space.sample(np.random.default_rng(5), 100)
    expected = truth(space.encode(rows))
    error = fitted().score(space.encode(rows, "onehot")) - expected
    assert np.sqrt(np.mean(error**2)) < 0.6 * expected.std()
    assert abs(error.mean()) < 0.3 * expected.std()


def test_threads_of_the_machine_do_not_matter() -> None:
    x = face_space().encode(face_space().sample(np.random.default_rng(5), 10), "onehot")
    state = torch.random.get_rng_state()
    np.testing.assert_array_equal(fitted(1).score(x), fitted(2).score(x))
    assert torch.equal(state, torch.random.get_rng_state()), "the global generator was used"


def test_file_has_the_keys_of_ofa(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    fitted().save(tmp_path / "mlp")
    found = load_file(tmp_path / "mlp")
    assert {"base_acc", "layers.0.0.weight", "layers.2.0.bias", "layers.3.weight"} < set(found)
    assert found["layers.0.0.weight"].shape == (32, 120)


def test_another_models_file_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"layers.0.0.weight": np.zeros((2, 2), np.float32)}, tmp_path / "other")
    with pytest.raises(InvalidInput, match="does not hold the parameters"):
        MLPRegressor().load(tmp_path / "other")


def test_equal_accuracies_are_learned_as_they_are() -> None:
    x = np.eye(6, dtype=np.float32)
    config = MLPRegressorConfig(hidden=8, steps=100)
    predictor = MLPRegressor(config).fit(x, np.full(6, 0.9), [list(range(6))], np.random.default_rng(0))
    np.testing.assert_allclose(predictor.score(x), 0.9, atol=0.2)


@pytest.mark.parametrize(("n", "batch", "size"), [(4000, 500, 500), (80, 500, 10), (3, 500, 1)])
def test_batches_cover_the_table(n: int, batch: int, size: int) -> None:
    per_pass = n // size
    drawn = list(batches(n, batch, 2 * per_pass, np.random.default_rng(0)))
    assert {len(rows) for rows in drawn} == {size}
    for start in (0, per_pass):
        assert len(np.unique(np.concatenate(drawn[start : start + per_pass]))) == per_pass * size


@pytest.mark.parametrize(
    "settings", [{"hidden": 0}, {"steps": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"weight_decay": -1.0}]
)
def test_parameters_out_of_range_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"predictor.{next(iter(settings))}"):
        MLPRegressor(MLPRegressorConfig(**settings)).fit(
            np.eye(3, dtype=np.float32), np.arange(3.0), [[0, 1, 2]], np.random.default_rng(0)
        )
