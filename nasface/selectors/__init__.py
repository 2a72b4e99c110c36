"""Selectors: the K best rows of a population by a comparator."""

from nasface.selectors._base import Selector
from nasface.selectors.full_sort import FullSort, FullSortConfig
from nasface.selectors.heap import Heap, HeapConfig
from nasface.selectors.quickselect import QuickSelect, QuickSelectConfig
from nasface.selectors.tournament import Tournament, TournamentConfig

__all__ = [
    "FullSort",
    "FullSortConfig",
    "Heap",
    "HeapConfig",
    "QuickSelect",
    "QuickSelectConfig",
    "Selector",
    "Tournament",
    "TournamentConfig",
]
