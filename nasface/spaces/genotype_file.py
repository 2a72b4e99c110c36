"""Genotypes in files: a genotype JSON, a net.config, or a result.json of a search, which also says of which space."""

from __future__ import annotations

from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype, InvalidInput
from nasface.reading import parse_json, parse_literal, read_text
from nasface.runs import Json
from nasface.spaces._base import SearchSpace


def read_genotype(path: Path, space: SearchSpace) -> npt.NDArray[np.int8]:
    """The genotype of a file, int8[n_genes].

    Raises:
        InvalidInput: The file cannot be read.
        InvalidGenotype: It holds no network of this space.
    """
    content = _content(path)
    for key in ("decision", "genotype"):  # of a result.json
        content = content.get(key, content) if isinstance(content, dict) else content
    if not isinstance(content, dict):
        raise InvalidGenotype(f"{path} holds no genotype; give {{'ks': [20], 'e': [20], 'd': [5]}} or a net.config.")
    return space.from_dict(content)


def stated_space(path: Path) -> Mapping[str, Json] | None:
    """Options of the space that the network of a `result.json` is of, its resolution included; None of other files."""
    content = _content(path)
    decided = content.get("decision") if isinstance(content, dict) else None
    found = (part.get("space") for part in (decided, content) if isinstance(part, dict))
    said = next((space for space in found if isinstance(space, dict) and isinstance(space.get("name"), str)), None)
    if said is None:
        return None
    resolution = decided.get("resolution") if isinstance(decided, dict) else None
    return said if resolution is None else said | {"resolution": resolution}


def _content(path: Path) -> object:
    try:
        return _parsed(read_text(path))
    except OSError as error:
        raise InvalidInput(f"The genotype {path} cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise InvalidGenotype(
            f"{path} is not JSON ({error}); give a genotype JSON, a net.config or a result.json."
        ) from None


def _parsed(text: str) -> object:
    """JSON; or a short dictionary as Python prints it, which logs are full of."""
    try:
        return parse_json(text)
    except JSONDecodeError:  # another reason is one against a dictionary of Python's too
        if not text.lstrip().startswith("{"):
            raise
        return parse_literal(text)
