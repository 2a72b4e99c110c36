"""Evaluate LightGBM trees over pairs of networks, with the work per network done once.

A comparator's trees read the concatenated features of two networks. Following QuickScorer (Lucchese et al., SIGIR
2015), every tree keeps one bit per leaf, leaves numbered from left to right. A split whose test `value <= threshold` is
false rules out the leaves of its left branch; after the masks of all false splits are and-ed, the lowest bit left is
the leaf that is reached. And-ing is associative, so the masks of the first network's features and those of the second's
are computed apart, once per network, and one `&` per tree is left for a pair. The scores are the library's own up to
the order of the summation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.spaces import Features

MAX_LEAVES: Final = 64
_BLOCK: Final = 4096


@dataclass(frozen=True)
class _Split:
    """Test `value of feature <= threshold` of one tree, and the leaves [first, last) of its left branch."""

    tree: int
    feature: int
    threshold: float
    first: int
    last: int


class PairForest:
    """The trees of a LightGBM model whose rows are two networks' features side by side.

    Args:
        text: The model in LightGBM's text format.

    Raises:
        InvalidInput: The text is no such model, or has trees of more than 64 leaves or with categorical splits.
    """

    def __init__(self, text: str) -> None:
        try:
            header, *trees = text.split("\nend of trees")[0].split("\nTree=")
            self.n_features = (int(_fields(header)["max_feature_idx"]) + 1) // 2
            self._read([_fields(tree) for tree in trees])
        except (KeyError, ValueError, IndexError) as error:
            raise InvalidInput(
                f"The text is not a LightGBM model of pairs of networks ({error}); fit it again."
            ) from error

    def masks(self, x: Features) -> npt.NDArray[Any]:
        """Leaves that each network leaves open as the first and as the second of a pair, uint[n, 2, n_trees].

        Args:
            x: float32[n, n_features].
        """
        masks = np.full((len(x), 2, self.n_trees), ~self._dtype(0), self._dtype)
        for column, thresholds, table in self._tables:
            masks &= table[np.searchsorted(thresholds, x[:, column])]
        return masks

    def raw(self, first: npt.NDArray[Any], second: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Sum of the leaves reached by pairs, float64[n]; arguments are rows of `masks`."""
        scores = np.empty(len(first))
        for start in range(0, len(first), _BLOCK):
            rows = slice(start, start + _BLOCK)
            scores[rows] = self._raw(first[rows, 0] & second[rows, 1])
        return scores

    def _raw(self, open_leaves: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        lowest = open_leaves & (~open_leaves + self._dtype(1))
        leaf = np.bitwise_count(lowest - self._dtype(1))
        return np.asarray(self._values.take(leaf + self._offsets).sum(axis=1))

    def _read(self, trees: list[dict[str, str]]) -> None:
        self.n_trees = len(trees)
        splits: list[_Split] = []
        values: list[float] = []
        offsets: list[int] = []
        for index, tree in enumerate(trees):
            offsets.append(len(values))
            values += _read_tree(index, tree, splits)
        most = max((b - a for a, b in zip(offsets, [*offsets[1:], len(values)], strict=True)), default=1)
        self._dtype = np.uint32 if most <= 32 else np.uint64
        self._values, self._offsets, self._splits = np.array(values), np.array(offsets, np.intp), splits

    @cached_property
    def _tables(self) -> list[tuple[int, npt.NDArray[np.float64], npt.NDArray[Any]]]:
        """Per feature in use: thresholds, and uint[n_thresholds + 1, 2, n_trees], masks by number of false tests."""
        tables = []
        for column in range(self.n_features):
            own = [split for split in self._splits if split.feature % self.n_features == column]
            thresholds = np.unique([split.threshold for split in own])
            table = np.full((len(thresholds) + 1, 2, self.n_trees), ~self._dtype(0), self._dtype)
            for split in own:
                left = ((1 << (split.last - split.first)) - 1) << split.first
                false = np.searchsorted(thresholds, split.threshold) + 1
                table[false:, split.feature // self.n_features, split.tree] &= ~self._dtype(left)
            if own:
                tables.append((column, thresholds, table))
        return tables


def _fields(section: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in section.splitlines() if "=" in line)


def _read_tree(index: int, tree: dict[str, str], splits: list[_Split]) -> list[float]:
    """Values of one tree's leaves from left to right; its splits are appended to `splits`."""
    leaves = [float(word) for word in tree["leaf_value"].split()]
    if len(leaves) > MAX_LEAVES or int(tree["num_cat"]):
        raise ValueError(f"tree {index} has {len(leaves)} leaves and {tree['num_cat']} categorical splits")
    if len(leaves) == 1:
        return leaves
    feature, threshold = tree["split_feature"].split(), tree["threshold"].split()
    left, right = ([int(word) for word in tree[key].split()] for key in ("left_child", "right_child"))
    order: list[float] = []

    def walk(node: int) -> None:
        if node < 0:  # LightGBM writes leaf i as ~i
            order.append(leaves[~node])
            return
        first = len(order)
        walk(left[node])
        splits.append(_Split(index, int(feature[node]), float(threshold[node]), first, len(order)))
        walk(right[node])

    walk(0)
    return order
