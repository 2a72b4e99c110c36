"""Searches: the best network of a space under constraints."""

from nasface.strategies._base import (
    Constraint,
    Problem,
    Progress,
    SearchResult,
    SearchStrategy,
    VerifiedConfig,
    no_progress,
)
from nasface.strategies._fronts import ParetoFront
from nasface.strategies.evolution import Evolution, EvolutionConfig, EvolutionPaper, EvolutionPaperConfig
from nasface.strategies.exact import Exact, ExactConfig
from nasface.strategies.feasible import feasible_start
from nasface.strategies.local import LocalSearch, LocalSearchConfig
from nasface.strategies.pareto import Pareto, ParetoConfig
from nasface.strategies.random import RandomSearch, RandomSearchConfig

__all__ = [
    "Constraint",
    "Evolution",
    "EvolutionConfig",
    "EvolutionPaper",
    "EvolutionPaperConfig",
    "Exact",
    "ExactConfig",
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
    "no_progress",
]
