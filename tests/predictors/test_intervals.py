"""Intervals hold what they promise, whatever the predictor is and however wrong its own doubts are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from nasface.errors import InvalidInput
from nasface.metrics import Direction
from nasface.predictors import (
    BradleyTerry,
    BradleyTerryConfig,
    Comparator,
    GPStage,
    LightGBMNAC,
    LightGBMNACConfig,
    Ranker,
    Ridge,
    fit_ranker,
    learn_intervals,
)
from nasface.predictors.intervals import Errors, fit_intervals
from nasface.spaces import Features
from nasface.testing.synthetic import accuracies, face_space

SPACE = face_space()


class Boastful(Ridge):
    """Far surer than it may be."""

    def deviation(self, x: Features) -> npt.NDArray[np.float64]:
        return np.full(len(x), 1e-6)


def ranked(predictor: Comparator, cache: Path, direction: Direction = Direction.MAX) -> Ranker:
    rng = np.random.default_rng(0)
    table = SPACE.sample(rng, 150)
    y = direction.sign * accuracies(SPACE, table, rng, 0.002)
    return fit_ranker(SPACE, predictor, table, y, np.random.default_rng(1), cache, direction)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize(
    "predictor",
    [
        Ridge(),
        Boastful(),
        GPStage(),
        LightGBMNAC(LightGBMNACConfig(trees=30)),
        BradleyTerry(BradleyTerryConfig(trees=30)),
    ],
    ids=lambda predictor: type(predictor).__name__,
)
def test_new_networks_lie_within(predictor: Comparator, direction: Direction, tmp_path: Path) -> None:
    ranker = ranked(predictor, tmp_path, direction)
    found = learn_intervals(ranker)
    rng = np.random.default_rng(5)
    networks = SPACE.sample(rng, 300)
    error = accuracies(SPACE, networks, rng, 0.002) - ranker.predicted_accuracy(networks)
    half = found.reach * ranker.doubts(networks)
    assert 0.88 < (np.abs(error) <= half).mean() < 0.995
    assert 0.9 < found.covered < 0.99
    assert found.networks == 150
    assert 1.5 * error.std() < half.mean() < 3 * error.std(), "no wider than need be"


def test_the_reach_is_the_conformal_quantile_and_the_slope_least_squares() -> None:
    doubted = np.arange(-99.0, 100.0)  # 199 errors: the 190th of (199 + 1) 0.95
    strengths, noise = np.linspace(0, 1, 199), np.resize([0.01, -0.01], 199)
    errors = Errors(strengths, 0.9 + 0.1 * strengths + noise, doubted)
    found = fit_intervals([errors, errors], regressor=False)
    assert found.reach == np.sort(np.abs(np.tile(doubted, 2)))[380 - 1]
    assert found.deviation == pytest.approx(np.sqrt(np.square(doubted).mean()))
    assert found.slope == pytest.approx(0.1, rel=0.01)
    assert fit_intervals([errors, errors], regressor=True).slope == 1
    assert found.covered == pytest.approx(190 / 199, abs=0.01)


def test_a_predictor_that_is_wrong_throughout_still_has_a_positive_slope() -> None:
    errors = Errors(np.arange(9.0), -np.arange(9.0), np.ones(9))
    assert fit_intervals([errors, errors], regressor=False).slope > 0


def test_tables_that_are_too_small_are_refused(tmp_path: Path) -> None:
    table = SPACE.sample(np.random.default_rng(0), 3)
    ranker = fit_ranker(SPACE, Ridge(), table, np.arange(3.0), np.random.default_rng(1), tmp_path)
    with pytest.raises(InvalidInput, match="a table of 3 has too few; give four or more"):
        learn_intervals(ranker)
