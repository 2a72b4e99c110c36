"""Searches: the best network of a space under constraints."""

import sys
from types import ModuleType
from typing import Any

from nasface.search._base import Constraint, Problem, SearchResult, SearchStrategy, VerifiedConfig, no_progress
from nasface.search._fronts import ParetoFront
from nasface.search.evolution import Evolution, EvolutionConfig, EvolutionPaper, EvolutionPaperConfig
from nasface.search.exact import Exact, ExactConfig
from nasface.search.feasible import feasible_start
from nasface.search.local import LocalSearch, LocalSearchConfig
from nasface.search.pareto import Pareto, ParetoConfig
from nasface.search.random import RandomSearch, RandomSearchConfig

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
    "RandomSearch",
    "RandomSearchConfig",
    "SearchResult",
    "SearchStrategy",
    "VerifiedConfig",
    "feasible_start",
    "no_progress",
]


class _Callable(ModuleType):
    """Lets `nasface.search(...)` be the main job although `nasface.search` is also this package."""

    def __call__(self, **options: Any) -> Any:
        """See `nasface.api.search`."""
        from nasface.api import search

        return search(**options)


sys.modules[__name__].__class__ = _Callable
