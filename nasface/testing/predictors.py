"""What every predictor must do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.metrics.ranking import comparison_accuracy
from nasface.predictors import Comparator, Scorer
from nasface.spaces import SearchSpace
from nasface.testing.synthetic import accuracies, face_space, truth


class PredictorConformance:
    """Give the fixture `make`: a function without arguments that returns a predictor which is not fitted.

    It is asked about a table of 80 networks (fixture `space` says of which space) and 40 others.
    """

    @pytest.fixture
    def make(self) -> Callable[[], Comparator]:
        raise NotImplementedError("give the fixture `make`")

    @pytest.fixture
    def space(self) -> SearchSpace:
        return face_space()

    @pytest.fixture
    def fit(self, make: Callable[[], Comparator], space: SearchSpace) -> Callable[[], Comparator]:
        """Fit a new predictor on the table, always with the same seed."""

        def fitted() -> Comparator:
            predictor = make()
            table = space.sample(np.random.default_rng(1), 80)
            y = accuracies(space, table, np.random.default_rng(2), noise=0.0005)
            x, groups = space.encode(table, predictor.encoding), space.groups(predictor.encoding)
            kept_x, kept_y = x.copy(), y.copy()
            try:
                predictor.fit(x, y, groups, np.random.default_rng(3))
            except MissingDependency as error:
                pytest.skip(str(error))
            np.testing.assert_array_equal(x, kept_x, "fit changed its features")
            np.testing.assert_array_equal(y, kept_y, "fit changed its targets")
            return predictor

        return fitted

    def test_asking_before_fitting_is_refused(
        self, make: Callable[[], Comparator], space: SearchSpace, tmp_path: Path
    ) -> None:
        predictor = make()
        x = space.encode(space.sample(np.random.default_rng(0), 2), predictor.encoding)
        with pytest.raises(NotFitted):
            predictor.compare(x, x)
        with pytest.raises(NotFitted):
            predictor.save(tmp_path / "state")
        if isinstance(predictor, Scorer):
            with pytest.raises(NotFitted):
                predictor.score(x)

    def test_answers(self, fit: Callable[[], Comparator], space: SearchSpace) -> None:
        predictor = fit()
        a, b, truth_a, truth_b = _others(space, predictor)
        p = predictor.compare(a, b)
        assert p.shape == (len(a),)
        assert p.dtype == np.float64
        assert ((p >= 0) & (p <= 1)).all()
        np.testing.assert_allclose(p + predictor.compare(b, a), 1.0, atol=1e-12, err_msg="not antisymmetric")
        np.testing.assert_array_equal(predictor.compare(a, a), 0.5, "equal networks must tie")
        assert comparison_accuracy(truth_a, truth_b, p) > 0.6, "ranks new networks hardly better than a coin"

    def test_batches_give_what_rows_give(self, fit: Callable[[], Comparator], space: SearchSpace) -> None:
        predictor = fit()
        a, b, _, _ = _others(space, predictor)
        single = np.concatenate([predictor.compare(a[i : i + 1], b[i : i + 1]) for i in range(len(a))])
        np.testing.assert_allclose(predictor.compare(a, b), single, atol=1e-6)

    def test_digests_agree(self, fit: Callable[[], Comparator], space: SearchSpace) -> None:
        predictor = fit()
        a, b, _, _ = _others(space, predictor)
        digests = predictor.digest(np.concatenate([a, b]))
        assert len(digests) == 2 * len(a)
        answers = predictor.compare_digests(digests[: len(a)], digests[len(a) :])
        np.testing.assert_allclose(answers, predictor.compare(a, b), atol=1e-6)

    def test_scores(self, fit: Callable[[], Comparator], space: SearchSpace) -> None:
        predictor = fit()
        if not isinstance(predictor, Scorer):
            pytest.skip("not a scorer")
        a, b, truth_a, _ = _others(space, predictor)
        scores = predictor.score(a)
        assert scores.shape == (len(a),)
        assert scores.dtype == np.float64
        apart = np.abs(scores - predictor.score(b)) > 1e-6
        higher = scores[apart] > predictor.score(b)[apart]
        np.testing.assert_array_equal(predictor.compare(a, b)[apart] > 0.5, higher, "higher must be better")
        if predictor.regressor:
            assert np.sqrt(np.mean((scores - truth_a) ** 2)) < 2 * truth_a.std(), "not in the unit of the targets"

    def test_same_seed_same_answers(self, fit: Callable[[], Comparator], space: SearchSpace) -> None:
        first, second = fit(), fit()
        a, b, _, _ = _others(space, first)
        np.testing.assert_array_equal(first.compare(a, b), second.compare(a, b))

    def test_saved_and_loaded(
        self, make: Callable[[], Comparator], fit: Callable[[], Comparator], space: SearchSpace, tmp_path: Path
    ) -> None:
        predictor = fit()
        predictor.save(tmp_path / "state")
        assert [path.name for path in tmp_path.iterdir()] == ["state"], "one file, nothing beside it"
        loaded = make().load(tmp_path / "state")
        a, b, _, _ = _others(space, predictor)
        np.testing.assert_array_equal(loaded.compare(a, b), predictor.compare(a, b))

    def test_damaged_files_are_refused(
        self, make: Callable[[], Comparator], fit: Callable[[], Comparator], tmp_path: Path
    ) -> None:
        path = tmp_path / "state"
        fit().save(path)
        data = path.read_bytes()
        for damaged in (b"", b"\x00\xff nonsense", data[: len(data) // 2]):
            path.write_bytes(damaged)
            with pytest.raises(InvalidInput):
                make().load(path)


def _others(space: SearchSpace, predictor: Comparator) -> tuple[Any, Any, npt.NDArray[Any], npt.NDArray[Any]]:
    """Features of 20 and 20 networks that are not in the table, and their true accuracies."""
    rows = space.sample(np.random.default_rng(4), 40)
    x, y = space.encode(rows, predictor.encoding), truth(space.encode(rows))
    return x[:20], x[20:], y[:20], y[20:]
