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
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.predictors._base import Digests
from nasface.spaces import Features

Masks = npt.NDArray[np.unsignedinteger]
"""Bits of open leaves, in as many as the trees need."""

MAX_LEAVES: Final = 64

OBJECTIVE: Final = "binary sigmoid:1"
"""As LightGBM writes it: probabilities are the logistic function of the sum."""

_MISSING: Final = 0b1100
"""Bits of a split's decision_type that say what counts as missing: nothing (0), zeros or NaN."""

_BLOCK: Final = 256
"""Rows at a time, so that intermediate results stay in the processor's cache."""

_COMBINED: Final = 256
"""Rows of the table that several neighbouring features share."""

_LEVELS: Final = 64
"""Features whose values are whole numbers below this are looked up instead of searched."""


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
        InvalidInput: The text is no such model, or has what is not computed here: more than 64 leaves in a tree,
            categorical splits, missing values, linear models in leaves, averages, another objective than log loss.
    """

    def __init__(self, text: str) -> None:
        try:
            header, *trees = text.split("\nend of trees")[0].split("\nTree=")
            self.n_features = _pair_features(header)
            self._read([_fields(tree) for tree in trees])
        except (KeyError, ValueError, IndexError, OverflowError) as error:
            raise InvalidInput(
                f"The text is not a LightGBM model of pairs of networks of lightgbm_nac ({error}); fit it again."
            ) from error

    def masks(self, x: Features) -> Digests:
        """Leaves that each network leaves open as the first and as the second of a pair, uint[n, 2, n_trees].

        Args:
            x: float32[n, n_features].

        Raises:
            ValueError: Another number of features.
        """
        if x.shape[1] != self.n_features:
            raise ValueError(f"{x.shape[1]} features, and the trees know {self.n_features}")
        tables = self._tables
        codes = tables.codes(np.asarray(x))
        masks = np.empty((len(x), 2 * self.n_trees), self._dtype)
        for start in range(0, len(x), _BLOCK):
            rows = slice(start, start + _BLOCK)
            np.bitwise_and.reduce(tables.masks.take(codes[rows], axis=0), axis=1, out=masks[rows])
        return masks.reshape(len(x), 2, self.n_trees)

    def raw(self, first: Digests, second: Digests) -> npt.NDArray[np.float64]:
        """Sum of the leaves reached by pairs, float64[n]; arguments are rows of `masks`, of which one may be alone."""
        return self._sums(first[:, None, 0], second[:, None, 1])[:, 0]

    def raw_both(self, first: Digests, second: Digests) -> npt.NDArray[np.float64]:
        """`raw(first, second)` and `raw(second, first)`, float64[n, 2]."""
        return self._sums(first, second[:, ::-1])

    def _sums(self, first: Digests, second: Digests) -> npt.NDArray[np.float64]:
        """float64[n, m] for masks uint[n or 1, m, n_trees]."""
        if len(first) <= _BLOCK and len(second) <= _BLOCK:
            return self._reached(first & second)
        first, second = np.broadcast_arrays(first, second)
        blocks = range(0, len(first), _BLOCK)
        return np.concatenate([self._reached(first[i : i + _BLOCK] & second[i : i + _BLOCK]) for i in blocks])

    def _reached(self, open_leaves: Digests) -> npt.NDArray[np.float64]:
        """Sum over the trees of the value of the lowest open leaf."""
        leaf = np.bitwise_count(~open_leaves & (open_leaves - self._dtype(1)))
        return np.asarray(self._values.take(leaf + self._offsets).sum(axis=-1))

    def _read(self, trees: list[dict[str, str]]) -> None:
        self.n_trees = len(trees)
        splits: list[_Split] = []
        values: list[float] = []
        offsets: list[int] = []
        for index, tree in enumerate(trees):
            offsets.append(len(values))
            values += _read_tree(index, tree, splits)
        if not all(0 <= split.feature < 2 * self.n_features for split in splits):
            raise ValueError(f"it tests features beyond its {2 * self.n_features}")
        most = max((b - a for a, b in zip(offsets, [*offsets[1:], len(values)], strict=True)), default=1)
        self._dtype = np.uint32 if most <= 32 else np.uint64
        self._values, self._offsets, self._splits = np.array(values), np.array(offsets, np.intp), splits

    @cached_property
    def _tables(self) -> _Tables:
        """Masks of all combinations of the features' intervals."""
        columns = [self._column(column) for column in range(self.n_features)]
        return _Tables.of([thresholds for thresholds, _ in columns], [table for _, table in columns])

    def _column(self, column: int) -> tuple[npt.NDArray[np.float64], Masks]:
        """Thresholds of a feature, and uint[n_thresholds + 1, 2, n_trees], masks by number of false tests."""
        own = [split for split in self._splits if split.feature % self.n_features == column]
        thresholds = np.unique(np.array([split.threshold for split in own]))
        table = np.full((len(thresholds) + 1, 2, self.n_trees), ~self._dtype(0), self._dtype)
        for split in own:
            left = ((1 << (split.last - split.first)) - 1) << split.first
            false = np.searchsorted(thresholds, split.threshold) + 1
            table[false:, split.feature // self.n_features, split.tree] &= ~self._dtype(left)
        return thresholds, table


@dataclass(frozen=True)
class _Tables:
    """Masks by group of neighbouring features: one look-up for a group instead of one for every feature.

    Attributes:
        thresholds: Per feature, ascending.
        masks: uint[n_rows, 2 * n_trees], the groups one after another.
        strides: float32[n_features, n_groups], what one false test of a feature adds to the row of its group; whole
            numbers, small enough to be exact.
        rows: float32[n_groups], first row of every group.
        levels: float32[n_features, n_levels], false tests of the values 0, 1, 2, ... of a feature.
    """

    thresholds: tuple[npt.NDArray[np.float64], ...]
    masks: Masks
    strides: npt.NDArray[np.float32]
    rows: npt.NDArray[np.float32]
    levels: npt.NDArray[np.float32]

    @classmethod
    def of(cls, thresholds: list[npt.NDArray[np.float64]], tables: list[Masks]) -> _Tables:
        """From the thresholds and the masks of single features."""
        groups: list[Masks] = []
        strides = np.zeros((len(tables), len(tables)), np.float32)
        for column, table in enumerate(tables):
            if groups and len(groups[-1]) * len(table) <= _COMBINED:
                strides[column, len(groups) - 1] = len(groups[-1])
                groups[-1] = (table[:, None] & groups[-1]).reshape(-1, *table.shape[1:])
            else:
                strides[column, len(groups)] = 1
                groups.append(table)
        rows = np.cumsum([0, *map(len, groups)])[:-1].astype(np.float32)
        masks = np.concatenate(groups)
        levels = np.array([np.searchsorted(own, np.arange(_LEVELS)) for own in thresholds], np.float32)
        return cls(tuple(thresholds), masks.reshape(len(masks), -1), strides[:, : len(groups)].copy(), rows, levels)

    def codes(self, x: Features) -> npt.NDArray[np.intp]:
        """Row of `masks` for every network and group, intp[n, n_groups]."""
        with np.errstate(invalid="ignore"):  # what does not fit is seen at once
            whole = x.astype(np.uint8)
        if (whole == x).all() and (whole < _LEVELS).all():
            false = self.levels.take(whole + self._offsets)
        else:
            tests = [np.searchsorted(own, column) for own, column in zip(self.thresholds, x.T, strict=True)]
            false = np.stack(tests, axis=1).astype(np.float32)
        return np.asarray((false @ self.strides + self.rows).astype(np.intp))

    @cached_property
    def _offsets(self) -> npt.NDArray[np.intp]:
        return _LEVELS * np.arange(len(self.levels))


def _fields(section: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in section.splitlines() if "=" in line)


def _pair_features(header: str) -> int:
    """Features of one of the two networks; raises `ValueError` for a model whose sums would mean something else."""
    fields = _fields(header)
    if fields["objective"] != OBJECTIVE or "average_output" in header.splitlines():
        raise ValueError(f"it averages trees, or its objective {fields['objective']!r} is not {OBJECTIVE!r}")
    features = int(fields["max_feature_idx"]) + 1
    if features % 2:
        raise ValueError(f"{features} features are not those of two networks")
    return features // 2


def _check_tree(index: int, tree: dict[str, str], leaves: list[float]) -> None:
    """Refuse what is computed otherwise than by one test after the other down to a number."""
    kinds = {int(word) for word in tree.get("decision_type", "").split()}
    if any(kind & _MISSING for kind in kinds):
        raise ValueError(f"tree {index} treats missing values or zeros apart (zero_as_missing, use_missing)")
    if int(tree.get("is_linear", "0")):
        raise ValueError(f"tree {index} has linear models in its leaves (linear_tree)")
    if len(leaves) > MAX_LEAVES or int(tree["num_cat"]) or any(kind & 1 for kind in kinds):
        raise ValueError(f"tree {index} has {len(leaves)} leaves and {tree['num_cat']} categorical splits")
    if not np.isfinite(leaves).all():
        raise ValueError(f"tree {index} has leaves that are not finite")


def _read_tree(index: int, tree: dict[str, str], splits: list[_Split]) -> list[float]:
    """Values of one tree's leaves from left to right; its splits are appended to `splits`."""
    leaves = [float(word) for word in tree["leaf_value"].split()]
    _check_tree(index, tree, leaves)
    if len(leaves) == 1:
        return leaves
    feature, threshold = tree["split_feature"].split(), tree["threshold"].split()
    left, right = ([int(word) for word in tree[key].split()] for key in ("left_child", "right_child"))
    order: list[float] = []

    def walk(node: int) -> None:
        if node < 0:  # LightGBM writes leaf i as ~i
            order.append(leaves[~node])
            return
        if 0 <= left[node] <= node or 0 <= right[node] <= node:  # the library numbers nodes as it makes them
            raise ValueError(f"tree {index} has a circle")
        first = len(order)
        walk(left[node])
        splits.append(_Split(index, int(feature[node]), float(threshold[node]), first, len(order)))
        walk(right[node])

    walk(0)
    return order
