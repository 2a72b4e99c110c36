"""Experiments: what the frame asks of one.

Protocol. An experiment is constructed with everything it needs; `cells` names what is to be measured, `measure`
measures one cell, `report` makes a page out of all rows. `nasface.experiments.conduct` goes over the cells that the
results file lacks and keeps every finished one, so the same command goes on after an interruption, and several
processes can share the cells. A cell's rows depend on the cell and `identity` alone, not on other cells or the order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

Cell = dict[str, Any]
"""What one measurement is of, e.g. {"device": "sd865", "ratio": 0.6, "seed": 0}: texts and numbers."""

Row = dict[str, Any]
"""One line of the results: the cell, and what was measured; None where there is no value."""


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


class Experiment(ABC):
    """A grid of measurements and the page made from them."""

    name: ClassVar[str]

    keys: ClassVar[tuple[str, ...]]
    """Keys of a cell, in order: the first columns of the results."""

    identity: str
    """Short hash of all that results depend on beside the cell; results of another one are refused."""

    @abstractmethod
    def cells(self) -> list[Cell]:
        """What is to be measured, in the order of measuring; values are finite numbers and texts."""

    @abstractmethod
    def measure(self, cell: Cell) -> list[Row]:
        """Measure one cell: one row or several, without the cell's own keys.

        Raises:
            InfeasibleConstraint: The cell asks for what no network can do; it is kept as such.
        """

    @abstractmethod
    def report(self, rows: Sequence[Row]) -> Report:
        """The page from the rows of the feasible cells that are there, at least one."""
