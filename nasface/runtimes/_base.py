"""A model file that was opened, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput

Images = npt.NDArray[np.float32]
"""float32[n, height, width, 3], normalised RGB."""

Descriptors = npt.NDArray[np.float32]
"""float32[n, d]."""


@dataclass(frozen=True)
class Model:
    """What a runtime makes of a file.

    Attributes:
        size: Side of its square input, pixels.
        embed: From normalised images to descriptors.
    """

    size: int
    embed: Callable[[Images], Descriptors]


def square(path: Path, sides: Sequence[int]) -> int:
    """The side of a square input; raises `InvalidInput` for any other."""
    if len(sides) != 2 or sides[0] != sides[1]:
        raise InvalidInput(
            f"{path} takes images of {list(sides)}; nasface measures networks with one square RGB input."
        )
    return int(sides[0])
