"""What cannot be right in a table of measured rows, said before anybody searches with it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.devices.lut import Row
from nasface.errors import LookupTableError, listing
from nasface.netspec import Layer

SLOWEST, FASTEST = 2e4, 2e9
"""Multiply-accumulates per millisecond of a microcontroller, and of more than any phone reaches on single images."""

SLOWEST_PHONE, FASTEST_PHONE = 2e5, 1e9
"""The same of phones and boards that run such networks at all; tables beyond are of another unit, or say theirs."""

PER_ELEMENT: Final = 10
"""Multiply-accumulates that moving one element of a map is about worth."""

PER_LAYER: Final = 1e6
"""Multiply-accumulates that starting a layer is at most worth, on processors that are slow at that."""

ODD, IMPOSSIBLE = 20.0, 100.0
"""By how much one row may be above or below what its work suggests. In measured tables it is 0.3 to 6.2."""

WIDE: Final = 1.0
"""Standard deviation relative to the mean beyond which the device was not measured in peace."""

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


def check_rows(name: str, layers: Sequence[Layer], rows: Mapping[str, Row], unit_is_known: bool) -> list[str]:
    """Whether the rows can be milliseconds of these layers on one device.

    Args:
        name: Of the table or file, for messages.
        layers: Of the space.
        rows: With a row for each of them.
        unit_is_known: Somebody said which unit the numbers are; then only what no device does is refused.

    Returns:
        Sentences about what is odd.

    Raises:
        LookupTableError: The rows are of another unit, or one row is of another layer, unit or world.
    """
    ms = np.array([rows[layer.key].mean_ms for layer in layers])
    _check_unit(name, sum(layer.macs for layer in layers) / float(ms.sum()), unit_is_known)
    keys = [layer.key for layer in layers if rows[layer.key].mean_ms > 0]  # the others are contained in one of these
    off = _far_rows([layer for layer in layers if rows[layer.key].mean_ms > 0], ms[ms > 0])
    worst = max(off, key=lambda key: abs(math.log(off[key])), default=None)
    if worst is not None and not 1 / IMPOSSIBLE < off[worst] < IMPOSSIBLE:
        raise LookupTableError(
            f"{name}: {worst} takes {rows[worst].mean_ms:g} ms, {_times(off[worst])} what the other rows suggest for "
            "its work; is it of another unit or layer? Correct it, or measure it again."
        )
    return _odd_rows(name, rows, off) + _wide_rows(name, rows, keys)


def _far_rows(layers: Sequence[Layer], ms: npt.NDArray[np.float64]) -> dict[str, float]:
    """By which factor a row is above or below what its work suggests, given the others; of those beyond `ODD`."""
    moved = [math.prod(layer.input_shape) + math.prod(layer.output_shape) for layer in layers]
    work = np.array([layer.macs for layer in layers]) + PER_ELEMENT * np.array(moved, np.float64)
    speed = float(np.median(work / ms))
    high, low = ms * speed / (work + PER_LAYER), ms * speed / work
    ratios = zip(layers, np.where(high > ODD, high, low).tolist(), strict=True)
    return {layer.key: ratio for layer, ratio in ratios if not 1 / ODD <= ratio <= ODD}


def _check_unit(name: str, rate: float, unit_is_known: bool) -> None:
    """`rate`: multiply-accumulates per millisecond."""
    slowest, fastest = (SLOWEST, FASTEST) if unit_is_known else (SLOWEST_PHONE, FASTEST_PHONE)
    if slowest <= rate <= fastest:
        return
    suspected, other = ("seconds", "s") if rate > fastest else ("microseconds", "us")
    remedy = f"Import them with lut.unit={other} if they are" + ("" if unit_is_known else ", lut.unit=ms if not")
    raise LookupTableError(
        f"{name}: taken as milliseconds, the rows say that the device does {rate / 1e6:.3g} billion "
        f"multiply-accumulates a second; are the numbers {suspected}, a factor of 1000? {remedy}."
    )


def _odd_rows(name: str, rows: Mapping[str, Row], off: Mapping[str, float]) -> list[str]:
    if not off:
        return []
    shown = [f"{key} ({rows[key].mean_ms:g} ms, {_times(ratio)})" for key, ratio in off.items()]
    return [f"{name}: {len(off)} rows are far from what the others suggest for their work: {listing(shown, 3)}."]


def _wide_rows(name: str, rows: Mapping[str, Row], keys: Sequence[str]) -> list[str]:
    wide = [key for key in keys if (rows[key].std_ms or 0) > WIDE * rows[key].mean_ms]
    if not wide:
        return []
    shown = [f"{key} ({rows[key].mean_ms:g} +- {rows[key].std_ms:g} ms)" for key in wide]
    return [
        f"{name}: {len(wide)} rows have a standard deviation larger than their mean: {listing(shown, 3)}; the device "
        "was busy, or the deviations are of another unit."
    ]


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio > 1 else f"1/{1 / ratio:.3g} of"
