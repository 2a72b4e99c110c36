"""Where a training stands, what listeners are told, and the log as CSV files that a resumed run goes on with."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nasface.reading import parse_csv
from nasface.runs import AppendLog, atomic_write

Row = Mapping[str, str | float]


class CsvLog:
    """Rows with a column `step`, appended and flushed one by one.

    Args:
        path: The file.
        columns: Its columns; cells that a row lacks stay empty.
    """

    def __init__(self, path: Path, columns: list[str]) -> None:
        self.path, self._columns = path, columns
        self._log = AppendLog(path, lambda line: False)

    def rewind(self, step: int) -> None:
        """Drop rows after a step, which the run goes on from; write the header of a new file."""
        kept = [row for row in self.rows() if int(row["step"]) <= step] if self.path.exists() else []
        with atomic_write(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    def append(self, row: Row) -> None:
        """Add a row."""
        line = io.StringIO()
        csv.DictWriter(line, self._columns, lineterminator="", extrasaction="ignore").writerow(
            {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        )
        self._log.append(line.getvalue())

    def rows(self) -> list[dict[str, str]]:
        """All whole rows; a last line that was cut short is left out."""
        return parse_csv(self._log.lines()).rows


@dataclass(frozen=True)
class TrainingUpdate:
    """What listeners are told after every step.

    Attributes:
        phase: Name of the phase.
        step: Steps done of the whole training.
        total: Steps of the whole training.
        values: Loss, terms, learning rate and resolution of the last steps; empty between lines of the log.
        validation: What was just validated: network, then metric.
    """

    phase: str
    step: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)
    validation: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


Listener = Callable[[TrainingUpdate], None]


@dataclass
class Position:
    """Where the training stands: all that is not weights.

    Attributes:
        phase: Index of the phase.
        step: Steps done in it.
        total: Steps done in all phases.
        best: Best mean AUC of the phase.
        seconds: Time trained, over all interruptions.
        cpu_seconds: Processor time of this process likewise: what a budget is counted in on a machine that is shared.
        sums: Terms since the last line of the log, and how many steps they are of.
    """

    phase: int = 0
    step: int = 0
    total: int = 0
    best: float = -1.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
