"""What cannot be right in a table of measured rows, said before anybody searches with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import listing
from nasface.netspec import Layer

SLACK: Final = 0.02
"""Share by which a larger kernel may seem faster before it is called odd."""


def odd_kernels(layers: Sequence[Layer], ms: npt.NDArray[np.float64]) -> list[str]:
    """Layers that are faster than the same layer with the smallest kernel, in words.

    Args:
        layers: The rows.
        ms: float64[len(layers)].
    """
    alike: dict[str, list[tuple[int, float, str]]] = defaultdict(list)
    for layer, time in zip(layers, ms, strict=True):
        if layer.kernel is not None:
            alike[replace(layer, kernel=None).key].append((layer.kernel, float(time), layer.key))
    found = []
    for group in alike.values():
        (small, least, _), (_, time, key) = min(group), max(group)
        if time < (1 - SLACK) * least:
            found.append(f"{key} ({time:.4g} ms, kernel {small} {least:.4g} ms)")
    return found


def kernel_warning(name: str, resolution: int, layers: Sequence[Layer], ms: npt.NDArray[np.float64]) -> str | None:
    """One sentence about `odd_kernels`, or None."""
    odd = odd_kernels(layers, ms)
    if not odd:
        return None
    return (
        f"In table {name} at {resolution} pixels the largest kernel is faster than the smallest in {len(odd)} rows: "
        f"{listing(odd, 3)}; the device was probably busy or its clock changed: measure these again."
    )
