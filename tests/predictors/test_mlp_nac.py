"""The comparator beyond the conformance kit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics.ranking import comparison_accuracy
from nasface.predictors import MLPNAC, MLPNACConfig
from nasface.testing.synthetic import accuracies, face_space, truth

torch = pytest.importorskip("torch")


def fitted(threads: int = 1, **settings: Any) -> MLPNAC:
    space, rng = face_space(), np.random.default_rng(0)
    table = space.sample(rng, 120)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        config = MLPNACConfig(hidden=32, steps=200, **settings)
        x, y = space.encode(table, "onehot"), accuracies(space, table, rng)
        return MLPNAC(config).fit(x, y, space.groups("onehot"), rng)
    finally:
        torch.set_num_threads(before)


def test_symmetrised_is_the_mean_of_both_orders() -> None:
    space, predictor = face_space(), fitted()
    rows = space.sample(np.random.default_rng(5), 60)
    x, y = space.encode(rows, "onehot"), truth(space.encode(rows))
    a, b = x[:30], x[30:]
    raw = 0.5 * (predictor.raw_compare(a, b) + 1 - predictor.raw_compare(b, a))
    np.testing.assert_allclose(predictor.compare(a, b), raw, atol=1e-12)
    assert comparison_accuracy(y[:30], y[30:], predictor.compare(a, b)) > 0.6


def test_threads_of_the_machine_do_not_matter() -> None:
    x = face_space().encode(face_space().sample(np.random.default_rng(5), 10), "onehot")
    np.testing.assert_array_equal(fitted(1).digest(x), fitted(2).digest(x))


def test_a_handful_of_networks_is_learned() -> None:
    x, y = np.eye(6, dtype=np.float32), np.arange(6.0)
    predictor = MLPNAC(MLPNACConfig(hidden=16, steps=200)).fit(x, y, [list(range(6))], np.random.default_rng(0))
    assert (predictor.compare(x[1:], x[:-1]) > 0.5).all()


@pytest.mark.parametrize("settings", [{"batch": 0}, {"learning_rate": 0.0}, {"weight_decay": -1.0}])
def test_parameters_out_of_range_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"predictor.{next(iter(settings))}"):
        fitted(**settings)


def test_equal_accuracies_are_refused() -> None:
    with pytest.raises(InvalidInput, match="All 6 accuracies are equal"):
        MLPNAC().fit(np.eye(6, dtype=np.float32), np.ones(6), [list(range(6))], np.random.default_rng(0))
