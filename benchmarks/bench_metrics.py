"""Speed of the metrics that run once per network of an accuracy table, and of the bootstrap.

Run: pytest benchmarks/bench_metrics.py --benchmark-only
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _sizes import size

from nasface import metrics

VALIDATION = size((600, 1802), (60, 180))
"""People and photos of the size that accuracy tables are made on."""

REPORT = size((963, 2741), (80, 240))
VALUES = size(5000, 100)


def draw(people: int, photos: int, width: int = 1536) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(people), rng.integers(0, people, photos - people)])
    centres = rng.standard_normal((people, width), dtype=np.float32)
    return centres[labels] + 3 * rng.standard_normal((photos, width), dtype=np.float32), labels


@pytest.mark.parametrize("shape", [VALIDATION, REPORT])
def test_all_pairs(benchmark: Any, shape: tuple[int, int]) -> None:
    rows, labels = draw(*shape)
    assert benchmark(metrics.evaluate_all_pairs, rows, labels).auc > 0.5


def test_leave_one_out(benchmark: Any) -> None:
    rows, labels = draw(*REPORT)
    assert benchmark(metrics.leave_one_out, rows, labels).probes > 0


@pytest.mark.parametrize("shape", [VALIDATION, REPORT])
def test_bootstrap_200(benchmark: Any, shape: tuple[int, int]) -> None:
    rows, labels = draw(*shape, width=128)
    run = lambda: metrics.bootstrap_people(rows, labels, np.random.default_rng(0))  # noqa: E731
    assert benchmark.pedantic(run, rounds=1)["auc"].std > 0


def test_kendall_tau(benchmark: Any) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=VALUES)
    assert benchmark(metrics.kendall_tau, values, values + rng.normal(size=VALUES)) > 0.3
