"""The command line as shells give it, in the grammar that Hydra reads.

Hydra's grammar has meanings for blanks, brackets, commas, `=`, `#` and quotes, and knows no letter beyond ASCII; paths
have all of them. What that grammar does not read, or reads as something else than the path that is there, is quoted.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Final, NamedTuple, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException

from nasface.errors import InvalidInput
from nasface.registry import KINDS
from nasface.settings import Settings
from nasface.tasks import all_tasks

MULTIRUN: Final = frozenset({"-m", "--multirun"})
HELP: Final = frozenset({"-h", "--help", "help"})

LISTED: Final = frozenset({*KINDS, "device", "training"} - {"task"})
"""Kinds of components that task=list shows."""

SECTIONS: Final = frozenset(name for name, kind in get_type_hints(Settings).items() if is_dataclass(kind))
"""Options that consist of options."""

_KEY: Final = re.compile(r"(~|\+{0,2})[\w./@:-]+")
_FOLDERS: Final = frozenset({"--config-dir", "-cd"})
_TAKES_VALUE: Final = _FOLDERS | {"--config-path", "-cp", "--config-name", "-cn", "--cfg", "-c", "--package", "-p"}
_BOUND: Final = re.compile(r"constraints\.(?!default_)\w+")
_NUMBER: Final = re.compile(r"[-+.\d][\d.eE+-]*")


def to_hydra(arguments: Sequence[str]) -> list[str]:
    """The arguments of the program, without its name, for Hydra.

    Raises:
        InvalidInput: A word is neither an option, nor a flag, nor a task.
    """
    multirun = bool(MULTIRUN & set(arguments))
    if named_task(arguments) == "list":
        arguments = [_shown(argument) for argument in arguments]
    flags: list[str] = []
    overrides: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            overrides.append(_override(argument, multirun))
            continue
        words = [argument, *([next(rest, "")] if argument in _TAKES_VALUE else [])]
        place = flags if argument.partition("=")[0] in _FOLDERS else overrides
        place += words
    return flags + overrides  # argparse, which splits them, gives up at a folder behind an option


def named_task(arguments: Sequence[str]) -> str | None:
    """The task that the arguments name, as a word or as an option; None if they name none that exists."""
    words = [argument.removeprefix("task=") for argument in arguments]
    return next((word for word in words if word in all_tasks()), None)


class Completion(NamedTuple):
    """What completes a half-typed line.

    Attributes:
        tasks: Tasks that its last word begins.
        line: The line with its task as an option, which Hydra completes.
    """

    tasks: list[str]
    line: str


def completion(line: str) -> Completion:
    """Of a line that begins with the program; a word that a blank follows is finished."""
    words = line.split(" ")
    begun = words[-1]
    tasks = [] if "=" in begun or named_task(words[1:-1]) else [name for name in all_tasks() if name.startswith(begun)]
    return Completion(tasks, " ".join(f"task={word}" if word in all_tasks() else word for word in words))


def _shown(argument: str) -> str:
    """`nasface list predictor=ridge` asks for a component instead of choosing it."""
    return f"show='{argument}'" if argument.partition("=")[0] in LISTED else argument


def _override(argument: str, multirun: bool) -> str:
    key, equals, value = argument.partition("=")
    if not equals and key in all_tasks():
        return f"task={key}"
    if not _KEY.fullmatch(key) or not (equals or key.startswith("~")):
        close = difflib.get_close_matches(argument, [*all_tasks(), "help"], n=2)
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        if _is_path(argument):
            meant = f" Say what it is: photos are data=image_folder data.root={argument}, a model is model={argument}."
        raise InvalidInput(
            f"'{argument}' is neither a task nor an option.{meant} Options are KEY=VALUE; nasface --help shows all."
        )
    numbers = value.split(",") if multirun else [value]
    if _BOUND.fullmatch(key) and all(_NUMBER.fullmatch(number.strip()) for number in numbers):
        key = f"{key}.max"
    if equals:
        _check_section(key.lstrip("+"), value)
    return f"{key}={_value(key, value, multirun)}" if equals else argument


def _check_section(key: str, value: str) -> None:
    """Refuse one value in place of several options, of which Hydra's words do not say where it stands."""
    bound = _BOUND.fullmatch(key) is not None
    if (bound or key in SECTIONS) and not value.startswith(("{", "$")):
        example = f"{key}.max=NUMBER or {key}.ratio=NUMBER" if bound else f"{key}.OPTION=VALUE"
        raise InvalidInput(f"{key} holds options of its own and cannot be {value!r:.80}; give {example}.")


def _value(key: str, value: str, multirun: bool) -> str:
    """The value, quoted where that is needed; of lists and sweeps, the parts."""
    read = _read(f"{key}={value}")
    if _is_path(value):
        return value if read is not None and read.value() == value else _quoted(value)
    if read is not None:
        return value
    if value.startswith("[") and value.endswith("]"):
        return f"[{_parts(value[1:-1], lambda part: _value(key, part, False))}]"
    if multirun and "," in value:
        return _parts(value, lambda part: _value(key, part, False))
    return _quoted(value)


def _parts(text: str, change: Callable[[str], str]) -> str:
    return ",".join(change(part.strip()) for part in text.split(","))


def _read(override: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(override)
    except HydraException:
        return None


def _is_path(value: str) -> bool:
    try:
        return Path(value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # longer than names may be, ~ of nobody, a zero byte
        return False


def _quoted(value: str) -> str:
    return QuotedString(value, Quote.single).with_quotes()
