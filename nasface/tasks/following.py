"""What to do next, as a command that runs as printed: what was given is kept, as far as it matters to the next task."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString

from nasface.jobs import Run, shown
from nasface.tasks.catalogue import OF_EVERY_TASK, OPTIONS

DEFAULT: Final = "search"
"""The task that needs no name."""

DRAWN: Final = tuple(
    f"accuracy.{name}" for name in ("n_subnets", "sampling", "stratify_by", "ratios", "band", "family", "parts")
)
"""Options that say which networks a table gets."""

DRAWS: Final = frozenset({"estimate_accuracy", "study_photos", "table_reliability"})
"""The tasks that they matter to; to others that read the table they say nothing."""


def following(run: Run, task: str, changes: Mapping[str, object] | None = None, *, keep: bool = True) -> str:
    """The command line of another task on the same inputs, quoted for the shell.

    Args:
        run: The run that ends; of the options that it was given, those that matter to the other task are kept.
        task: The other task.
        changes: Options that it gets besides; None leaves one out.
        keep: Whether any option of this run is kept.
    """
    options = dict(_kept(run, task)) if keep else {}
    for key, value in (changes or {}).items():
        options.pop(key, None)
        if value is not None:
            options[key] = str(value)
    return command(task, (f"{key}={value}" for key, value in options.items()), run.cwd)


def repeated(run: Run) -> str:
    """The command line of this very run, quoted for the shell."""
    words = (_as_typed(word) for word in run.given if not word.startswith("task="))
    return command(run.settings.task, words, run.cwd)


def helped(run: Run, task: str) -> str:
    """The command line that shows what a task does, where it needs something that only the user has."""
    return shlex.join([*_program(run.cwd), task, "--help"])


def timed(run: Run, models: Sequence[Path]) -> str:
    """The command line that times model files on this machine."""
    names = [run.shown(path) for path in models]
    given = names[0] if len(names) == 1 else f"[{','.join(map(_member, names))}]"
    return following(run, "measure_latency", {"model": given}, keep=False)


def _member(name: str) -> str:
    """A path as a part of a list."""
    return QuotedString(name, Quote.double).with_quotes() if set(name) & set(",:[]{}") else name


def command(task: str, words: Iterable[str], cwd: Path) -> str:
    """A command line of nasface as it is typed in a folder, quoted for the shell."""
    return shlex.join([*_program(cwd), *([] if task == DEFAULT else [task]), *words])


def _as_typed(word: str) -> str:
    key, equals, value = word.partition("=")
    return f"{key}={_plain(key, value)}" if equals and not key.startswith("~") else word


def _kept(run: Run, task: str) -> list[tuple[str, str]]:
    """Options of this command line that matter to the other task, by name, as a shell is to be given them."""
    matter = {*OPTIONS.get(task, ()), *OF_EVERY_TASK}
    idle = () if task in DRAWS else DRAWN
    pairs = (word.partition("=")[::2] for word in run.given)
    return [(key, _plain(key, value)) for key, value in pairs if _group(key) in matter and key not in idle]


def _group(key: str) -> str:
    return key.lstrip("+~").partition(".")[0].partition("@")[0]


def _plain(key: str, value: str) -> str:
    """A value without the quotes that the command line adds itself, where it does."""
    parser = OverridesParser.create()
    read = parser.parse_override(f"{key}={value}").value()
    if not isinstance(read, str | QuotedString):
        return value
    return str(read)


def _program(cwd: Path) -> list[str]:
    """How the program was started, so that it can be started like that again."""
    if Path(sys.argv[0]).stem == "nasface":
        return ["nasface"]
    python = shutil.which("python")
    if python is not None and Path(python).resolve() == Path(sys.executable).resolve() and "VIRTUAL_ENV" in os.environ:
        return ["python", "-m", "nasface"]
    return [shown(Path(sys.executable), cwd), "-m", "nasface"]
