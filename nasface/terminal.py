"""The terminal. What is shown on it is data: brackets in names, paths and tables are brackets, never markup."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.status import Status
from rich.text import Text


class Terminal(Console):
    """Rich's console without markup and emoji codes, whoever prints; styles are given apart from the words.

    Args:
        stderr: Write to standard error.
        quiet: Write nothing.
    """

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        super().__init__(stderr=stderr, quiet=quiet, highlight=False, markup=False, emoji=False)

    def note(self, what: str, text: str, style: str = "yellow") -> None:
        """One line that begins with words in a style, e.g. "warning:"."""
        self.print(Text.assemble((what, style), " ", text), soft_wrap=True)

    def progress(self, *columns: ProgressColumn, transient: bool = False) -> Progress:
        """A bar with its description and count, then more columns."""
        first = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        return Progress(*first, *columns, console=self, transient=transient)

    def status(self, status: Any, **options: Any) -> Status:
        """As of rich."""
        return _Spinner(_plain(status), console=self, **options)


class _Spinner(Status):
    """Rich reads the text of a spinner as markup, whatever its console does."""

    def update(self, status: Any = None, **options: Any) -> None:
        """As of rich."""
        super().update(_plain(status), **options)


def _plain(text: Any) -> Any:
    return Text(text) if isinstance(text, str) else text
