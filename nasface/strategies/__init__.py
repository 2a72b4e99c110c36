"""Searches: the best network of a space under constraints."""

from nasface.strategies._base import (
    ROUNDING,
    Constraint,
    Problem,
    Progress,
    SearchResult,
    SearchStrategy,
    VerifiedConfig,
    no_progress,
)
from nasface.strategies._finalists import N_FINALISTS
from nasface.strategies._fronts import ParetoFront
from nasface.strategies._knapsack import Front, merge_fronts
from nasface.strategies.evolution import Evolution, EvolutionConfig, EvolutionPaper, EvolutionPaperConfig
from nasface.strategies.exact import Exact, ExactConfig
from nasface.strategies.feasible import feasible_start
from nasface.strategies.local import LocalSearch, LocalSearchConfig
from nasface.strategies.pareto import Pareto, ParetoConfig
from nasface.strategies.random import RandomSearch, RandomSearchConfig

__all__ = [
    "N_FINALISTS",
    "ROUNDING",
    "Constraint",
    "Evolution",
    "EvolutionConfig",
    "EvolutionPaper",
    "EvolutionPaperConfig",
    "Exact",
    "ExactConfig",
    "Front",
    "LocalSearch",
    "LocalSearchConfig",
    "Pareto",
    "ParetoConfig",
    "ParetoFront",
    "Problem",
    "Progress",
    "RandomSearch",
    "RandomSearchConfig",
    "SearchResult",
    "SearchStrategy",
    "VerifiedConfig",
    "feasible_start",
    "merge_fronts",
    "no_progress",
]
