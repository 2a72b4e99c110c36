"""Files and folders that options name are there: looked at before a task begins."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Final

from omegaconf import MISSING

from nasface.configs import EXISTING, Existing
from nasface.errors import InvalidInput, listing
from nasface.reading import check_fetched
from nasface.registry import KINDS, REGISTRY
from nasface.settings import Settings
from nasface.training.options import TrainingConfig

_ABSENT: Final = (None, "", MISSING)


@dataclass(frozen=True)
class Input:
    """What an option names: the option, one path as it was given, and the folders in which it may lie."""

    option: str
    given: str
    folders: tuple[Path, ...]

    def why_unreadable(self) -> str | None:
        """The system's reason, or None for what can be read."""
        reasons = [_why_unreadable(folder / Path(self.given).expanduser()) for folder in self.folders]
        return None if None in reasons else reasons[0]


def check_inputs(settings: Settings, cwd: Path) -> None:
    """Refuse options that name what is not there (see `nasface.configs.existing`), all of them in one sentence.

    Raises:
        InvalidInput: With the option, the path and the system's reason.
    """
    reasons = {one: one.why_unreadable() for one in _inputs(settings, cwd)}
    wrong = [f"{one.option}={one.given} ({reason})" for one, reason in reasons.items() if reason is not None]
    if wrong:
        raise InvalidInput(
            f"There is nothing that can be read at {listing(wrong)}; give files or folders that exist, relative ones "
            f"from {cwd}."
        )


def _why_unreadable(path: Path) -> str | None:
    try:
        path.stat()
        check_fetched(path)
    except (OSError, ValueError) as error:  # a zero byte in a path is a ValueError
        return str(getattr(error, "strerror", None) or error)
    return None if os.access(path, os.R_OK) else "Permission denied"


def _inputs(settings: Settings, cwd: Path) -> Iterator[Input]:
    for prefix, config, values in _configs(settings):
        for field in fields(config):
            rule = field.metadata.get(EXISTING)
            if isinstance(rule, Existing) and (not rule.tasks or settings.task in rule.tasks):
                yield from _of(f"{prefix}{field.name}", rule, values, field.name, cwd)


def _of(option: str, rule: Existing, values: Mapping[str, object], name: str, cwd: Path) -> Iterator[Input]:
    given, folders = values.get(name), [cwd]
    if beside := values.get(rule.beside):
        place = cwd / Path(str(beside)).expanduser()
        folders.append(place.parent if place.is_file() else place)
    for one in given if isinstance(given, list) else [given]:
        if one in (*_ABSENT, *rule.words) or (rule.names and _is_name(str(one))):
            continue
        yield Input(option, str(one), tuple(folders))


def _is_name(text: str) -> bool:
    return Path(text).name == text and not Path(text).suffix


def _configs(settings: Settings) -> Iterator[tuple[str, type, Mapping[str, object]]]:
    """What comes before an option's name, the dataclass that declares it, and the values."""
    yield "", Settings, vars(settings)
    for name, part in vars(settings).items():
        if is_dataclass(part):
            yield f"{name}.", type(part), vars(part)
        elif name in KINDS and isinstance(part, Mapping):
            yield from _component(name, str(part.get("name")), f"{name}.", part)
    yield "training.", TrainingConfig, _values(settings.training)
    for name, part in _values(settings.cost).items():
        yield from _component("cost", name, f"cost.{name}.", _values(part))
    for name, part in _values(settings.own).items():
        yield from _component("task", name, f"{name}.", _values(part))


def _component(
    kind: str, name: str, prefix: str, values: Mapping[str, object]
) -> Iterator[tuple[str, type, Mapping[str, object]]]:
    """Of a component; one that does not exist is refused by whoever makes it."""
    config = REGISTRY.get(kind, name).config if name in REGISTRY.names(kind) else None
    if config is not None:
        yield prefix, config, values


def _values(given: object) -> Mapping[str, object]:
    return given if isinstance(given, Mapping) else {}
