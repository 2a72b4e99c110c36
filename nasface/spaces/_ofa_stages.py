"""Mutation and crossover on indices of stage choices: a stage's genes are packed into one number, a few bits each.

All of `OfaMbv3.mutate` and `crossover` is then a dozen operations on five numbers per network. A field of a packed
stage holds the number of the gene's choice from 1, or 0 where its block is inactive; the lowest field is the depth,
then come the kernel sizes and the expand ratios by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.spaces._base import Population, Rows, StageIndices, StageOperators
from nasface.spaces._ofa_network import MAX_DEPTH

Codes = npt.NDArray[np.uint32]

_FIELDS: Final = 1 + 2 * MAX_DEPTH
_WIDTH: Final = 2
_MOST_CHOICES: Final = (1 << _WIDTH) - 1
_ONES: Final = np.uint32(sum(1 << _WIDTH * field for field in range(_FIELDS)))
"""The lowest bit of every field."""


class OfaStageOperators(StageOperators):
    """For up to three choices per gene.

    Args:
        choices: int8[n_choices, 9], the genes of one stage (depth, kernel sizes, expand ratios) for all its choices;
            every stage has the same.
    """

    def __init__(self, choices: Population) -> None:
        values = [np.unique(column[column != 0]) for column in choices.T]
        fields = [np.searchsorted(own, column) + 1 for own, column in zip(values, choices.T, strict=True)]
        self._codes = _pack(np.where(choices.T != 0, fields, 0))
        self._index = np.full(1 << _WIDTH * _FIELDS, -1, np.int16)
        self._index[self._codes] = np.arange(len(choices))
        numbers = [max(len(own), 1) for own in values]  # blocks that no depth activates have no values
        self._full = _pack(np.indices(numbers).reshape(_FIELDS, -1) + 1)
        depths = np.concatenate([[0], values[0]])
        self._active = np.array([_mask([0, *_block_fields(range(depth))]) for depth in depths], np.uint32)
        self._coins = np.array(
            [_mask(np.flatnonzero([i >> f & 1 for f in range(_FIELDS)])) for i in range(1 << _FIELDS)]
        )

    @classmethod
    def fits(cls, choices: Sequence[Sequence[int]]) -> bool:
        """Whether the choices of every gene fit into its field."""
        return all(len(own) <= _MOST_CHOICES for own in choices)

    def breed(
        self, rng: np.random.Generator, mothers: StageIndices, fathers: StageIndices, probability: float
    ) -> StageIndices:
        """As `OfaMbv3.mutate` (units of change are the depth, and kernel and expand of a block) and `crossover`."""
        codes = self._codes.take(mothers)
        n_mutants = len(mothers) - len(fathers)
        kept = np.empty_like(codes)
        masks, thresholds = _patterns(probability)
        chance, uniform = rng.random((2, *codes.shape))
        kept[:n_mutants] = masks.take(thresholds.searchsorted(chance[:n_mutants], side="right"))
        kept[n_mutants:] = _pick(self._coins, chance[n_mutants:])
        other = _pick(self._full, uniform)
        mixed = other.copy()
        mixed[n_mutants:] = self._codes.take(fathers)
        return self._complete((codes & kept) | (mixed & ~kept), other)

    def _complete(self, codes: Codes, fresh: Codes) -> StageIndices:
        """Empty the fields of inactive blocks; take those of active blocks that are empty from `fresh`."""
        active = self._active.take(codes & np.uint32(_MOST_CHOICES))
        codes &= active
        empty = active & _ONES & ~(codes | codes >> np.uint32(1))
        return self._index.take(codes | (fresh & (empty * np.uint32(_MOST_CHOICES))))


def _pick(values: Codes, uniform: npt.NDArray[np.float64]) -> Codes:
    """Uniform picks by numbers drawn from [0, 1)."""
    return values.take((uniform * len(values)).astype(np.intp))


def _pack(fields: Rows) -> Codes:
    """uint32[n] of fields int[9, n]."""
    shifts = _WIDTH * np.arange(_FIELDS)
    return np.asarray((fields.astype(np.int64) << shifts[:, None]).sum(axis=0), np.uint32)


def _mask(fields: Sequence[int] | npt.NDArray[np.intp]) -> np.uint32:
    """All bits of the given fields."""
    return np.uint32(sum(_MOST_CHOICES << _WIDTH * int(field) for field in fields))


def _block_fields(positions: Sequence[int] | range) -> list[int]:
    return [1 + position for position in positions] + [1 + MAX_DEPTH + position for position in positions]


@cache
def _patterns(probability: float) -> tuple[Codes, npt.NDArray[np.float64]]:
    """Masks of the 32 sets of units that are kept, and the upper end of each but the last one's share of [0, 1)."""
    units = [[0], *[_block_fields([position]) for position in range(MAX_DEPTH)]]
    chosen = np.indices([2] * len(units)).reshape(len(units), -1).T.astype(bool)
    masks = np.array([_mask([f for unit, on in zip(units, row, strict=True) if on for f in unit]) for row in chosen])
    shares = np.prod(np.where(chosen, 1 - probability, probability), axis=1)
    return masks, np.cumsum(shares)[:-1]
