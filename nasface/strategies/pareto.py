"""The front of accuracy against costs: exact where the score decomposes, else by NSGA-II."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from nasface.costs import Cost
from nasface.errors import InvalidInput, MissingDependency, UnknownName
from nasface.registry import register
from nasface.selectors import Selector
from nasface.spaces import Population, distinct_rows
from nasface.strategies._base import ParetoFront, Problem, SearchResult, SearchStrategy
from nasface.strategies._finalists import finalists
from nasface.strategies._fronts import exact_front, undominated
from nasface.strategies._tally import Tally
from nasface.strategies.feasible import feasible_start


class Individual(Protocol):
    """One network of pymoo's population."""

    X: npt.NDArray[np.integer]


Genes = npt.NDArray[np.integer]
Values = npt.NDArray[np.float64]

_MOST_OBJECTIVES: Final = 3
_USUAL: Final = ("latency_ms", "peak_memory_mb")


@dataclass
class ParetoConfig:
    """Parameters of the search.

    Attributes:
        objectives: Costs to trade accuracy against, one to three of latency_ms, params_m, macs_m, model_mb,
            peak_memory_mb; None takes latency and peak memory, or what is bounded where these are not known.
        generations: Of NSGA-II.
        population: Networks of NSGA-II.
        mutate_probability: Of NSGA-II: chance of every unit of change (block, depth) to be redrawn.
        precisions: One front over files of several precisions, e.g. [float32,int8], exporter.precision among them;
            empty for that one alone. The task puts it together of the fronts of each.
        int8_effect: What int8 adds to a network's accuracy and its standard deviation between networks, as
            experiment=quantisation measures them, e.g. [0.0,0.0003]; null: known of the demo's AUC alone.
    """

    name: str = "pareto"
    objectives: list[str] | None = None
    generations: int = 200
    population: int = 100
    mutate_probability: float = 0.1
    precisions: list[str] = field(default_factory=list)
    int8_effect: list[float] | None = None


@register("search", "pareto", config=ParetoConfig)
class Pareto(SearchStrategy):
    """The whole front of accuracy, latency and memory within the bounds; its most accurate network is the winner.

    Exact where the predictor's score is a sum over stages, the objectives are one sum and at most one maximum over
    stages (latency and peak memory are), and nothing else is bounded. Else NSGA-II (Deb et al. 2002; pymoo) with the
    space's own mutation and crossover. A comparator's networks are judged by their win rates against the table.
    """

    config: ParetoConfig

    def __init__(self, config: ParetoConfig | None = None, *, selector: Selector) -> None:
        self.config, self.selector = config or ParetoConfig(), selector
        given = self.config.objectives
        if given is not None and not 1 <= len(given) <= _MOST_OBJECTIVES:
            raise InvalidInput(f"search.objectives is {list(given)}; give one to three costs.")
        if self.config.generations < 1 or self.config.population < 4 or not 0 < self.config.mutate_probability <= 1:
            raise InvalidInput(
                f"search.generations is {self.config.generations}, search.population {self.config.population} and "
                f"search.mutate_probability {self.config.mutate_probability}; give 1 or more, 4 or more, and a number "
                "above 0, at most 1."
            )

    def run(self, problem: Problem, rng: np.random.Generator) -> SearchResult:
        """Search; see the module's protocol.

        Raises:
            InfeasibleConstraint: No network of the space meets the constraints.
            MissingDependency: NSGA-II is needed, and pymoo is not installed.
            UnknownName: An objective is none of the problem's costs.
        """
        costs, ranker = _objectives(problem, self.config.objectives), problem.ranker
        tally = Tally(problem)
        feasible_start(problem, rng, 1)  # says at once what cannot be met
        scores = ranker.decompose()
        proven = None if scores is None else exact_front(problem, costs, scores)
        seen = 0
        if proven is None:
            population, seen = _nsga2(problem, costs, self.config, rng)
            values = np.stack([cost.predict(population) for cost in costs], axis=1)
            population = population[undominated(ranker.strengths(population), values)]
        else:
            population = proven[0]
            problem.progress(1, 1, f"{len(population)} networks on the front")
        name = ranker.predictor.config.name
        labels = tuple(cost.title for cost in costs)
        values = np.stack([cost.predict(population) for cost in costs], axis=1)
        keys = tuple(cost.name for cost in costs)
        front = ParetoFront(population, values, labels, keys, proven is not None, name)
        found = finalists(population, ranker, self.selector, rng)
        seen = seen or len(population)
        tally.generation(found[0], seen)
        generations = self.config.generations if proven is None else 1
        counters = {"generations": generations, "front": len(population)}
        return tally.result(found, seen, remarks=(_remark(front),), front=front, counters=counters)


