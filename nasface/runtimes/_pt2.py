"""What a `.pt2` file may hold: plain operators and numbers.

`torch.export.load` believes a file: it unpickles what is no plain tensor, loads compiled libraries, evaluates
conditions and sizes as Python, and looks operators up by whatever name is given. So the file is looked through before.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from nasface.errors import InvalidInput
from nasface.reading import check_archive, json_object, parse_json

_PLAIN: Final = re.compile(
    r"(archive_format|archive_version|version|byteorder|\.data/\w+|extra/.*|data/weights/weight_\d+|data/constants/tensor_\d+)"
)
"""Members that are numbers, or texts that nobody runs."""

_MODEL: Final = re.compile(r"models/\w+\.json")
_CONFIG: Final = re.compile(r"data/(weights|constants)/\w+_config\.json")
_EXAMPLE: Final = re.compile(r"data/sample_inputs/\w+\.pt")

_OPERATOR: Final = re.compile(
    r"torch\.ops\.aten\.(?!from_file)\w+\.\w+"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|pow|neg|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|torch\.sym_\w+|math\.\w+"
)
"""Names that a node of the graph may call."""

_NAME: Final = re.compile(r"[\w.:]*", re.ASCII)
"""Every other text: names of tensors and arguments, modes, devices. They end up in generated Python."""

_SIZE: Final = re.compile(r"(Symbol\('\w+', positive=True, integer=True\)|\w+|[-+*/(), ]|//)*", re.ASCII)
"""Sizes that depend on others."""

_UNREAD: Final = ("metadata", "in_spec", "out_spec", "torch_version")
"""Fields that nothing is made of: where a node came from; the nesting of arguments, which is data."""


def check_pt2(path: Path) -> None:
    """Refuse a file that is more than operators and numbers.

    Raises:
        InvalidInput: With what stands in the way.
    """
    try:
        check_archive(path)
        with zipfile.ZipFile(path) as archive:
            wrong = next(_wrong(archive), None)
    except Exception as error:  # of a damaged archive anything
        raise InvalidInput(f"{path} is not a torch.export file ({str(error).splitlines()[0]:.200}).") from None
    if wrong is not None:
        raise InvalidInput(
            f"{path} holds {wrong:.200}: opening it could run code, so that it is not opened; export the network again "
            "with torch.export.save, of plain operators alone, or give another format."
        )


def _wrong(archive: zipfile.ZipFile) -> Iterator[str]:
    for member in archive.namelist():
        name = member.partition("/")[2]
        if _MODEL.fullmatch(name):
            yield from _wrong_model(json_object(parse_json(archive.read(member))))
        elif _CONFIG.fullmatch(name):
            yield from _wrong_config(json_object(parse_json(archive.read(member))))
        elif _EXAMPLE.fullmatch(name):
            yield from _wrong_example(archive.read(member))
        elif not _PLAIN.fullmatch(name):
            yield f"the member {member}"


def _wrong_model(model: Mapping[str, object]) -> Iterator[str]:
    if model.get("guards_code"):
        yield "conditions in Python (guards_code)"
    yield from _wrong_texts(model, "")


def _wrong_texts(value: object, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if not _NAME.fullmatch(name):
                yield f"the name {name!r}"
            elif name not in _UNREAD:
                yield from _wrong_texts(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _wrong_texts(inner, key)
    elif isinstance(value, str):
        allowed = {"target": _OPERATOR, "expr_str": _SIZE}.get(key, _NAME)
        if not (allowed.fullmatch(value) or (key == "target" and _NAME.fullmatch(value) and "." not in value)):
            yield f"the {key or 'text'} {value!r}"


def _wrong_config(config: Mapping[str, object]) -> Iterator[str]:
    for name, entry in json_object(config["config"]).items():
        if (
            not isinstance(entry, dict)
            or entry.get("use_pickle")
            or not re.fullmatch(r"(weight|tensor)_\d+", str(entry.get("path_name")))
        ):
            yield f"{name!r}, which is pickled or no tensor"


def _wrong_example(content: bytes) -> Iterator[str]:
    import torch

    try:
        torch.load(io.BytesIO(content), weights_only=True)
    except Exception:  # whatever is in the pickle
        yield "examples of inputs that are no plain tensors"
