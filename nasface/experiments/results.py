"""The results of an experiment: a CSV file that gains the rows of every finished cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from nasface.analysis import Row, Value
from nasface.errors import TableError
from nasface.reading import read_csv
from nasface.runs import write_rows
from nasface.settings import WHOLE, Shard

FINGERPRINT = "identity"
"""Name of the column."""


class Results:
    """Rows of finished cells, in one file or, where several processes share the work, in one file per process.

    Args:
        path: NAME.csv.
        fingerprint: See `Experiment.fingerprint`.
        shard: Which process this is; one of several writes a file of its own.

    Raises:
        TableError: A file of that name holds results on other inputs, or is no such file.
    """

    def __init__(self, path: Path, fingerprint: str, shard: Shard = WHOLE) -> None:
        self.path = shard.file(path)
        self._fingerprint = fingerprint
        self._own: list[Row] = []
        self._others: list[Row] = []
        for file in sorted({path, *path.parent.glob(f"{path.stem}.*of*.csv")}):
            rows = list(self._read(file)) if file.exists() else []
            (self._own if file == self.path else self._others).extend(rows)

    @property
    def rows(self) -> list[Row]:
        """All rows of all processes that were there at the start, and what was added."""
        return [*self._others, *self._own]

    def add(self, rows: Sequence[Row]) -> None:
        """Keep the rows of one finished cell; the file is written anew under another name, then renamed."""
        self._own += [{FINGERPRINT: self._fingerprint, **row} for row in rows]
        columns = list(dict.fromkeys(name for row in self._own for name in row))
        write_rows(self.path, columns, self._own)

    def _read(self, path: Path) -> Iterator[Row]:
        try:
            rows = read_csv(path).rows
        except ValueError as error:
            raise TableError(f"{path} is damaged ({error}); remove it, or the line.") from None
        for row in rows:
            if row.get(FINGERPRINT) != self._fingerprint:
                raise TableError(
                    f"{path} holds results on other inputs or with other options; give another place or remove it."
                )
            yield {name: _value(text) for name, text in row.items()}


def key(row: Row, keys: Sequence[str]) -> tuple[str, ...]:
    """A cell as texts, which are the same before and after the file."""
    return tuple(str(row.get(name)) for name in keys)


def _value(text: str | None) -> Value:
    """An integer, a finite number, None for nothing, or the text itself."""
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text