def _objectives(problem: Problem, given: list[str] | None) -> list[Cost]:
    """The problem's costs of these names; a name that several devices share stands for all of them."""
    bounded = [constraint.cost for constraint in problem.constraints]
    known = [*problem.costs, *bounded]
    names = given or [name for name in _USUAL if any(cost.name == name for cost in known)]
    names = names or list(dict.fromkeys(cost.name for cost in bounded))[:_MOST_OBJECTIVES]
    if not names:
        raise InvalidInput("search=pareto needs a cost to trade accuracy against; give search.objectives or a bound.")
    found: dict[str, Cost] = {}
    for name in names:
        own = {cost.label: cost for cost in known if cost.name == name}
        if not own:
            raise UnknownName("objective", name, sorted({cost.name for cost in known}))
        found |= own
    return list(found.values())


def _remark(front: ParetoFront) -> str:
    how = (
        f"exact for {front.origin}'s score"
        if front.exact
        else f"what NSGA-II found by {front.origin}, without proof of completeness"
    )
    return f"The front of {len(front.population)} networks (accuracy, {', '.join(front.keys)}) is {how}."


def _nsga2(
    problem: Problem, costs: list[Cost], config: ParetoConfig, rng: np.random.Generator
) -> tuple[Population, int]:
    """Feasible networks of the last population, and how many were looked at."""
    try:
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.crossover import Crossover
        from pymoo.core.duplicate import ElementwiseDuplicateElimination
        from pymoo.core.mutation import Mutation
        from pymoo.core.problem import Problem as Objectives
        from pymoo.optimize import minimize
    except ImportError as error:
        raise MissingDependency("pymoo", "pareto", "search=pareto with this predictor or these bounds") from error
    space = problem.space

    class Networks(Objectives):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(n_var=space.n_genes, n_obj=1 + len(costs), n_ieq_constr=len(problem.constraints))

        def _evaluate(self, x: Genes, out: dict[str, Values], *_: object, **__: object) -> None:
            rows = x.astype(np.int8)
            out["F"] = np.column_stack([-problem.ranker.strengths(rows), *[cost.predict(rows) for cost in costs]])
            if problem.constraints:
                over: list[npt.NDArray[np.float64]] = [
                    (c.cost.predict(rows) - c.bound) / abs(c.bound) for c in problem.constraints
                ]
                out["G"] = np.column_stack(over)

    class Cross(Crossover):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(2, 1, prob=0.5)

        def _do(self, _: object, x: Genes, **__: object) -> Population:
            return np.asarray(space.crossover(rng, x[0].astype(np.int8), x[1].astype(np.int8))[None])

    class Mutate(Mutation):  # type: ignore[misc]
        def _do(self, _: object, x: Genes, **__: object) -> Population:
            return np.asarray(space.mutate(rng, x.astype(np.int8), config.mutate_probability))

    class Equal(ElementwiseDuplicateElimination):  # type: ignore[misc]
        def is_equal(self, a: Individual, b: Individual) -> bool:
            return bool((a.X == b.X).all())

    known = problem.warm_start.networks
    start = distinct_rows(np.concatenate([known, feasible_start(problem, rng, config.population)]))
    algorithm = NSGA2(
        pop_size=config.population, sampling=start, crossover=Cross(), mutation=Mutate(), eliminate_duplicates=Equal()
    )

    def progress(state: NSGA2) -> None:
        problem.progress(state.n_gen, config.generations, f"{len(state.opt)} networks on the front")

    result = minimize(
        Networks(),
        algorithm,
        ("n_gen", config.generations),
        seed=int(rng.integers(2**31)),
        callback=progress,
    )
    rows = np.asarray(result.pop.get("X"), np.int8)
    problem.progress(config.generations, config.generations, "done")
    kept: Population = np.unique(rows[problem.feasible(rows)], axis=0)
    return kept, int(result.algorithm.evaluator.n_eval)
