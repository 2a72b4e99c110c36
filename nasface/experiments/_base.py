"""Experiments: what the frame asks of one.

Protocol. An experiment is constructed with everything it needs; `cells` names what is to be measured, `measure`
measures one cell, `report` makes a page out of all rows. `nasface.experiments.conduct` goes over the cells that the
results file lacks and keeps every finished one, so the same command goes on after an interruption, and several
processes can share the cells. A cell's rows depend on the cell and `fingerprint` alone, not on other cells or their
order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import ClassVar, Generic, TypeVar

from nasface.analysis import Row, Value


@dataclass(frozen=True)
class Cell:
    """What one measurement is of; the fields of a subclass, texts and finite numbers, are the keys."""

    def to_row(self) -> dict[str, Value]:
        """By key."""
        return asdict(self)


C = TypeVar("C", bound=Cell)


@dataclass(frozen=True)
class Report:
    """A page in Markdown and its pictures.

    Attributes:
        title: Of the page.
        body: Markdown; pictures are referred to as "NAME_STEM.svg", see `reports.markdown.image`.
        pictures: SVG files by STEM.
    """

    title: str
    body: str
    pictures: Mapping[str, str] = field(default_factory=dict)


class Experiment(ABC, Generic[C]):
    """A grid of measurements and the page made from them.

    Attributes:
        name: Of the files.
        cell: Class of the cells.
        fingerprint: Of all that results depend on beside the cell; results with another one are refused.
    """

    name: ClassVar[str]

    cell: ClassVar[type[Cell]]

    fingerprint: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of a cell, in order: the first columns of the results."""
        return tuple(f.name for f in fields(self.cell))

    @abstractmethod
    def cells(self) -> list[C]:
        """What is to be measured, in the order of measuring."""

    @abstractmethod
    def measure(self, cell: C) -> list[Row]:
        """Measure one cell: one row or several, without the cell's own keys; None where there is no value.

        Raises:
            InfeasibleConstraint: The cell asks for what no network can do; it is kept as such.
        """

    @abstractmethod
    def report(self, rows: Sequence[Row]) -> Report:
        """The page from the rows of the feasible cells that are there, at least one; a row begins with its cell."""
