"""Genotypes in files: OFA's genotype JSON, a net.config, or a result.json of a search."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype, InvalidInput
from nasface.spaces._base import SearchSpace

MOST_PRINTED: Final = 100_000
"""Characters of a printed dictionary that is read at most."""


def read_genotype(path: Path, space: SearchSpace) -> npt.NDArray[np.int8]:
    """The genotype of a file, int8[n_genes].

    Raises:
        InvalidInput: The file cannot be read.
        InvalidGenotype: It holds no network of this space.
    """
    try:
        content = _parsed(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InvalidInput(f"The genotype {path} cannot be read ({error.strerror}).") from None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise InvalidGenotype(f"{path} is not JSON; give a genotype JSON, a net.config or a result.json.") from None
    for key in ("decision", "genotype"):  # of a result.json
        content = content.get(key, content) if isinstance(content, dict) else content
    if not isinstance(content, dict):
        raise InvalidGenotype(f"{path} holds no genotype; give {{'ks': [20], 'e': [20], 'd': [5]}} or a net.config.")
    return space.from_dict(content)


def _parsed(text: str) -> object:
    """JSON; or a short dictionary as Python prints it, which logs are full of."""
    try:
        return json.loads(text)
    except ValueError:
        if len(text) > MOST_PRINTED or not text.lstrip().startswith("{"):
            raise
        return ast.literal_eval(text.strip())
