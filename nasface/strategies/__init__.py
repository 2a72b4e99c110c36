"""Searches: the best network of a space under constraints."""

from nasface.strategies._base import (
    ROUNDING,
    Constraint,
    HistoryRow,
    ParetoFront,
    Problem,
    Progress,
    Region,
    SearchResult,
    SearchStrategy,
    WarmStart,
    no_progress,
)
from nasface.strategies._breeding import feasible_children
from nasface.strategies._extremes import Extremes, extremes
from nasface.strategies._finalists import N_FINALISTS, finalists
from nasface.strategies._fronts import undominated
from nasface.strategies._tally import Tally
from nasface.strategies.candidates import Candidates, Searcher
from nasface.strategies.evolution import Evolution, EvolutionConfig, EvolutionPaper, EvolutionPaperConfig
from nasface.strategies.exact import Exact, ExactConfig
from nasface.strategies.feasible import feasible_start
from nasface.strategies.knapsack import KnapsackFront, merge_fronts
from nasface.strategies.local import LocalSearch, LocalSearchConfig
from nasface.strategies.pareto import Pareto, ParetoConfig
from nasface.strategies.random import RandomSearch, RandomSearchConfig
from nasface.strategies.study import Genotype, Study, Trial
from nasface.strategies.study_file import StudyFile

__all__ = [
    "N_FINALISTS",
    "ROUNDING",
    "Candidates",
    "Constraint",
    "Evolution",
    "EvolutionConfig",
    "EvolutionPaper",
    "EvolutionPaperConfig",
    "Exact",
    "ExactConfig",
    "Extremes",
    "Genotype",
    "HistoryRow",
    "KnapsackFront",
    "LocalSearch",
    "LocalSearchConfig",
    "Pareto",
    "ParetoConfig",
    "ParetoFront",
    "Problem",
    "Progress",
    "RandomSearch",
    "RandomSearchConfig",
    "Region",
    "SearchResult",
    "SearchStrategy",
    "Searcher",
    "Study",
    "StudyFile",
    "Tally",
    "Trial",
    "WarmStart",
    "extremes",
    "feasible_children",
    "feasible_start",
    "finalists",
    "merge_fronts",
    "no_progress",
    "undominated",
]
