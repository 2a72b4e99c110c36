"""The table as a value, and joining several."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nasface.errors import TableError
from nasface.spaces import Population

SHARED = ("space", "resolution", "supernet", "data")
"""Columns that are equal in all rows of one table."""

NOTES = ("seed", "calibration", "origin")
"""Columns that say how a row was made."""

ORIGINS = UNIFORM, STRATIFIED, DENSE, VERIFIED = "uniform", "stratified", "dense", "verified"
"""How networks were drawn: genes uniformly; spread evenly over a cost; near a budget; recommended by a search."""

AGREEMENT = 2e-3
"""Largest difference of two measurements of one network: other processors and orders of summation round otherwise, and
a rate changes by a whole pair."""

_HALF = re.compile(r".+_(half|photos)[12]")


@dataclass(frozen=True)
class AccuracyTable:
    """Measured sub-networks of one supernet on one data set.

    Attributes:
        genotypes: int8[n, n_genes], canonical and distinct.
        metrics: Name to float64[n].
        shared: What all rows belong to, see `SHARED`.
        notes: Column to its n texts, see `NOTES`.
    """

    genotypes: Population
    metrics: Mapping[str, npt.NDArray[np.float64]]
    shared: Mapping[str, str]
    notes: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.genotypes)

    @property
    def resolution(self) -> int:
        """Side of the input in pixels."""
        return int(self.shared["resolution"])

    @property
    def supernet(self) -> str:
        """Hash of the supernet."""
        return self.shared["supernet"]

    def target(self, metric: str) -> npt.NDArray[np.float64]:
        """float64[n]: one metric.

        Raises:
            TableError: The table does not have it.
        """
        if metric not in self.metrics:
            whole = [name for name in self.metrics if not is_half(name)]
            raise TableError(f"The accuracy table has no metric '{metric}'; choose from {', '.join(whole)}.")
        return self.metrics[metric]

    def learnable(self, metric: str) -> npt.NDArray[np.float64]:
        """float64[n]: one metric for predictors to learn from.

        Raises:
            TableError: The table does not have it, or all networks have the same value.
        """
        values = self.target(metric)
        if len(values) > 1 and not np.ptp(values) > 0:
            raise TableError(
                f"All {len(values)} sub-networks of the accuracy table have the {metric} {values[0]:g}, so there is "
                "nothing to learn: choose another accuracy.metric or measure on more photos."
            )
        return values

    def rows(self, indices: npt.ArrayLike) -> AccuracyTable:
        """The table of some rows, by integer or boolean index."""
        chosen = np.arange(len(self))[np.asarray(indices)]
        return replace(
            self,
            genotypes=self.genotypes[chosen],
            metrics={name: values[chosen] for name, values in self.metrics.items()},
            notes={name: tuple(values[i] for i in chosen) for name, values in self.notes.items()},
        )

    def only(self, metrics: Sequence[str]) -> AccuracyTable:
        """The table with these metrics alone."""
        return replace(self, metrics={name: self.target(name) for name in metrics})

    def check(
        self,
        *,
        supernet: str | None = None,
        resolution: int | None = None,
        data: str | None = None,
        name: str = "The accuracy table",
    ) -> AccuracyTable:
        """The table itself, if it belongs to what is given; `name` is what messages call it.

        Raises:
            TableError: It belongs to another supernet, resolution or data set.
        """
        for column, wanted in (("supernet", supernet), ("resolution", resolution), ("data", data)):
            stated = self.shared[column]  # empty in tables that others made
            if wanted is not None and stated and stated != str(wanted):
                raise TableError(
                    f"{name} is of {column} {self.shared[column][:12]}, not {str(wanted)[:12]}; "
                    "measure one with task=estimate_accuracy or give the one that fits."
                )
        return self


def is_half(metric: str) -> bool:
    """Whether a metric is that of half the people or half the photos: for judging the table, not for learning from."""
    return _HALF.fullmatch(metric) is not None


def merge_tables(tables: Sequence[AccuracyTable], names: Sequence[str] | None = None) -> AccuracyTable:
    """One table of the distinct rows of several, in order; metrics are those that all have.

    Args:
        tables: At least one.
        names: What messages call them.

    Raises:
        TableError: They belong to different spaces, resolutions, supernets or data, have no metric in common, or
            disagree about a network by more than `AGREEMENT`.
    """
    first = tables[0]
    called = names or [f"table {number}" for number in range(1, len(tables) + 1)]
    for table, name in zip(tables[1:], called[1:], strict=True):
        different = [column for column in SHARED if table.shared[column] != first.shared[column]]
        if different:
            raise TableError(
                f"Tables of different {' and '.join(different)} cannot be merged: {called[0]} and {name}; "
                "keep them apart."
            )
    common = [name for name in first.metrics if all(name in table.metrics for table in tables)]
    if not common:
        raise TableError(f"{' and '.join(called)} have no metric in common; give tables with a common column.")
    merged = AccuracyTable(
        np.concatenate([table.genotypes for table in tables]),
        {name: np.concatenate([table.metrics[name] for table in tables]) for name in common},
        first.shared,
        {name: tuple(text for table in tables for text in table.notes[name]) for name in NOTES},
    )
    return distinct(merged, "the merged table")


def distinct(table: AccuracyTable, what: str) -> AccuracyTable:
    """Without repeated networks, of which the first row stays.

    Raises:
        TableError: Two rows of one network, calibrated on the same images, do not agree.
    """
    first: dict[bytes, int] = {}
    calibration = table.notes["calibration"]
    for index, genotype in enumerate(table.genotypes):
        before = first.setdefault(genotype.tobytes(), index)
        apart = max((abs(values[before] - values[index]) for values in table.metrics.values()), default=0.0)
        if apart > AGREEMENT and calibration[before] == calibration[index]:
            raise TableError(
                f"{what} has two different measurements of one network (rows {before + 1}, {index + 1}); "
                "remove one of them."
            )
    return table if len(first) == len(table) else table.rows(list(first.values()))
