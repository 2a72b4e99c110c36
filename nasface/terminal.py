"""The terminal. What is shown on it is data: brackets in names, paths and tables are brackets, never markup."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.status import Status
from rich.table import Table
from rich.text import Text

MINUTE_S = 60.0
"""Between two lines on work that goes on."""


class Terminal(Console):
    """Rich's console without markup and emoji codes, whoever prints; styles are given apart from the words.

    Args:
        stderr: Write to standard error.
        quiet: Write nothing.
        into: Append to this file instead; how far work is stands on standard output all the same.
        name: Of whose work that is.
    """

    def __init__(self, *, stderr: bool = False, quiet: bool = False, into: Path | None = None, name: str = "") -> None:
        file = None if into is None else _Appended(into)
        super().__init__(stderr=stderr, quiet=quiet, file=file, highlight=False, markup=False, emoji=False)
        self.name = name
        self._screen = self if into is None else Terminal(quiet=quiet)

    def print(self, *objects: object, **options: Any) -> None:
        """As of rich, but that nothing in a table is cut: what does not fit into its column goes on in the next line.

        The first column, which tells rows apart, stays in one line where it leaves half of the width to the others.
        """
        for table in objects:
            if isinstance(table, Table) and table.columns:
                for column in table.columns:
                    column.overflow, column.no_wrap = "fold", False
                first = table.columns[0]
                widest = max((Measurement.get(self, self.options, cell).maximum for cell in first.cells), default=0)
                first.no_wrap = widest <= self.width // 2
        super().print(*objects, **options)

    def tell(self, words: str) -> None:
        """A line on how far work is."""
        self._screen.print(f"{self.name}: {words}" if self.name else words, soft_wrap=True)

    def note(self, what: str, text: str, style: str = "yellow") -> None:
        """One line that begins with words in a style, e.g. "warning:"."""
        self.print(Text.assemble((what, style), " ", text), soft_wrap=True)

    def progress(self, *columns: ProgressColumn, transient: bool = False) -> Progress:
        """A bar with its description and count, then more columns; without a terminal a line a minute."""
        first = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        return _Bars(*first, *columns, console=self, transient=transient)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """As of rich; without a terminal a line a minute."""
        return _Spinner(_plain(status), console=self, **options)


class _Appended(io.StringIO):
    """A file that is open only while something is written into it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def write(self, text: str) -> int:
        """At its end."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            return file.write(text)


class _EveryMinute:
    """Where nothing can be drawn anew, says every minute how far work is.

    Args:
        console: Where to.
        words: What is said then.
    """

    def __init__(self, console: Terminal, words: Callable[[], str]) -> None:
        self._console, self._words, self._ended = console, words, threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to wait."""
        if self._thread is None and not (self._console.is_terminal or self._console.quiet):
            self._ended.clear()
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Say no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._ended.wait(MINUTE_S):
            self._console.tell(self._words())


class _Saying:
    """Before a class of rich that is started and stopped: what it shows is also said every minute."""

    _lines: _EveryMinute

    def start(self) -> None:
        """As of rich."""
        super().start()  # type: ignore[misc]
        self._lines.start()

    def stop(self) -> None:
        """As of rich."""
        self._lines.stop()
        super().stop()  # type: ignore[misc]


class _Bars(_Saying, Progress):
    """Rich shows no bar without a terminal until it is at its end."""

    def __init__(self, *columns: ProgressColumn, console: Terminal, transient: bool) -> None:
        super().__init__(*columns, console=console, transient=transient)
        self._lines = _EveryMinute(console, self._words)

    def _words(self) -> str:
        return "; ".join(_far(task) for task in self.tasks if not task.finished)


def _far(task: Task) -> str:
    """E.g. "auc 0.9312: 12 of 500, 0:05:00, 3:20:00 left"."""
    total = "" if task.total is None else f" of {task.total:g}"
    times = [task.elapsed, task.time_remaining]
    passed, left = ("" if seconds is None else str(timedelta(seconds=int(seconds))) for seconds in times)
    parts = [f"{task.description}: {task.completed:g}{total}", passed, f"{left} left" if left else ""]
    return ", ".join(part for part in parts if part)


class _Spinner(_Saying, Status):
    """Rich reads the text of a spinner as markup, whatever its console does."""

    def __init__(self, status: RenderableType, *, console: Terminal, **options: Any) -> None:
        super().__init__(status, console=console, **options)
        self._lines = _EveryMinute(console, lambda: str(self.status))

    def update(self, status: Any = None, **options: Any) -> None:
        """As of rich."""
        super().update(_plain(status), **options)


def _plain(text: RenderableType) -> RenderableType:
    return Text(text) if isinstance(text, str) else text


@contextmanager
def without_notices() -> Iterator[None]:
    """In the block, what TFLite's C++ says on standard error is shown afterwards, without its notices.

    Its log level cannot be set from Python, and the first model that a program prepares would say "INFO: Created
    TensorFlow Lite ...".
    """
    sys.stderr.flush()
    with TemporaryFile() as said:
        before = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            said.seek(0)
            os.write(2, b"".join(line for line in said if not line.startswith(b"INFO: ")))
