"""What every predictor must do."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from nasface.errors import InvalidInput, MissingDependency, NotFitted
from nasface.metrics.ranking import comparison_accuracy
from nasface.predictors import Comparator, Ranker, Ridge, Scorer
from nasface.spaces import Features, SearchSpace
from nasface.testing.arguments import own_generator_only
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
                with own_generator_only():
                    returned = predictor.fit(x, y, groups, np.random.default_rng(3))
            except MissingDependency as error:
                pytest.skip(str(error))
            assert returned is predictor, "fit must return the predictor"
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
        one_to_all = predictor.compare_digests(digests[:1], digests[len(a) :])
        assert one_to_all.shape == (len(b),), "a single row stands for all of the other"
        np.testing.assert_allclose(one_to_all, predictor.compare(np.repeat(a[:1], len(b), axis=0), b), atol=1e-6)

    @pytest.mark.parametrize("rows", [0, 1, 3])
    def test_any_number_of_rows(self, fit: Callable[[], Comparator], space: SearchSpace, rows: int) -> None:
        predictor = fit()
        a, b, _, _ = _others(space, predictor)
        assert predictor.compare(a[:rows], b[:rows]).shape == (rows,)
        if isinstance(predictor, Scorer):
            assert predictor.score(a[:rows]).shape == (rows,)

    def test_nothing_of_the_arguments_is_kept(
        self, make: Callable[[], Comparator], fit: Callable[[], Comparator], space: SearchSpace
    ) -> None:
        expected, predictor = fit(), make()
        table = space.sample(np.random.default_rng(1), 80)
        y = accuracies(space, table, np.random.default_rng(2), noise=0.0005)
        x = space.encode(table, predictor.encoding).copy()
        predictor.fit(x, y, space.groups(predictor.encoding), np.random.default_rng(3))
        x[:], y[:] = 0.0, 0.0
        a, b, _, _ = _others(space, predictor)
        np.testing.assert_array_equal(predictor.compare(a, b), expected.compare(a, b))

    def test_fitting_again_forgets_what_was_before(
        self, make: Callable[[], Comparator], fit: Callable[[], Comparator], space: SearchSpace
    ) -> None:
        expected, predictor = fit(), make()
        groups = space.groups(predictor.encoding)
        for seed, noise in ((7, 0.01), (1, 0.0005)):
            table = space.sample(np.random.default_rng(seed), 80)
            y = accuracies(space, table, np.random.default_rng(2), noise)
            predictor.fit(space.encode(table, predictor.encoding), y, groups, np.random.default_rng(3))
        a, b, _, _ = _others(space, predictor)
        np.testing.assert_array_equal(predictor.compare(a, b), expected.compare(a, b))

    def test_equal_accuracies_are_learned_or_refused(self, make: Callable[[], Comparator], space: SearchSpace) -> None:
        predictor = make()
        x = space.encode(space.sample(np.random.default_rng(1), 30), predictor.encoding)
        try:
            predictor.fit(x, np.full(30, 0.875), space.groups(predictor.encoding), np.random.default_rng(3))
        except (InvalidInput, MissingDependency):
            return
        assert np.isfinite(predictor.compare(x[:5], x[5:10])).all()
        if isinstance(predictor, Scorer):
            assert np.isfinite(predictor.score(x)).all()

    def test_additive_scores_are_sums_over_the_stages(self, fit: Callable[[], Comparator], space: SearchSpace) -> None:
        predictor = fit()
        if not (isinstance(predictor, Scorer) and predictor.additive) or space.stage_choices() is None:
            pytest.skip("not additive, or no stages")
        table = space.sample(np.random.default_rng(1), 80)
        Ranker(space, predictor, table, accuracies(space, table, np.random.default_rng(2))).decompose()

    def test_deviation(
        self, make: Callable[[], Comparator], fit: Callable[[], Comparator], space: SearchSpace, tmp_path: Path
    ) -> None:
        predictor = fit()
        a, _, _, _ = _others(space, predictor)
        if not isinstance(predictor, Scorer) or predictor.deviation(a) is None:
            pytest.skip("it does not know how sure it is")
        deviation = _deviation(predictor, a)
        assert deviation.shape == (len(a),)
        assert deviation.dtype == np.float64
        assert (np.isfinite(deviation) & (deviation > 0)).all(), "finite and positive: what is measured has noise"
        np.testing.assert_array_equal(_deviation(fit(), a), deviation, "the same fit must give the same deviations")
        rows = np.array([_deviation(predictor, a[i : i + 1]) for i in range(len(a))])
        np.testing.assert_allclose(rows, deviation[:, None], rtol=1e-5, err_msg="batches must give what rows give")
        assert _deviation(predictor, a[:0]).shape == (0,)
        with pytest.raises(NotFitted):
            _deviation(make(), a)
        predictor.save(tmp_path / "state")
        kept = _deviation(make().load(tmp_path / "state"), a)
        np.testing.assert_allclose(kept, deviation, rtol=1e-9, err_msg="load lost something that save had")

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
        (tmp_path / "state").write_text("what was there before", encoding="utf-8")
        before = (tmp_path / "state").stat().st_ino
        predictor.save(tmp_path / "state")
        assert (tmp_path / "state").stat().st_ino != before, "write a new file and move it (nasface.runs.atomic_write)"
        assert not _is_pickle(tmp_path / "state"), "no pickle: loading one runs whatever it holds"
        assert [path.name for path in tmp_path.iterdir()] == ["state"], "one file, nothing beside it"
        loaded = make().load(tmp_path / "state")
        a, b, _, _ = _others(space, predictor)
        np.testing.assert_array_equal(loaded.compare(a, b), predictor.compare(a, b))
        if isinstance(predictor, Scorer) and isinstance(loaded, Scorer):
            np.testing.assert_array_equal(loaded.score(a), predictor.score(a), "load lost something that save had")

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

    def test_files_of_another_predictor_are_refused(self, make: Callable[[], Comparator], tmp_path: Path) -> None:
        if type(make()) is Ridge:
            pytest.skip("the other predictor is a ridge")
        other = Ridge().fit(np.eye(4, dtype=np.float32), np.arange(4.0), [[0, 1, 2, 3]], np.random.default_rng(0))
        other.save(tmp_path / "state")
        with pytest.raises(InvalidInput):
            make().load(tmp_path / "state")


def _deviation(predictor: Comparator, x: Features) -> npt.NDArray[np.float64]:
    assert isinstance(predictor, Scorer)
    found = predictor.deviation(x)
    assert found is not None, "it knew how sure it is, and does no more"
    return found


def _is_pickle(path: Path) -> bool:
    """Whether a file is a pickle of any protocol, or a zip that holds one, as torch writes it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    try:
        return bool(list(pickletools.genops(path.read_bytes())))
    except ValueError:
        return False


def _others(space: SearchSpace, predictor: Comparator) -> tuple[Any, Any, npt.NDArray[Any], npt.NDArray[Any]]:
    """Features of 20 and 20 networks that are not in the table, and their true accuracies."""
    rows = space.sample(np.random.default_rng(4), 40)
    x, y = space.encode(rows, predictor.encoding), truth(space.encode(rows))
    return x[:20], x[20:], y[:20], y[20:]
