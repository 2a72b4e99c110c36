"""The comparator beyond the conformance kit: its trees are LightGBM's trees, its pairs are fair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nasface.costs import Macs
from nasface.errors import InvalidInput
from nasface.predictors import LightGBMNAC, LightGBMNACConfig, Ranker
from nasface.predictors._forest import PairForest
from nasface.predictors._pairs import random_pairs
from nasface.selectors import QuickSelect
from nasface.strategies import Constraint, EvolutionPaper, EvolutionPaperConfig, Problem
from nasface.testing.synthetic import accuracies, face_space

lightgbm = pytest.importorskip("lightgbm")


def fitted(**settings: Any) -> LightGBMNAC:
    space, rng = face_space(), np.random.default_rng(0)
    table = space.sample(rng, 100)
    x, y = space.encode(table), accuracies(space, table, rng)
    return LightGBMNAC(LightGBMNACConfig(n_pairs=1000, **settings)).fit(x, y, space.groups(), rng)


@pytest.mark.parametrize(
    "settings", [{}, {"leaves": 64, "min_leaf": 1, "trees": 10}, {"leaves": 2}, {"min_leaf": 10**6}]
)
def test_answers_are_those_of_lightgbm(tmp_path: Path, settings: dict[str, Any]) -> None:
    nac = fitted(**settings)
    nac.save(tmp_path / "nac")
    booster = lightgbm.Booster(model_str=(tmp_path / "nac").read_text().split("\n", 1)[1])
    x = face_space().encode(face_space().sample(np.random.default_rng(9), 400))
    a, b = x[:200], x[200:]
    expected = booster.predict(np.hstack([a, b]), num_threads=1)
    np.testing.assert_allclose(nac.raw_compare(a, b), expected, rtol=1e-12)
    backwards = booster.predict(np.hstack([b, a]), num_threads=1)
    np.testing.assert_allclose(nac.compare(a, b), (expected + 1 - backwards) / 2, rtol=1e-12)


def test_forest_handles_values_between_and_beyond_thresholds() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 6)).astype(np.float32)
    data = lightgbm.Dataset(x, (x[:, 0] * x[:, 4] > x[:, 2]).astype(int), params={"verbosity": -1})
    booster = lightgbm.train({"objective": "binary", "verbosity": -1, "num_leaves": 40, "num_threads": 1}, data, 20)
    forest = PairForest(booster.model_to_string())
    new = (3 * rng.normal(size=(300, 6))).astype(np.float32)
    raw = forest.raw(forest.masks(new[:, :3]), forest.masks(new[:, 3:]))
    np.testing.assert_allclose(raw, booster.predict(new, raw_score=True, num_threads=1), rtol=1e-12, atol=1e-12)


def test_text_that_is_no_model_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a LightGBM model"):
        PairForest("tree\nTree=0\nnum_leaves=2\n")


@pytest.mark.parametrize(
    ("settings", "missing", "reason"),
    [
        ({"linear_tree": True}, False, "linear models in its leaves"),
        ({"zero_as_missing": True}, False, "missing values or zeros apart"),
        ({}, True, "missing values or zeros apart"),
        ({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, False, "averages trees"),
        ({"sigmoid": 2.0}, False, "objective 'binary sigmoid:2'"),
        ({"objective": "regression"}, False, "objective 'regression'"),
        ({"num_leaves": 100}, False, "leaves and 0 categorical"),
    ],
)
def test_trees_that_mean_something_else_are_refused(settings: dict[str, Any], missing: bool, reason: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (2000, 4)).astype(np.float32)
    y = (x[:, 0] * x[:, 3] > x[:, 2] * x[:, 1]).astype(int)
    x[::7, 1] = np.nan if missing else x[::7, 1]
    given = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 1, "num_threads": 1} | settings
    text = lightgbm.train(given, lightgbm.Dataset(x, y, params={"verbosity": -1} | settings), 2).model_to_string()
    with pytest.raises(InvalidInput, match=reason):
        PairForest(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("left_child=1", "left_child=0"),
        ("max_feature_idx=", "max_feature_idx=0\nother="),
        ("leaf_value=", "leaf_value=nan "),
        ("split_feature=", "split_feature=9999 "),
    ],
)
def test_trees_that_cannot_be_are_refused(old: str, new: str, tmp_path: Path) -> None:
    fitted().save(tmp_path / "nac")
    text = (tmp_path / "nac").read_text().split("\n", 1)[1]
    assert old in text
    with pytest.raises(InvalidInput, match="not a LightGBM model"):
        PairForest(text.replace(old, new))


def test_a_model_with_another_hash_is_refused(tmp_path: Path) -> None:
    fitted(trees=3).save(tmp_path / "nac")
    head, text = (tmp_path / "nac").read_text().split("\n", 1)
    assert json.loads(head)["format"] == "nasface lightgbm_nac 1"
    (tmp_path / "nac").write_text(head + "\n" + text.replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(InvalidInput, match="damaged"):
        LightGBMNAC().load(tmp_path / "nac")


def test_pairs_are_distinct_never_of_one_network_and_never_tied() -> None:
    y = np.array([0.1, 0.2, 0.2, 0.3])
    first, second = random_pairs(y, 100, np.random.default_rng(0))
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(first) == 10  # 12 ordered pairs, 2 tie
    assert (y[first] != y[second]).all()
    assert len(random_pairs(np.arange(50.0), 70, np.random.default_rng(0))[0]) == 70


@pytest.mark.parametrize("y", [np.full(5, 0.9), np.array([0.9]), np.array([])])
def test_a_table_without_differences_is_refused(y: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="no pair that differs"):
        random_pairs(y, 10, np.random.default_rng(0))


@pytest.mark.parametrize(
    "settings", [{"n_pairs": 0}, {"trees": 0}, {"leaves": 1}, {"leaves": 65}, {"learning_rate": 0.0}, {"min_leaf": 0}]
)
def test_parameters_out_of_range_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=f"predictor.{next(iter(settings))}"):
        LightGBMNAC(LightGBMNACConfig(**settings)).fit(
            np.zeros((3, 2), np.float32), np.arange(3.0), [[0, 1]], np.random.default_rng(0)
        )


class ByLibrary(LightGBMNAC):
    """The same trees, evaluated by LightGBM itself."""

    def digest(self, x: np.ndarray) -> np.ndarray:
        return x

    def compare_digests(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        booster = lightgbm.Booster(model_str=self._text)
        a, b = np.broadcast_arrays(a, b)
        first, second = (booster.predict(np.hstack(pair), num_threads=1) for pair in ((a, b), (b, a)))
        return 0.5 + 0.5 * (first - second)


def test_a_search_decides_as_with_the_librarys_own_predictions(tmp_path: Path) -> None:
    space, rng = face_space(), np.random.default_rng(0)
    nac = fitted()
    nac.save(tmp_path / "nac")
    table = space.sample(rng, 30)
    results = []
    for predictor in (nac, ByLibrary().load(tmp_path / "nac")):
        ranker = Ranker(space, predictor, table, accuracies(space, table, np.random.default_rng(1)))
        problem = Problem(space, ranker, [Constraint(Macs(space), 300.0, "MACs")])
        search = EvolutionPaper(EvolutionPaperConfig(generations=20, population=40), selector=QuickSelect())
        results.append(search.run(problem, np.random.default_rng(2)))
    np.testing.assert_array_equal(results[0].finalists, results[1].finalists)
    assert results[0].history == results[1].history
