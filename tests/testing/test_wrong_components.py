"""The kits for costs, selectors, searches and exporters catch what wrong ones do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nasface.costs import Macs, ReferenceCost, StageTables
from nasface.exporters import TFLiteConfig, TFLiteExporter
from nasface.selectors import FullSort, QuickSelect, Selector
from nasface.strategies import RandomSearch, RandomSearchConfig, finalists
from nasface.testing import CostConformance, ExporterConformance, SearchConformance, SelectorConformance
from nasface.testing.synthetic import (
    OracleComparator,
    OracleScorer,
    face_space,
    oracle,
    stageless_space,
    tiny_space,
    truth,
)

from ._caught import caught


class BareReference(Macs):
    """The reference's cost is a number."""

    def reference(self, network="efficientnet_b0"):
        return 400.0


class NoReference(Macs):
    """The reference's cost is no number."""

    def reference(self, network="efficientnet_b0"):
        return ReferenceCost(float("nan"), estimated=True)


class Spaced(Macs):
    """Cannot be written on the command line."""

    name = "macs m"


class Negative(Macs):
    def predict(self, population):
        return -super().predict(population)


class Single(Macs):
    def predict(self, population):
        return super().predict(population).astype(np.float32)


class Relative(Macs):
    """The cost of a network depends on the others."""

    def predict(self, population):
        values = super().predict(population)
        return values / values.mean() if len(values) else values


class Untrue(Macs):
    """Adds something that its tables do not hold."""

    def predict(self, population):
        values = super().predict(population)
        return values + 1e-3 * values**2

    def decompose(self):
        return super().decompose()


class Halved(Macs):
    """Leaves the constant part out of the tables."""

    def decompose(self):
        tables = super().decompose()
        return StageTables(0.0, tables.tables, tables.combine)


def wrong_cost(check: str, cost: type[Macs]) -> type:
    return caught(CostConformance, check, cost=cost(face_space()))


TestReferenceIsANumber = wrong_cost("test_reference", BareReference)
TestReferenceIsNan = wrong_cost("test_reference", NoReference)
TestNameThatCannotBeTyped = wrong_cost("test_named", Spaced)
TestNegativeCost = wrong_cost("test_predict", Negative)
TestCostInSinglePrecision = wrong_cost("test_predict", Single)
TestCostOfABatch = wrong_cost("test_predict", Relative)
TestCostThatIsNoSum = wrong_cost("test_decompose", Untrue)
TestTablesWithoutTheConstant = wrong_cost("test_decompose", Halved)


class Worst(FullSort):
    def top_k(self, population, k, ranker, rng):
        return np.sort(super().top_k(population, len(population), ranker, rng)[-k:])


class Last(FullSort):
    """Ties go to the higher index."""

    def top_k(self, population, k, ranker, rng):
        return len(population) - 1 - super().top_k(population[::-1], k, ranker, rng)


class Repeating(FullSort):
    explores = True

    def top_k(self, population, k, ranker, rng):
        return np.repeat(super().top_k(population, 1, ranker, rng), k)


class Undeclared(Selector):
    """Explores, and does not say so."""

    def top_k(self, population, k, ranker, rng):
        FullSort().top_k(population, k, ranker, rng)
        quality = truth(ranker.space.encode(population))
        noisy = quality + quality.std() * rng.standard_normal(len(population))
        return np.argsort(-noisy, kind="stable")[:k]


class Aimless(Selector):
    """Says that it explores, and draws lots."""

    explores = True

    def top_k(self, population, k, ranker, rng):
        return rng.permutation(len(population))[:k].astype(np.intp)


class Clock(FullSort):
    """Draws from everybody's generator."""

    def top_k(self, population, k, ranker, rng):
        np.random.rand()  # noqa: NPY002 - that is the fault
        return super().top_k(population, k, ranker, rng)


def wrong_selector(check: str, selector: type[Selector], **given: object) -> type:
    return caught(SelectorConformance, check, given=given, selector=selector())


_BEST = {"predictor": OracleComparator, "k": 10}
TestTheWorst = wrong_selector("test_finds_the_best", Worst, **_BEST)
TestTiesToTheHigher = wrong_selector("test_ties_go_to_the_lower_index", Last, predictor=OracleScorer)
TestRepeatedIndices = wrong_selector("test_finds_the_best", Repeating, **_BEST)
TestExploresUndeclared = wrong_selector("test_finds_the_best", Undeclared, **_BEST)
TestExploresWithoutAim = wrong_selector("test_takes_better_ones_on_average", Aimless, predictor=OracleScorer)
TestSelectorWithGlobalGenerator = wrong_selector("test_finds_the_best", Clock, **_BEST)


