"""Genotypes in files: OFA's genotype JSON, a net.config, or a result.json of a search."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidGenotype, InvalidInput
from nasface.spaces._base import SearchSpace


def read_genotype(path: Path, space: SearchSpace) -> npt.NDArray[np.int8]:
    """The genotype of a file, int8[n_genes].

    Raises:
        InvalidInput: The file cannot be read.
        InvalidGenotype: It holds no network of this space.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"The genotype {path} cannot be read ({error.strerror}).") from None
    except ValueError:
        raise InvalidGenotype(f"{path} is not JSON; give a genotype JSON, a net.config or a result.json.") from None
    for key in ("decision", "genotype"):  # of a result.json
        content = content.get(key, content) if isinstance(content, dict) else content
    if not isinstance(content, dict):
        raise InvalidGenotype(f"{path} holds no genotype; give {{'ks': [20], 'e': [20], 'd': [5]}} or a net.config.")
    return space.from_dict(content)
