"""Devices: a name and its latency table, found by name or path."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nasface.devices.lut import FLOAT32, LookupTable
from nasface.devices.lut_file import read_lut
from nasface.errors import InvalidInput, LookupTableError, UnknownName

EMBEDDED: Final = Path(__file__).resolve().parents[1] / "assets" / "luts"
_OPTION = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True)
class Device:
    """What networks are searched for.

    Attributes:
        name: What users wrote.
        lut: Its latency table; None where the latency model needs none.
        path: The table's file.
    """

    name: str
    lut: LookupTable | None = None
    path: Path | None = None


def load_device(name: str, settings: Mapping[str, object], precision: str = FLOAT32) -> Device:
    """The device `name` of the composed options, e.g. `{"lut": "sd865"}`.

    Files that compute in another precision than the table's have another one, `NAME_int8`, which is taken where it is.

    Args:
        name: Of the device.
        settings: Its options.
        precision: What the files that are meant compute in, one of `lut.PRECISIONS`.

    Raises:
        UnknownName: A setting other than `lut`, or a table that is nowhere to be found.
        LookupTableError: The table cannot be used.
    """
    for key in settings:
        if key != "lut":
            raise UnknownName(f"parameter of device {name}", key, ["lut"])
    lut = settings.get("lut")
    if lut is None:
        return Device(name)
    path = find_lut(str(lut))
    table, other = read_lut(path), _of_precision(path, precision)
    if table.provenance.precision != precision and other is not None:
        return Device(name, read_lut(other), other)
    return Device(name, table, path)


def _of_precision(path: Path, precision: str) -> Path | None:
    """The table of another precision for the device of a table: beside it, or in the user's folder."""
    name = f"{path.stem}_{precision}"
    beside = path.with_name(f"{name}.json")
    return beside if beside.is_file() else user_luts().get(name)


def find_lut(name_or_path: str) -> Path:
    """The file of a table: a path, a name in the user's table folder, or the name of an embedded table, in this order.

    Raises:
        UnknownName: None of the three.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix == ".json" and path.is_file():
        return path
    known = embedded_luts() | user_luts()
    if name_or_path not in known:
        raise UnknownName(
            "latency table", name_or_path, known, f"Or give the path of a .json file; your folder is {user_folder()}."
        )
    return known[name_or_path]


def user_folder() -> Path:
    """`$NASFACE_HOME/luts`, by default `~/.nasface/luts`."""
    return _home() / "luts"


def measurements_folder(name: str) -> Path:
    """`$NASFACE_HOME/measurements/NAME`: the journal of what was measured for a table."""
    return _home() / "measurements" / name


def new_lut(name: str) -> Path:
    """The file in the user's folder that a new table goes into.

    Raises:
        InvalidInput: The name cannot be an option of `device=`, or belongs to a table of nasface itself.
    """
    if not _OPTION.fullmatch(name):
        raise InvalidInput(
            f"lut.name={name} cannot be the name of a device; use a letter, then letters, digits, dashes, underscores."
        )
    if name in embedded_luts():
        raise InvalidInput(
            f"lut.name={name} is a table that comes with nasface ({', '.join(embedded_luts())}); choose another name."
        )
    return user_folder() / f"{name}.json"


def device_name(said: str) -> str:
    """What a device says of itself, as a name that a table can have."""
    words = re.sub(r"[^a-z0-9]+", "_", said.lower()).strip("_")
    return words if _OPTION.fullmatch(words) else f"device_{words}".rstrip("_")


def replaceable_lut(name: str, asked: bool) -> Path:
    """The file of `new_lut` for a table that takes seconds to make; it replaces one that was measured only if asked.

    Raises:
        InvalidInput: As `new_lut`; there is a table of that name that is no mere estimate, and nobody asked.
    """
    path = new_lut(name)
    if path.is_file() and not asked and _kind(path) != "estimated":
        raise InvalidInput(
            f"lut.name={name} has a table already ({_kind(path)}): {path}; choose another name, or add "
            "lut.replace=true, and it is replaced with all that it holds (checks, references, other resolutions)."
        )
    return path


def _kind(path: Path) -> str:
    try:
        return read_lut(path).provenance.kind
    except LookupTableError:
        return "damaged"


def user_luts() -> dict[str, Path]:
    """Tables in the user's folder by name; the files are not opened."""
    return _tables(user_folder())


def embedded_luts() -> dict[str, Path]:
    """Tables that come with nasface by name; the files are not opened."""
    return _tables(EMBEDDED)


def _home() -> Path:
    home = os.environ.get("NASFACE_HOME")
    return Path(home).expanduser() if home else Path.home() / ".nasface"


def _tables(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.glob("*.json")) if _OPTION.fullmatch(path.stem)}
