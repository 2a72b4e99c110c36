"""Growing a table row by row."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.accuracy.table._files import cells, complete_lines, header, line, read_table, table_log
from nasface.accuracy.table._table import AccuracyTable
from nasface.errors import TableError, listing
from nasface.reading import parse_cells
from nasface.runs import write_text
from nasface.spaces import SearchSpace

logger = logging.getLogger(__name__)


class TableWriter:
    """Appends rows to a table file, each one durable before the next is measured; goes on where a torn file stops.

    A file that has fewer metrics than are measured is continued with those it has.

    Args:
        path: Created with its header if absent.
        space: Gives genotypes their text.
        metrics: Names of the metrics that rows can be given, in the order of the columns.
        shared: See `SHARED`.

    Attributes:
        metrics: Those that the file has.

    Raises:
        TableError: The file is no table, has other metrics, or belongs to something else.
    """

    def __init__(self, path: Path, space: SearchSpace, metrics: Sequence[str], shared: Mapping[str, str]) -> None:
        self.path, self.space, self.metrics, self.shared = path, space, list(metrics), dict(shared)
        self._log = table_log(path)
        if not path.exists():
            write_text(path, line(header(self.metrics)))
        else:
            self._mend()
            self.metrics = self._known_metrics()
        self._check(self.table())

    def append(self, genotype: npt.NDArray[np.int8], values: Mapping[str, float], notes: Mapping[str, str]) -> None:
        """Append one row and sync it to disk; `values` of metrics that the file does not have are left out."""
        self._log.append(
            line(cells(self.space.to_text(genotype), {m: values[m] for m in self.metrics}, self.shared, notes)).rstrip(
                "\n"
            )
        )

    def table(self) -> AccuracyTable | None:
        """What the file holds; None while it has no rows."""
        return read_table(self.path, self.space) if len(complete_lines(self.path)) > 1 else None

    def _mend(self) -> None:
        """Cut off a last line without an end, which an interruption left."""
        if self._log.mend():
            logger.warning("%s ended in the middle of a line, which is dropped and measured again.", self.path)

    def _known_metrics(self) -> list[str]:
        found = parse_cells(next(iter(complete_lines(self.path)), ""))
        known = [name for name in found if name in self.metrics]
        if not known or found != header(known):
            raise TableError(
                f"{self.path} has other columns ({listing(found)}) than this measurement writes; give another file."
            )
        missing = [name for name in self.metrics if name not in known]
        if missing:
            logger.warning("%s lacks %d metrics (%s) and goes on without.", self.path, len(missing), listing(missing))
        return known

    def _check(self, table: AccuracyTable | None) -> None:
        for column, value in self.shared.items():
            if table is not None and table.shared[column] != value:
                raise TableError(f"{self.path} holds measurements of another {column}; give another file to continue.")
