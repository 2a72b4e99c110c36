"""Does it pay to measure what a predictor recommends? Offline: a table is the pool, and looking up a row is measuring.

Every way spends the same number of measurements. What is measured, learned from and chosen by is the metric on half of
the people; the other half judges. So a network that was chosen because luck was with it on the first half pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from nasface.analysis import Row, summarise
from nasface.errors import InvalidInput, TableError, UnknownName
from nasface.experiments._base import Cell, Experiment, Report
from nasface.jobs import Run
from nasface.predictors import Acquisition, Ranker, Targets, fit_ranker
from nasface.registry import REGISTRY
from nasface.registry import build as build_component
from nasface.reports import markdown
from nasface.reports.cells import mean_text
from nasface.reports.curves import curve
from nasface.reports.svg import picture
from nasface.settings import typed
from nasface.spaces import Population, SearchSpace, rows_without
from nasface.strategies import Study
from nasface.strategies.constraints import REFERENCE

Indices = npt.NDArray[np.intp]

RANDOM: Final = "random"
BELIEVED, VERIFIED, ROUNDS, UCB, EI = "believed", "verify_top", "rounds", "rounds_ucb", "rounds_ei"
WAYS: Final = {
    BELIEVED: "all measurements are random networks to learn from; the predictor's favourite is taken unmeasured",
    VERIFIED: "the last {top} measurements go to the predictor's {top} favourites; the measured best wins",
    ROUNDS: "the last measurements go to favourites, {top} in each of {rounds} rounds, with a new fit after each",
    UCB: "as `rounds`, but networks that might be better than they promise (upper confidence bound)",
    EI: "as `rounds`, but networks that may improve on the best (expected improvement)",
    RANDOM: "all measurements are random networks; the measured best wins, nothing is predicted",
}
ACQUISITIONS: Final = {
    VERIFIED: Acquisition.GREEDY,
    ROUNDS: Acquisition.GREEDY,
    UCB: Acquisition.UCB,
    EI: Acquisition.EI,
}
"""By which the ways that measure what a predictor recommends choose."""

MEASURED: Final = ("regret", "regret_seen", "optimism")


@dataclass
class VerificationOptions:
    """See conf/experiment/verification.yaml.

    Attributes:
        repeats: Trials per predictor and way.
        predictors: Names.
        ways: Of `WAYS`, beside `RANDOM`.
        budgets: Measurements in all, of which some are random networks to begin with.
        top: Favourites that are measured in a round.
        rounds: Rounds of `rounds`.
        ratio: Budget of latency on the first device relative to EfficientNet-B0.
    """

    repeats: int
    predictors: list[str]
    ways: list[str]
    budgets: list[int]
    top: int
    rounds: int
    ratio: float


@dataclass(frozen=True)
class Trial(Cell):
    """One way of spending a number of measurements; `predictor` is `RANDOM` where nothing is predicted."""

    budget: int
    predictor: str
    way: str
    seed: int


class Delivered(NamedTuple):
    """The network that a way delivers, as a row of the table, and the accuracy that it promises."""

    row: int
    promised: float


class Pool:
    """What a study may ask about, where measuring is looking up: some networks, int8[n, n_genes], see `Candidates`."""

    def __init__(self, space: SearchSpace, networks: Population) -> None:
        self.space, self._networks = space, networks

    def feasible(self, population: Population) -> npt.NDArray[np.bool_]:
        """Whether they are of the pool, bool[n]."""
        return np.array([(self._networks == row).all(axis=1).any() for row in population], bool)

    def draw(self, n: int, known: Population, rng: np.random.Generator) -> Population:
        """Up to n at random."""
        return rng.permutation(rows_without(self._networks, known))[:n]

    def best(self, ranker: Ranker, n: int, known: Population, rng: np.random.Generator) -> Population:
        """Up to n, best first."""
        others = rows_without(self._networks, known)
        return np.asarray(others[np.argsort(-ranker.strengths(others), kind="stable")][:n])


class Verification(Experiment[Trial]):
    """Regret of the network that each way delivers, and how much it promised too much."""

    name: ClassVar[str] = "verification"
    cell: ClassVar[type[Cell]] = Trial

    def __init__(self, run: Run, options: VerificationOptions) -> None:
        self._bench, self._options, metric = run.workbench, options, run.settings.accuracy.metric
        table, entry = self._bench.table, self._bench.devices[0]
        try:
            self._seen, self._unseen = (table.target(f"{metric}_half{half}") for half in (1, 2))
        except TableError as error:
            raise InvalidInput(f"experiment=verification needs the metric on two halves of people: {error}") from error
        bound = options.ratio * entry.latency.reference(REFERENCE).value
        self._feasible = entry.latency.predict(table.genotypes) <= bound
        self._device = entry.device.name
        least = options.top * options.rounds + 10
        for budget in options.budgets:
            if not least <= budget <= len(table):
                raise InvalidInput(
                    f"experiment.budgets has {budget}; give {least} ({options.rounds} rounds of {options.top}, and 10 "
                    f"to begin with) to {len(table)}, the rows of the table."
                )
        self.fingerprint = self._bench.fingerprint(metric, options.top, options.rounds, options.ratio, self._device)

    def cells(self) -> list[Trial]:
        """Every budget, predictor, way and seed; spending at random needs no predictor."""
        options = self._options
        pairs = [(name, way) for name in options.predictors for way in options.ways]
        return [
            Trial(budget, name, way, seed)
            for budget in options.budgets
            for name, way in [(RANDOM, RANDOM), *pairs]
            for seed in range(options.repeats)
        ]

    def measure(self, cell: Trial) -> list[Row]:
        """One trial; all ways of a seed begin with the same networks."""
        order = np.random.default_rng(cell.seed).permutation(len(self._bench.table))
        rng = np.random.default_rng([cell.seed, cell.budget])
        winner, promised = self._try(cell, order, rng)
        seen, unseen = self._seen, self._unseen
        offset = float(seen.mean() - unseen.mean())  # the two halves of the people are not equally hard
        return [
            {
                "regret": float(unseen[self._feasible].max() - unseen[winner]),
                "regret_seen": float(seen[self._feasible].max() - seen[winner]),
                "optimism": promised - offset - float(unseen[winner]),
                "winner": winner,
            }
        ]

    def report(self, rows: Sequence[Row]) -> Report:
        """A table per budget, and regret by budget for the ways."""
        parts, pictures = [self._introduction()], {}
        for budget in dict.fromkeys(row["budget"] for row in rows):
            lines = summarise([row for row in rows if row["budget"] == budget], ("predictor", "way"), MEASURED)
            cells = [[*line.at.values(), *[mean_text(line, name) for name in MEASURED]] for line in lines]
            header = ["predictor", "way", "regret, other people", "regret, same people", "promised minus found"]
            parts.append(f"## {budget} measurements\n\n{markdown.table(header, cells)}")
        curves = [
            curve(
                summarise([row for row in rows if row["way"] == way], ["budget"], ["regret"]),
                "budget",
                "regret",
                way,
                i,
            )
            for i, way in enumerate((*self._options.ways, RANDOM))
        ]
        pictures["regret"] = picture(curves, "measurements", "regret on other people, mean over predictors")
        parts.append(markdown.image(self.name, "regret", "Regret by measurements"))
        return Report("Measuring what a predictor recommends", "\n\n".join(parts), pictures)

    def _introduction(self) -> str:
        options, n = self._options, int(self._feasible.sum())
        ways = [
            f"- `{way}`: {text.format(top=options.top, rounds=options.rounds)}."
            for way, text in WAYS.items()
            if way in (*options.ways, RANDOM)
        ]
        return (
            f"{len(self._bench.table)} measured subnets are the pool; {n} of them meet {options.ratio:g} x "
            f"EfficientNet-B0 on {self._device}, and the best of these is sought. Regret is what the delivered "
            "network lacks to it. Networks are measured on half of the people and judged on the other half; on both, "
            "the best of the pool owes something to luck, so that no way can reach a regret of zero there. Promised "
            "minus found: the value announced (predicted, or measured on the first half) minus that on the others, "
            "corrected for the halves' means. "
            f"Mean ± 95 % interval over {options.repeats} seeds.\n\n" + "\n".join(ways)
        )

    def _try(self, cell: Trial, order: Indices, rng: np.random.Generator) -> Delivered:
        options, budget, way = self._options, cell.budget, cell.way
        if way == RANDOM:
            return self._best_measured(order[:budget])
        if way == BELIEVED:
            ranker, pool = self._fit(cell.predictor, order[:budget], rng), np.flatnonzero(self._feasible)
            winner = pool[np.argmax(ranker.strengths(self._genotypes(pool)))]
            return Delivered(int(winner), float(ranker.predicted_accuracy(self._genotypes(winner[None]))[0]))
        rounds = 1 if way == VERIFIED else options.rounds
        study = self._study(cell, rng)
        known = order[: budget - rounds * options.top]
        study.tell_many(self._genotypes(known), self._seen[known])
        for _ in range(rounds):
            asked = np.array([self._row(genotype) for genotype in study.ask(options.top)], np.intp)
            study.tell_many(self._genotypes(asked), self._seen[asked])
            known = np.concatenate([known, asked])
        return self._best_measured(known)

    def _study(self, cell: Trial, rng: np.random.Generator) -> Study:
        """Asks about networks of the table within the budget of latency."""
        space = self._bench.space

        def fit(networks: Population, targets: Targets) -> Ranker:
            return fit_ranker(space, build_component("predictor", {"name": cell.predictor}), networks, targets, rng)

        pool = Pool(space, self._bench.table.genotypes[self._feasible])
        return Study(pool, fit, acquisition=ACQUISITIONS[cell.way], n_startup=0)

    def _row(self, genotype: Mapping[str, list[int]]) -> int:
        """Of the table, by genotype."""
        space = self._bench.space
        return self._rows[space.to_text(space.from_dict(genotype))]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {self._bench.space.to_text(row): number for number, row in enumerate(self._bench.table.genotypes)}

    def _best_measured(self, known: Indices) -> Delivered:
        """Of the measured networks within the budget; of all where none is."""
        within = known[self._feasible[known]]
        rows = within if len(within) else known
        winner = int(rows[np.argmax(self._seen[rows])])
        return Delivered(winner, float(self._seen[winner]))

    def _genotypes(self, rows: Indices) -> npt.NDArray[np.int8]:
        return self._bench.table.genotypes[rows]

    def _fit(self, name: str, known: Indices, rng: np.random.Generator) -> Ranker:
        predictor = build_component("predictor", {"name": name})
        return fit_ranker(self._bench.space, predictor, self._genotypes(known), self._seen[known], rng)


def build(run: Run, options: Mapping[str, object]) -> Verification:
    """The experiment from the options of conf/experiment/verification.yaml."""
    made = typed(VerificationOptions, options)
    for way in made.ways:
        if way not in WAYS or way == RANDOM:
            raise UnknownName("way of measuring", way, [name for name in WAYS if name != RANDOM])
    for name in made.predictors:
        if name not in REGISTRY.names("predictor"):
            raise UnknownName("predictor", name, REGISTRY.names("predictor"))
    return Verification(run, made)