class Declared(Undeclared):
    """Explores, and says so."""

    explores = True


class TestExploringSelectors(SelectorConformance):
    """Pass, where they keep their promise."""

    @pytest.fixture
    def selector(self) -> Selector:
        return Declared()


def test_finalists_of_an_exploring_selector_are_the_best() -> None:
    space, rng = face_space(), np.random.default_rng(0)
    population = space.sample(rng, 60)
    found = finalists(population, oracle(space, OracleScorer, rng), Declared(), rng)
    best = np.argsort(-truth(space.encode(population)), kind="stable")[: len(found)]
    np.testing.assert_array_equal(found, population[best])


class Searching(RandomSearch):
    """A right one, small."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(RandomSearchConfig(samples=200), selector=selector)


class Careless(Searching):
    """Delivers the best of all networks, whatever the bounds, where the space has no stages."""

    def run(self, problem, rng):
        result = super().run(problem, rng)
        if problem.space.stage_choices() is not None:
            return result
        largest = problem.space.sample(rng, 200)
        order = np.argsort(-truth(problem.space.encode(largest)), kind="stable")[:1]
        return replace(result, best=largest[order][0], finalists=largest[order])


class Impatient(Searching):
    """Finds its counters tedious."""

    def run(self, problem, rng):
        return replace(super().run(problem, rng), counters={"calls": 0})


class Boasting(Searching):
    """Counts every network that it looks at."""

    def run(self, problem, rng):
        result = super().run(problem, rng)
        return replace(result, counters={**result.counters, "distinct": 10**9})


class Restless(Searching):
    """Another winner every time."""

    def run(self, problem, rng):
        return super().run(problem, np.random.default_rng())


class Hopeful(Searching):
    """Says nothing of bounds that nobody meets."""

    def run(self, problem, rng):
        return super().run(replace(problem, constraints=()), rng)


class Unsorted(Searching):
    def run(self, problem, rng):
        result = super().run(problem, rng)
        return replace(result, finalists=result.finalists[::-1], best=result.finalists[-1])


def wrong_search(check: str, make: type[Searching], space: object = None, **given: object) -> type:
    return caught(SearchConformance, check, given=given, make=make, space=space or face_space())


_SCORER = {"selector": QuickSelect, "predictor": OracleScorer}
TestInfeasibleWithoutStages = wrong_search("test_result", Careless, stageless_space(), **_SCORER)
TestMissingCounters = wrong_search("test_result", Impatient, **_SCORER)
TestAnotherResultEveryTime = wrong_search("test_same_seed_same_result", Restless)
TestTightBounds = wrong_search("test_tight_bounds", Hopeful, stageless_space(), cost=Macs)
TestImpossibleBounds = wrong_search("test_impossible_bounds", Hopeful, stageless_space(), cost=Macs)
TestMoreNetworksThanThereAre = wrong_search("test_tiny_spaces", Boasting, tiny_space(), share=1.0)
TestFinalistsOutOfOrder = wrong_search("test_tiny_spaces", Unsorted, tiny_space(), share=1.0)


class Nameless(TFLiteExporter):
    """Drops the caller's metadata."""

    def export(self, spec, weights, path, metadata, examples=None):
        return super().export(spec, weights, path, {}, examples)


class Dated(TFLiteExporter):
    """Puts a running number into the file."""

    files = 0

    def export(self, spec, weights, path, metadata, examples=None):
        type(self).files += 1
        return super().export(spec, weights, path, {**metadata, "number": self.files}, examples)


class Tolerant(TFLiteExporter):
    """Takes zeros for weights that are missing."""

    def export(self, spec, weights, path, metadata, examples=None):
        from nasface.exporters import weight_shapes

        whole = {name: weights.get(name, np.zeros(shape, np.float32)) for name, shape in weight_shapes(spec).items()}
        return super().export(spec, whole, path, metadata, examples)


class Boastful(TFLiteExporter):
    """Returns another hash than the file's."""

    def export(self, spec, weights, path, metadata, examples=None):
        return replace(super().export(spec, weights, path, metadata, examples), sha256="0" * 64)


def wrong_exporter(check: str, exporter: type[TFLiteExporter]) -> type:
    return caught(ExporterConformance, check, exporter=exporter(TFLiteConfig()))


TestMetadataDropped = wrong_exporter("test_metadata_is_in_the_file", Nameless)
TestBytesThatDiffer = wrong_exporter("test_equal_arguments_give_equal_bytes", Dated)
TestHashOfAnother = wrong_exporter("test_equal_arguments_give_equal_bytes", Boastful)
TestMissingWeights = wrong_exporter("test_bad_weights_are_refused", Tolerant)
