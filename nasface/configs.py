"""What a component's config may hold, and how values from the command line become what it declares."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nasface.errors import InvalidInput
from nasface.runs import Json

T = TypeVar("T")

PLAIN: Final = (bool, int, float, str, type(None), Any)
ALLOWED: Final = (
    "bool, int, float, str, an Enum, a dataclass of these, list[...], tuple[..., ...], dict[str, ...], and each of "
    "them or None"
)
EXISTING: Final = "existing"
"""Key under which the metadata of a config's field hold its `Existing`."""


@dataclass(frozen=True)
class Existing:
    """Of an option that names a file or folder, or a list of them: it must be there before a task begins.

    Attributes:
        words: Values that are no paths, such as "none"; None and "" never are.
        names: Whether values without a suffix or folder may be names of something else.
        beside: Parameter of the same config with a folder, or a file in a folder, where the file may lie as well.
        tasks: Those that need it to be there, the others making it; none means all.
    """

    words: tuple[str, ...] = ()
    names: bool = False
    beside: str = ""
    tasks: tuple[str, ...] = ()


def existing(
    *, words: tuple[str, ...] = (), names: bool = False, beside: str = "", tasks: tuple[str, ...] = ()
) -> Mapping[str, Existing]:
    """Metadata of a field that names what must be there: `field(default=None, metadata=existing())`."""
    return {EXISTING: Existing(words, names, beside, tasks)}


def check_config(what: str, name: str, config: type) -> None:
    """Refuse a config that options cannot hold; `what` is for messages, e.g. "predictor 'ridge'".

    Raises:
        InvalidInput: It is no dataclass, a field has no default, is not settable or of a type that cannot be written on
            a command line, or the field `name` does not say the name.
    """
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise InvalidInput(f"The config of {what} must be a dataclass, not {config!r}.")
    if config.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise InvalidInput(f"The config of {what} must not be frozen: options are set one by one.")
    hints = _hints(what, config)
    for field in dataclasses.fields(config):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InvalidInput(f"Parameter '{field.name}' of {what} needs a default value.")
        if not field.init:
            raise InvalidInput(f"Parameter '{field.name}' of {what} has init=False, so that nobody can set it.")
        if not _holds(hints[field.name]):
            given = getattr(hints[field.name], "__name__", None) or str(hints[field.name])
            raise InvalidInput(f"Parameter '{field.name}' of {what} is a {given}; options can be {ALLOWED}.")
    _check_held(what, config)
    declared = {field.name: field.default for field in dataclasses.fields(config)}.get("name")
    if declared != name:
        raise InvalidInput(f'The config of {what} must have a field `name: str = "{name}"`, not {declared!r}.')


def as_declared(config: type, values: Mapping[str, object]) -> object:
    """The dataclass with these values of composed options: nested dataclasses, tuples and enums are made of them."""
    hints = get_type_hints(config)
    return config(**{name: _made(hints[name], value) for name, value in values.items()})


def as_written(value: Any) -> Json:
    """A value of a config as files and the command line have it: tuples are lists, enums their names."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key: as_written(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_written(entry) for entry in value]
    written: Json = value
    return written


def _check_held(what: str, config: type) -> None:
    """Refuse what options cannot hold all the same: defaults of another type, tuples in lists, what is missing."""
    try:
        OmegaConf.to_container(OmegaConf.structured(config), throw_on_missing=True)
    except OmegaConfBaseException as error:
        why, key = str(error).partition("\n")[0].rstrip("."), str(error.full_key or "").partition(".")[0]
        raise InvalidInput(
            f"Parameter '{key}' of {what} cannot be an option ({why}); options can be {ALLOWED}."
        ) from None
    except Exception as error:  # whatever makes a default
        raise InvalidInput(f"The defaults of {what} cannot be made ({type(error).__name__}: {error}).") from error


def _hints(what: str, config: type) -> dict[str, object]:
    try:
        return get_type_hints(config)
    except Exception as error:  # a forward reference, or whatever else an annotation can hold
        raise InvalidInput(f"The types of the config of {what} cannot be read: {error}.") from error


def _holds(hint: object) -> bool:
    """Whether options can be of this type."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [part for part in parts if part is not type(None)]
        return len(inner) == 1 and _holds(inner[0])
    if origin is list:
        return all(map(_holds, parts))
    if origin is tuple:
        return len(parts) == 2 and parts[1] is ... and _holds(parts[0])
    if origin is dict:
        return parts[0] is str and _holds(parts[1])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return all(map(_holds, get_type_hints(hint).values())) and all(f.init for f in dataclasses.fields(hint))
    return hint in PLAIN or (isinstance(hint, type) and issubclass(hint, Enum))


def _made(hint: object, value: Any) -> object:
    """A value of composed options as the type that was declared."""
    origin, parts = get_origin(hint), get_args(hint)
    if value is None:
        return None
    if origin in (Union, types.UnionType):
        return _made(next(part for part in parts if part is not type(None)), value)
    if origin in (list, tuple):
        return origin(_made(parts[0], entry) for entry in value)
    if origin is dict:
        return {key: _made(parts[1], entry) for key, entry in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return as_declared(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum) and isinstance(value, str):
        return hint[value] if value in hint.__members__ else hint(value)
    return value
