"""The training log as CSV files that a resumed run goes on with: `progress.csv` and `validation.csv`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from nasface.runs import atomic_write

Row = dict[str, Any]


class CsvLog:
    """Rows with a column `step`, appended and flushed one by one.

    Args:
        path: The file.
        columns: Its columns; cells that a row lacks stay empty.
    """

    def __init__(self, path: Path, columns: list[str]) -> None:
        self.path, self._columns = path, columns

    def rewind(self, step: int) -> None:
        """Drop rows after a step, which the run goes on from; write the header of a new file."""
        kept = [row for row in self.rows() if int(row["step"]) <= step] if self.path.exists() else []
        with atomic_write(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self._columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)

    def append(self, row: Row) -> None:
        """Add a row."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns, lineterminator="\n", extrasaction="ignore").writerow(
                {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
            )

    def rows(self) -> list[dict[str, str]]:
        """All whole rows; a last line that was cut short is left out."""
        with self.path.open(newline="", encoding="utf-8") as file:
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        return list(csv.DictReader(whole.splitlines()))
