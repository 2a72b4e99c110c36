"""Predictors: time to fit, to predict, to say how sure they are; what a study adds to them.

Run `OMP_NUM_THREADS=1 python -m pytest benchmarks/bench_predictors.py --benchmark-columns=min,median,rounds`. The table
is 1,206 random networks with a synthetic accuracy, as many as the splits of docs/results/predictors.md learn from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _sizes import size

from nasface.predictors import (
    GP,
    Acquisition,
    Comparator,
    GPStage,
    LightGBMRegressor,
    Ranker,
    Ridge,
    Targets,
    fit_ranker,
    learn_intervals,
)
from nasface.spaces import Population
from nasface.strategies import Candidates, Study
from nasface.testing.synthetic import accuracies, face_space

SPACE = face_space()
TABLE = SPACE.sample(np.random.default_rng(0), size(1206, 60))
TARGETS = accuracies(SPACE, TABLE, np.random.default_rng(1))
OTHERS = SPACE.sample(np.random.default_rng(2), size(10_000, 20))

KINDS = [Ridge, LightGBMRegressor, GPStage, GP]
predictors = pytest.mark.parametrize("predictor", KINDS, ids=[kind.__name__ for kind in KINDS])


def _fit(predictor: Comparator) -> Comparator:
    x = SPACE.encode(TABLE, predictor.encoding)
    return predictor.fit(x, TARGETS, SPACE.groups(predictor.encoding), np.random.default_rng(3))


@predictors
def test_fit(benchmark: Any, predictor: type[Comparator]) -> None:
    benchmark.pedantic(lambda: _fit(predictor()), rounds=3)


@predictors
def test_predict(benchmark: Any, predictor: type[Comparator]) -> None:
    ranker = Ranker(SPACE, _fit(predictor()), TABLE, TARGETS)
    benchmark.pedantic(lambda: ranker.strengths(OTHERS), rounds=3)


@predictors
def test_doubts(benchmark: Any, predictor: type[Comparator]) -> None:
    ranker = Ranker(SPACE, _fit(predictor()), TABLE, TARGETS)
    benchmark.pedantic(lambda: ranker.doubts(OTHERS), rounds=3)


@predictors
def test_learn_intervals(
    benchmark: Any, predictor: type[Comparator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five fits on four fifths of the table each, which a cache would spare."""
    ranker = Ranker(SPACE, _fit(predictor()), TABLE, TARGETS)
    folders = (str(tmp_path / str(number)) for number in range(10))

    def fresh() -> None:
        monkeypatch.setenv("NASFACE_CACHE", next(folders))

    benchmark.pedantic(lambda: learn_intervals(ranker), setup=fresh, rounds=3)


class Others(Candidates):
    """The first of some networks that nobody knows: nothing is searched."""

    space = SPACE

    def feasible(self, population: Population) -> Any:
        return np.ones(len(population), bool)

    def draw(self, n: int, known: Population, rng: np.random.Generator) -> Population:
        return OTHERS[len(known) : len(known) + n]

    def best(self, ranker: Ranker, n: int, known: Population, rng: np.random.Generator) -> Population:
        return self.draw(n, known, rng)


@pytest.mark.parametrize("told", size([100, 1000], [10]))
def test_ask_and_tell(benchmark: Any, told: int, tmp_path: Path) -> None:
    """One network asked and told in a study of many, in its file: what a study adds to search and fit."""
    from nasface.metrics import Direction
    from nasface.strategies import StudyFile

    def fit(networks: Population, targets: Targets) -> Ranker:
        return fit_ranker(SPACE, Ridge(), networks, targets, np.random.default_rng(0), tmp_path)

    file = StudyFile(tmp_path / "study.json", SPACE, "auc", Direction.MAX)
    study = Study(Others(), fit, acquisition=Acquisition.RANDOM, file=file)
    study.tell_many(OTHERS[:told], np.linspace(0.9, 0.95, told))

    def once() -> None:
        (genotype,) = study.ask()
        study.tell(genotype, 0.9)

    benchmark.pedantic(once, rounds=size(10, 2))
