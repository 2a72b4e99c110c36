"""The kit for predictors catches what wrong predictors do."""

from __future__ import annotations

import itertools
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from nasface.predictors import Ridge
from nasface.runs import atomic_write, write_text
from nasface.testing import PredictorConformance

from ._caught import caught


class Noisy(Ridge):
    """Learns something else every time."""

    _runs = itertools.count()

    def fit(self, x, y, groups, rng):
        return super().fit(x, y + 0.01 * np.random.default_rng(next(self._runs)).standard_normal(len(y)), groups, rng)


class Silent(Ridge):
    """Returns nothing."""

    def fit(self, x, y, groups, rng):
        super().fit(x, y, groups, rng)


class Stubborn(Ridge):
    """Keeps what it learned first."""

    def fit(self, x, y, groups, rng):
        return self if self._weights is not None else super().fit(x, y, groups, rng)


class Seeder(Ridge):
    """Seeds everybody's generator."""

    def fit(self, x, y, groups, rng):
        np.random.seed(0)  # noqa: NPY002 - that is the fault
        return super().fit(x, y, groups, rng)


class Scaler(Ridge):
    """Centres the caller's targets."""

    def fit(self, x, y, groups, rng):
        y -= y.mean()
        return super().fit(x, y, groups, rng)


class Referring(Ridge):
    """Learns when it is asked, from arrays that belong to the caller."""

    def fit(self, x, y, groups, rng):
        self._given = x, y, groups, rng
        return super().fit(x, y, groups, rng)

    def score(self, x):
        super().score(x[:0])
        super().fit(*self._given)
        return super().score(x)


class Rounding(Ridge):
    """Saves two digits."""

    def save(self, path: Path) -> None:
        exact = self._fitted
        self._weights = exact.round(2)
        super().save(path)
        self._weights = exact


class Forgetful(Ridge):
    """Saves no offset: comparisons stay the same, scores do not."""

    def save(self, path: Path) -> None:
        exact, self._offset = self._offset, 0.0
        super().save(path)
        self._offset = exact


class Overwriting(Ridge):
    """Writes in place."""

    def save(self, path: Path) -> None:
        super().save(path.with_name("other"))
        path.write_bytes(path.with_name("other").read_bytes())
        path.with_name("other").unlink()


class Pickling(Ridge):
    """Saves a pickle."""

    protocol = pickle.HIGHEST_PROTOCOL

    def save(self, path: Path) -> None:
        with atomic_write(path) as temporary:
            temporary.write_bytes(pickle.dumps((self._fitted, self._offset), self.protocol))


class OldPickling(Pickling):
    """Saves one of protocol 0, which looks like text."""

    protocol = 0


class Trusting(Ridge):
    """Reads whatever is in a file."""

    def save(self, path: Path) -> None:
        write_text(path, json.dumps({"weights": self._fitted.tolist(), "offset": self._offset}))

    def load(self, path: Path):
        self._weights, self._offset = np.zeros(1), 0.0
        return self


class NotAdditive(Ridge):
    """Says that its scores are sums over the stages, and adds a product."""

    def score(self, x):
        return super().score(x) + 0.01 * x[:, 0] * x[:, -1]


class Unbroadcast(Ridge):
    """Takes pairs of as many digests on both sides only."""

    def compare_digests(self, a, b):
        return self.compare(a, b)[: len(a)] if len(a) == len(b) else self.compare(a, b[: len(a)])


class Squeezing(Ridge):
    """Gives one row's score as a number."""

    def score(self, x):
        return np.squeeze(super().score(x))


class Dividing(Ridge):
    """Divides by the deviation of the targets."""

    def fit(self, x, y, groups, rng):
        with np.errstate(invalid="ignore"):
            return super().fit(x, (y - y.mean()) / y.std(), groups, rng)


class Unready(Ridge):
    """Answers before it has learned."""

    def score(self, x):
        return np.zeros(len(x)) if self._weights is None else super().score(x)


class Biased(Ridge):
    """Prefers the first."""

    def compare(self, a, b):
        return np.minimum(super().compare(a, b) + 0.1, 1.0)


