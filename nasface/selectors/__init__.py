"""Selectors: the K best rows of a population by a comparator."""

from nasface.selectors._base import Selector
from nasface.selectors.full_sort import FullSort, FullSortConfig
from nasface.selectors.quickselect import QuickSelect, QuickSelectConfig

__all__ = ["FullSort", "FullSortConfig", "QuickSelect", "QuickSelectConfig", "Selector"]
