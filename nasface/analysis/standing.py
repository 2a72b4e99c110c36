"""Where the found network stands: on the front of all budgets, among measured ones, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.analysis.facts import FOUND, SearchFacts
from nasface.predictors import Ranker, Ridge, fit_ranker
from nasface.predictors.confidence import LEVEL
from nasface.runs import Json
from nasface.strategies import ROUNDING, KnapsackFront, merge_fronts

NEAREST: Final = 5
"""Measured networks that are shown beside the found one."""


@dataclass(frozen=True)
class Reach:
    """What is reachable for every budget on the first device, by an opinion that adds up over stages.

    Attributes:
        opinion: Name of the predictor whose predictions the values are.
        front: Exact.
        latencies: float64[n], of the networks of `SearchFacts.networks` on that device, ms.
        values: float64[n], what the opinion says of them; the first one is the found network.
        given_up: Best value without any budget, minus that of the found network.
        missed: Best value at the budget, minus that; None without a budget on the first device.
    """

    opinion: str
    front: KnapsackFront
    latencies: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    given_up: float
    missed: float | None

    def to_json(self) -> dict[str, Json]:
        """`standing.given_up` of `result.json`."""
        return {"by": self.opinion, "to_unconstrained": self.given_up, "to_optimum_at_budget": self.missed}


@dataclass(frozen=True)
class Neighbour:
    """A measured network that is close to the found one.

    Attributes:
        genes_apart: Genes that differ.
        measured: Its accuracy.
        latency_ms: On the first device, predicted.
        genes: As in accuracy tables.
        genotype: int8[n_genes].
    """

    genes_apart: int
    measured: float
    latency_ms: float
    genes: str
    genotype: npt.NDArray[np.int8]

    def to_json(self) -> dict[str, Json]:
        """An entry of `standing.nearest` of `result.json`."""
        return {
            "genes_apart": self.genes_apart,
            "measured": self.measured,
            "latency": self.latency_ms,
            "genes": self.genes,
        }


@dataclass(frozen=True)
class Rival:
    """A network that might be better than the found one.

    Attributes:
        name: Of a network with a name; None for a finalist.
        rank: Place among the finalists, where the found one is the first; None for a network with a name.
        found_better: Probability that the found one measures better, estimated.
    """

    name: str | None
    rank: int | None
    found_better: float

    @property
    def label(self) -> str:
        """For tables and `result.json`."""
        return self.name or f"finalist {self.rank}"

    @property
    def apart(self) -> bool:
        """Whether one of the two is better with a probability of `LEVEL` or more."""
        return max(self.found_better, 1 - self.found_better) >= LEVEL

    def to_json(self) -> dict[str, Json]:
        """An entry of `standing.rivals` of `result.json`."""
        return {"network": self.label, "found_better": self.found_better, "apart": self.apart}


@dataclass(frozen=True)
class Expectation:
    """What the found network is expected to measure.

    Attributes:
        value: Predicted accuracy.
        half: Half of its interval of `LEVEL`.
        covered: Share of held-out networks that lay within theirs.
        networks: How many these are.
    """

    value: float
    half: float
    covered: float
    networks: int

    def to_json(self) -> dict[str, Json]:
        """`standing.expected` of `result.json`."""
        ends = {"low": self.value - self.half, "high": self.value + self.half}
        return {**ends, "held_out_within": self.covered, "held_out": self.networks}


@dataclass(frozen=True)
class Standing:
    """All of it.

    Attributes:
        expected: How sure the predicted accuracy is.
        reach: None where nothing decomposes over stages.
        nearest: The closest first.
        rivals: The other finalists, then the networks with names.
    """

    expected: Expectation
    reach: Reach | None
    nearest: tuple[Neighbour, ...]
    rivals: tuple[Rival, ...]

    @property
    def inseparable(self) -> list[Rival]:
        """Networks that cannot be told apart from the found one."""
        return [rival for rival in self.rivals if not rival.apart]

    def to_json(self) -> dict[str, Json]:
        """`standing` of `result.json`."""
        given_up = {} if self.reach is None else {"given_up": self.reach.to_json()}
        nearest, rivals = ([entry.to_json() for entry in entries] for entries in (self.nearest, self.rivals))
        return {"expected": self.expected.to_json(), "nearest": nearest, "rivals": rivals, **given_up}


def standing(facts: SearchFacts) -> Standing:
    """Work it out; depends on the run's seed alone."""
    return Standing(_expected(facts), _reach(facts), _nearest(facts), _rivals(facts))


def _expected(facts: SearchFacts) -> Expectation:
    found, intervals = facts.result.best[None], facts.quality.intervals
    value, doubt = facts.ranker.predicted_accuracy(found)[0], facts.ranker.doubts(found)[0]
    return Expectation(float(value), intervals.reach * float(doubt), intervals.covered, intervals.networks)


def _reach(facts: SearchFacts) -> Reach | None:
    latency = facts.devices[0].latency
    costs, ranker = latency.decompose(), _additive(facts)
    values = None if ranker is None else ranker.decompose()
    if ranker is None or values is None or costs is None or costs.combine != "sum":
        return None
    front, population = merge_fronts(values, costs), np.stack(list(facts.networks.values()))
    said = ranker.strengths(population)
    found, bound = float(said[0]), facts.bound(latency)
    missed = None if bound is None else float(front.best_within(np.array([bound * (1 + ROUNDING)]))[0]) - found
    opinion = ranker.predictor.config.name
    return Reach(opinion, front, latency.predict(population), said, float(front.values[-1]) - found, missed)


def _additive(facts: SearchFacts) -> Ranker | None:
    """The search's own predictor if it is a regressor that adds up over stages, else ridge on the same table."""
    predictor = facts.ranker.predictor
    if predictor.regressor and facts.ranker.decompose() is not None:
        return facts.ranker
    if facts.space.stage_choices() is None:
        return None
    rng, direction = np.random.default_rng(0), facts.ranker.direction
    return fit_ranker(facts.space, Ridge(), facts.table.genotypes, facts.targets, rng, direction=direction)


def _nearest(facts: SearchFacts) -> tuple[Neighbour, ...]:
    genotypes = facts.table.genotypes
    apart = (genotypes != facts.result.best).sum(axis=1)
    rows = np.argsort(apart, kind="stable")[:NEAREST]
    latencies = facts.devices[0].latency.predict(genotypes[rows])
    measured = facts.ranker.direction.sign * facts.targets
    return tuple(
        Neighbour(
            int(apart[row]), float(measured[row]), float(latency), facts.space.to_text(genotypes[row]), genotypes[row]
        )
        for row, latency in zip(rows, latencies, strict=True)
    )


def _rivals(facts: SearchFacts) -> tuple[Rival, ...]:
    """The other finalists and the named networks beside the found one."""
    named = {name: genotype for name, genotype in facts.networks.items() if name != FOUND}
    others = [*facts.result.finalists[1:], *named.values()]
    if not others:
        return ()
    strengths = facts.ranker.strengths(np.stack([facts.result.best, *others]))
    sure = facts.quality.confidence.better(strengths[0], strengths[1:]).tolist()
    finalists = len(others) - len(named)
    ranked = [Rival(None, rank, p) for rank, p in enumerate(sure[:finalists], 2)]
    return (*ranked, *(Rival(name, None, p) for name, p in zip(named, sure[finalists:], strict=True)))