class Coin(Ridge):
    """Has learned nothing."""

    def score(self, x):
        return np.random.default_rng(0).standard_normal(len(self._fitted)) @ x.T.astype(np.float64)


class Sure(Ridge):
    """Knows how sure it is: less of networks whose genes weigh much."""

    def deviation(self, x):
        return 0.001 + np.abs(self._fitted * x).sum(axis=1)


class Negative(Sure):
    """Gives logarithms."""

    def deviation(self, x):
        return np.log(super().deviation(x))


class Certain(Sure):
    """Never doubts."""

    def deviation(self, x):
        return 0.0 * super().deviation(x)


class Column(Sure):
    """Gives a column."""

    def deviation(self, x):
        return super().deviation(x)[:, None]


class Relative(Sure):
    """Divides by the largest of those that it is asked about."""

    def deviation(self, x):
        return super().deviation(x) / max(super().deviation(x).max(initial=0), 1e-9)


class Wavering(Sure):
    """Draws."""

    _runs = itertools.count()

    def deviation(self, x):
        return super().deviation(x) * np.random.default_rng(next(self._runs)).uniform(1, 2)


class Unsaved(Sure):
    """Keeps what deviations need beside the file."""

    _scale = 2.0

    def fit(self, x, y, groups, rng):
        self._scale = 1.0
        return super().fit(x, y, groups, rng)

    def deviation(self, x):
        return self._scale * super().deviation(x)


class Presuming(Sure):
    """Is unsure of everything before it has learned."""

    def deviation(self, x):
        return np.ones(len(x)) if self._weights is None else super().deviation(x)


def wrong(check: str, make: type, **given: object) -> type:
    return caught(PredictorConformance, check, given=given, make=make)


TestNoiseInFit = wrong("test_same_seed_same_answers", Noisy)
TestFitReturnsNothing = wrong("test_answers", Silent)
TestFitKeepsTheFirstData = wrong("test_fitting_again_forgets_what_was_before", Stubborn)
TestGlobalSeed = wrong("test_answers", Seeder)
TestArgumentsChanged = wrong("test_answers", Scaler)
TestArgumentsKept = wrong("test_nothing_of_the_arguments_is_kept", Referring)
TestLossyWeights = wrong("test_saved_and_loaded", Rounding)
TestLossyScore = wrong("test_saved_and_loaded", Forgetful)
TestSaveInPlace = wrong("test_saved_and_loaded", Overwriting)
TestPickle = wrong("test_saved_and_loaded", Pickling)
TestOldPickle = wrong("test_saved_and_loaded", OldPickling)
TestFileOfAnother = wrong("test_files_of_another_predictor_are_refused", Trusting)
TestDamagedFile = wrong("test_damaged_files_are_refused", Trusting)
TestUntrueAdditive = wrong("test_additive_scores_are_sums_over_the_stages", NotAdditive)
TestSingleRow = wrong("test_digests_agree", Unbroadcast)
TestOneRow = wrong("test_any_number_of_rows", Squeezing, rows=1)
TestConstantTargets = wrong("test_equal_accuracies_are_learned_or_refused", Dividing)
TestNotFitted = wrong("test_asking_before_fitting_is_refused", Unready)
TestNotAntisymmetric = wrong("test_answers", Biased)
TestNoBetterThanACoin = wrong("test_answers", Coin)
TestNegativeDeviation = wrong("test_deviation", Negative)
TestNoDeviation = wrong("test_deviation", Certain)
TestDeviationInAColumn = wrong("test_deviation", Column)
TestDeviationOfABatch = wrong("test_deviation", Relative)
TestDeviationDrawn = wrong("test_deviation", Wavering)
TestDeviationNotSaved = wrong("test_deviation", Unsaved)
TestDeviationNotFitted = wrong("test_deviation", Presuming)


class TestRightDeviation(PredictorConformance):
    """What the wrong ones are made of passes."""

    test_files_of_another_predictor_are_refused = None  # its files are those of a ridge

    @pytest.fixture
    def make(self) -> type[Sure]:
        return Sure
