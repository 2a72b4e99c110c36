"""Networks that a predictor is unsure of are worth more, and how much is what the formulas say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from nasface.errors import UnknownName
from nasface.predictors import (
    Acquisition,
    AcquisitionRanker,
    BradleyTerry,
    GPStage,
    LightGBMRegressor,
    Ranker,
    Scorer,
    acquire,
    fit_ranker,
)
from nasface.predictors.acquisition import BOLDNESS, log_expected_improvement
from nasface.testing.synthetic import accuracies, face_space


def test_expected_improvement_is_the_mean_of_what_is_gained() -> None:
    gain, deviation = np.array([0.02, 0.0, -0.01, -0.05]), np.array([0.01, 0.02, 0.01, 0.01])
    z = gain / deviation
    expected = gain * norm.cdf(z) + deviation * norm.pdf(z)
    np.testing.assert_allclose(np.exp(log_expected_improvement(gain, deviation)), expected, rtol=1e-9)


def test_hopeless_networks_are_still_told_apart_and_sure_ones_are_taken_at_their_word() -> None:
    gain = np.array([-0.2, -0.3, -0.4, -4.0])
    worth = log_expected_improvement(gain, np.full(4, 0.01))
    assert (np.diff(worth) < 0).all()
    assert np.isfinite(worth).all()
    near = log_expected_improvement(np.array([-0.2499999, -0.2500001]), np.full(2, 0.01))
    assert near[0] == pytest.approx(near[1], rel=1e-4), "the two forms meet"
    assert np.exp(log_expected_improvement(np.array([0.1]), np.zeros(1)))[0] == pytest.approx(0.1)


def test_rankers_rank_by_worth_and_predict_what_they_predicted() -> None:
    space, rng = face_space(), np.random.default_rng(0)
    table = space.sample(rng, 60)
    y = accuracies(space, table, rng)
    predictor = GPStage().fit(space.encode(table, "onehot"), y, space.groups("onehot"), rng)
    ranker, networks = Ranker(space, predictor, table, y), space.sample(rng, 50)
    mean, deviation = ranker.scores(networks), ranker.doubts(networks)
    assert mean is not None
    bold = acquire(ranker, Acquisition.UCB, table)
    np.testing.assert_allclose(bold.strengths(networks), mean + BOLDNESS * deviation)
    hopeful = acquire(ranker, Acquisition.EI, table)
    incumbent = float(ranker.strengths(table).max())
    np.testing.assert_allclose(hopeful.strengths(networks), log_expected_improvement(mean - incumbent, deviation))
    for worth in (bold, hopeful):
        assert worth.decompose() is None
        assert worth.guide is ranker
        np.testing.assert_array_equal(worth.predicted_accuracy(networks), ranker.predicted_accuracy(networks))
    assert acquire(ranker, Acquisition.GREEDY, table) is ranker


@pytest.mark.parametrize("predictor", [LightGBMRegressor, BradleyTerry])
def test_others_are_unsure_of_what_is_unlike_the_table(predictor: type[Scorer], tmp_path: Path) -> None:
    space, rng = face_space(), np.random.default_rng(0)
    table = space.sample(rng, 60)
    table[:, 5] = 3  # the first kernel is always the smallest
    table = space.canonical(table)
    ranker = fit_ranker(space, predictor(), table, accuracies(space, table, rng), rng, tmp_path)
    bold = acquire(ranker, Acquisition.UCB, table)
    assert isinstance(bold, AcquisitionRanker)
    strange = table.copy()
    strange[:, 5] = 7
    assert (bold.deviations(strange) > bold.deviations(table)).all()
    errors = bold.strengths(strange) - ranker.strengths(strange)
    np.testing.assert_allclose(errors, BOLDNESS * bold.deviations(strange))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"acquisition 'uck'.*mean 'ucb'"):
        Acquisition.of("uck")
