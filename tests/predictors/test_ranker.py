from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from nasface.errors import InvalidInput
from nasface.metrics.ranking import kendall_tau
from nasface.predictors import LightGBMNAC, LightGBMNACConfig, LightGBMRegressor, Ranker, Ridge, fit_ranker
from nasface.predictors.ranker import default_cache_dir, spread
from nasface.spaces import distinct_rows, number_rows
from nasface.testing.synthetic import OracleComparator, OracleScorer, accuracies, face_space, oracle, truth

SPACE = face_space()
TABLE = SPACE.sample(np.random.default_rng(0), 100)
TARGETS = accuracies(SPACE, TABLE, np.random.default_rng(1))


def nac() -> LightGBMNAC:
    return LightGBMNAC(LightGBMNACConfig(n_pairs=500, trees=10))


def test_counts_and_never_asks_about_equal_networks(rng: np.random.Generator) -> None:
    ranker = oracle(SPACE, OracleComparator, rng)
    a, b = SPACE.sample(rng, 10), SPACE.sample(rng, 10)
    b[:4] = a[:4]
    p = ranker.compare(a, b)
    np.testing.assert_array_equal(p, OracleComparator().compare(SPACE.encode(a), SPACE.encode(b)))
    assert (p[:4] == 0.5).all()
    assert (ranker.calls, ranker.pairs) == (1, 6)
    ranker.compare(a, a)
    assert (ranker.calls, ranker.pairs) == (1, 6)
    assert ranker.compare(a[:0], b[:0]).shape == (0,)


def test_a_contest_asks_about_a_pair_once_per_batch(rng: np.random.Generator) -> None:
    ranker = oracle(SPACE, OracleComparator, rng)
    population = np.repeat(SPACE.sample(rng, 2), 3, axis=0)
    p = ranker.contest(population).compare(np.arange(6), 0)
    assert ranker.pairs == 1
    assert p[:3].tolist() == [0.5] * 3
    assert len(set(p[3:].tolist())) == 1


def test_scores_only_of_scorers(rng: np.random.Generator) -> None:
    population = SPACE.sample(rng, 5)
    assert oracle(SPACE, OracleComparator, rng).scores(population) is None
    scores = oracle(SPACE, OracleScorer, rng).scores(population[[0, 1, 0]])
    assert scores is not None
    np.testing.assert_array_equal(scores, truth(SPACE.encode(population))[[0, 1, 0]])


@pytest.mark.parametrize("predictor", [OracleComparator, OracleScorer])
def test_predicted_accuracy_is_in_the_tables_unit(predictor: type[OracleComparator], rng: np.random.Generator) -> None:
    ranker = Ranker(SPACE, predictor(), TABLE, TARGETS)
    population = SPACE.sample(rng, 40)
    predicted, expected = ranker.predicted_accuracy(population), truth(SPACE.encode(population))
    assert np.abs(predicted - expected).mean() < 0.2 * expected.std() + 0.001
    assert kendall_tau(expected, predicted) > 0.8
    assert ranker.calls == 0, "only selection counts"


def test_fit_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    streams = [np.random.default_rng(7) for _ in range(2)]
    first = fit_ranker(SPACE, nac(), TABLE, TARGETS, streams[0], tmp_path)
    monkeypatch.setattr(LightGBMNAC, "fit", lambda *_: pytest.fail("fitted although it is in the cache"))
    second = fit_ranker(SPACE, nac(), TABLE, TARGETS, streams[1], tmp_path)
    a, b = SPACE.sample(rng, 20), SPACE.sample(rng, 20)
    np.testing.assert_array_equal(first.compare(a, b), second.compare(a, b))
    assert streams[0].random() == streams[1].random(), "the stream must go on alike, cached or not"


def test_whatever_decides_the_fit_is_in_the_key(tmp_path: Path) -> None:
    def files(table: np.ndarray, targets: np.ndarray, predictor: LightGBMNAC, seed: int) -> int:
        fit_ranker(SPACE, predictor, table, targets, np.random.default_rng(seed), tmp_path)
        return len(list(tmp_path.rglob("lightgbm_nac-*")))

    other = TARGETS + np.eye(1, 100)[0] * 1e-9
    assert files(TABLE, TARGETS, nac(), 0) == 1
    assert files(TABLE, other, nac(), 0) == 2
    assert files(TABLE[::-1], TARGETS, nac(), 0) == 3
    assert files(TABLE, TARGETS, LightGBMNAC(LightGBMNACConfig(n_pairs=500, trees=11)), 0) == 4
    assert files(TABLE, TARGETS, nac(), 1) == 5
    assert files(TABLE, TARGETS, nac(), 0) == 5


def test_a_damaged_cache_is_fitted_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = fit_ranker(SPACE, nac(), TABLE, TARGETS, np.random.default_rng(0), tmp_path)
    (path,) = tmp_path.rglob("lightgbm_nac-*")
    good = path.read_bytes()
    path.write_bytes(good[:500])
    with caplog.at_level(logging.WARNING):
        second = fit_ranker(SPACE, nac(), TABLE, TARGETS, np.random.default_rng(0), tmp_path)
    assert "fitting again" in caplog.text
    np.testing.assert_array_equal(first.compare(TABLE[:50], TABLE[50:]), second.compare(TABLE[:50], TABLE[50:]))
    assert path.read_bytes() == good


def test_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with caplog.at_level(logging.WARNING):
        ranker = fit_ranker(SPACE, nac(), TABLE, TARGETS, np.random.default_rng(0), blocked)
    assert "cannot be kept" in caplog.text
    assert ranker.compare(TABLE[:1], TABLE[1:2]).shape == (1,)


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NASFACE_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("NASFACE_CACHE")
    assert default_cache_dir().parts[-2:] == (".cache", "nasface")


@pytest.mark.parametrize(("rows", "targets"), [(100, TARGETS[:-1]), (1, TARGETS[:1]), (2, np.array([np.nan, 1.0]))])
def test_unusable_tables_are_refused(rows: int, targets: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="finite accuracy"):
        fit_ranker(SPACE, nac(), TABLE[:rows], targets, np.random.default_rng(0), tmp_path)


def test_equal_rows_are_numbered_by_first_occurrence() -> None:
    population = TABLE[[3, 1, 3, 2, 1]]
    first, number = number_rows(population)
    assert first.tolist() == [0, 1, 3]
    assert number.tolist() == [0, 1, 0, 2, 1]
    np.testing.assert_array_equal(distinct_rows(population), TABLE[[3, 1, 2]])
    np.testing.assert_array_equal(distinct_rows(population[:, ::2]), TABLE[[3, 1, 2], ::2])
    assert distinct_rows(population[:0]).shape == (0, 45)


def test_spread_covers_the_range() -> None:
    targets = np.array([0.5, 0.1, 0.9, 0.3, 0.7])
    assert spread(targets, 3).tolist() == [1, 0, 2]
    assert sorted(spread(targets, 99).tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("make", [Ridge, LightGBMRegressor, LightGBMNAC])
def test_a_predictor_of_another_space_is_refused(make: type[Ridge], rng: np.random.Generator) -> None:
    predictor = make().fit(rng.random((60, 20)).astype(np.float32), rng.random(60), [list(range(20))], rng)
    with pytest.raises(InvalidInput, match=r"cannot read the .* features of space"):
        Ranker(SPACE, predictor, TABLE, TARGETS)
