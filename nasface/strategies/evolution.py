"""Evolutionary search: Algorithm 1 of the paper in its sane reading, and what makes it reach the optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nasface.errors import InvalidInput
from nasface.registry import register
from nasface.selectors import Selector
from nasface.spaces import Population, distinct_rows
from nasface.strategies._base import HistoryRow, Problem, SearchResult, SearchStrategy
from nasface.strategies._breeding import feasible_children
from nasface.strategies._finalists import finalists
from nasface.strategies._starts import exact_starts
from nasface.strategies.feasible import feasible_start
from nasface.strategies.state import EvolutionState, StateFile

_ROWS = 50
"""Of the history, spread over the generations."""


@dataclass
class EvolutionPaperConfig:
    """Parameters of the search, with the names of the paper and of OFA.

    Attributes:
        generations: T.
        population: P, networks at the start and children per generation.
        parent_ratio: Kr, share of P that is kept as parents.
        mutation_ratio: Mr, share of P made by mutation; the rest of the children are crossovers.
        mutate_probability: Pm, chance of every unit of change (block, depth) to be redrawn.
        state: File from which a search that was interrupted goes on; None keeps no state.
    """

    name: str = "evolution_paper"
    generations: int = 500
    population: int = 100
    parent_ratio: float = 0.25
    mutation_ratio: float = 0.5
    mutate_probability: float = 0.1
    state: str | None = None


@dataclass
class EvolutionConfig(EvolutionPaperConfig):
    """Parameters of the search: those of `evolution_paper`, and two more.

    Attributes:
        restarts: The generations are divided: so many populations evolve one after another, each from a random start,
            then their parents together.
        exact_starts: Networks of the best stage-wise score, found exactly, in the first population; 0 for none.
    """

    name: str = "evolution"
    restarts: int = 4
    exact_starts: int = 16


@register("search", "evolution_paper", config=EvolutionPaperConfig)
class EvolutionPaper(SearchStrategy):
    """The paper's Algorithm 1: selection of parents by the selector, mutation and crossover under the constraints.

    Source: Savchenko et al. 2023, Algorithm 1, read as Once-for-All's code does it (Cai et al. 2020) where the listing
    cannot be meant: parents stay in the population, P - M children are crossovers of two parents drawn with
    replacement, children that break a constraint are made anew (here a bounded number of times, then the parent stands
    in for its child), and the winner is the best of the last population including its parents. Equal networks count
    once. Ties go to the network that was there first.
    """

    restarts = 0
    exact_starts = 0

    config: EvolutionPaperConfig

    def __init__(self, config: EvolutionPaperConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or EvolutionPaperConfig(), selector
        _check(self.config)

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol.

        Raises:
            InfeasibleConstraint: No network of the space meets the constraints.
            InvalidInput: The state file is of another search.
        """
        config = self.config
        file = StateFile.of(config.state, problem, self, rng)
        progress = file.read(problem, rng, config.generations) or self._begin(problem, rng)
        for generation in range(progress.generation, config.generations):
            progress.generation = generation
            self._generation(progress, problem, rng)
            file.save(progress, rng)
            note = f"{len(progress.population)} distinct networks, {progress.counters['pairs']} pairs compared"
            problem.progress(generation + 1, config.generations, note)
        found = finalists(progress.population, problem.ranker, self.selector, rng)
        return SearchResult(found[0], found, tuple(progress.history), progress.counted(problem), progress.remarks)

    def _begin(self, problem: Problem, rng: np.random.Generator) -> EvolutionState:
        """The first population: networks that the user knows, the best by a stage-wise score, and random ones."""
        progress = EvolutionState.begin(problem)
        start = feasible_start(problem, rng, self.config.population)
        exact = exact_starts(problem, self.exact_starts, rng)
        progress.population = distinct_rows(np.concatenate([problem.warm_start.networks, exact, start]))
        progress.counters["distinct"] = len(progress.population)
        progress.remarks = problem.warm_start.remarks
        return progress

    def _generation(self, progress: EvolutionState, problem: Problem, rng: np.random.Generator) -> None:
        """Parents, and children beside them; at the end of a phase another start, or all phases' parents together."""
        config, generation = self.config, progress.generation
        phases = min(self.restarts + 1, config.generations)
        n_parents = round(config.population * config.parent_ratio)
        parents = self._best(progress.population, n_parents, problem, rng)
        n_mutants = round(config.population * config.mutation_ratio)
        children = feasible_children(problem, rng, parents, config.population, n_mutants, config.mutate_probability)
        progress.population = distinct_rows(np.concatenate([parents, children]))
        progress.counters["distinct"] += len(progress.population) - len(parents)
        if generation % max(1, config.generations // _ROWS) == 0:
            progress.history.append(self._row(progress, parents, problem, rng))
        ends = [math.ceil(config.generations * phase / phases) for phase in range(1, phases)]
        if generation + 1 in ends:
            best = self._best(progress.population, n_parents, problem, rng)
            progress.kept = distinct_rows(np.concatenate([progress.kept, best]))
            last = generation + 1 == ends[-1]
            progress.population = progress.kept if last else feasible_start(problem, rng, config.population)
        progress.generation = generation + 1
        progress.count(problem)

    def _best(self, population: Population, k: int, problem: Problem, rng: np.random.Generator) -> Population:
        k = min(k, len(population))
        best: Population = population[self.selector.top_k(population, k, problem.ranker, rng)]
        return best

    def _row(
        self, progress: EvolutionState, parents: Population, problem: Problem, rng: np.random.Generator
    ) -> HistoryRow:
        best = self._best(parents, 1, problem, rng)[0]
        counters = progress.counted(problem)
        return {
            "generation": progress.generation,
            "calls": counters["calls"],
            "pairs": counters["pairs"],
            "best": problem.space.to_text(best),
            "distinct": len(progress.population),
        }


@register("search", "evolution", config=EvolutionConfig)
class Evolution(EvolutionPaper):
    """Algorithm 1 with restarts and exact starts: within a hundredth of the reachable range from the optimum.

    One population converges, and then rarely leaves what it has converged to; four short ones whose parents are joined
    do better in the same number of generations. Where space and costs decompose over stages, the first population also
    holds the best networks by a stage-wise score.
    """

    config: EvolutionConfig

    def __init__(self, config: EvolutionConfig | None = None, *, selector: Selector) -> None:
        config = config or EvolutionConfig()
        super().__init__(config, selector=selector)
        if config.restarts < 0 or config.exact_starts < 0:
            raise InvalidInput(
                f"search.restarts is {config.restarts} and search.exact_starts {config.exact_starts}; "
                "give 0 or more of each."
            )
        self.restarts, self.exact_starts = config.restarts, config.exact_starts


def _check(config: EvolutionPaperConfig) -> None:
    if config.generations < 1:
        raise InvalidInput(f"search.generations is {config.generations}; give 1 or more.")
    if config.population < 4:
        raise InvalidInput(f"search.population is {config.population}; give 4 or more.")
    for key in ("parent_ratio", "mutation_ratio", "mutate_probability"):
        if not 0 < getattr(config, key) <= 1:
            raise InvalidInput(f"search.{key} is {getattr(config, key)}; give a number above 0, at most 1.")
    if round(config.population * config.parent_ratio) < 2:
        raise InvalidInput(
            f"search.parent_ratio {config.parent_ratio} of a population of {config.population} leaves fewer than "
            f"two parents; give {2 / config.population:.2g} or more."
        )
