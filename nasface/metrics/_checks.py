"""Checks that every metric makes on its input; messages say what was given, what is allowed and what to do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]
Bools = npt.NDArray[np.bool_]


def unit_rows(descriptors: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Descriptors as contiguous float32 (n, d), each row scaled to length 1.

    Raises:
        InvalidInput: Not two-dimensional, or a row that is not finite or is zero.
    """
    rows = np.array(descriptors, dtype=np.float32, order="C")
    if rows.ndim != 2 or rows.size == 0:
        raise InvalidInput(f"Descriptors must be a matrix with one row per photo; the shape given is {rows.shape}.")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0)))
    if bad.size:
        raise InvalidInput(
            f"{bad.size} of {len(rows)} descriptors are zero or not finite (first: row {bad[0]}); "
            "check the network that made them, for instance whether its batch norms were calibrated."
        )
    rows /= norms
    return rows


def label_codes(labels: npt.ArrayLike, rows: int) -> npt.NDArray[np.int64]:
    """Labels of any type as codes 0..people-1, int64 (n,), in the labels' sort order.

    Raises:
        InvalidInput: Not one label per row.
    """
    given = np.asarray(labels)
    if given.shape != (rows,):
        raise InvalidInput(f"Every descriptor needs one label: {rows} descriptors, labels of shape {given.shape}.")
    return np.asarray(np.unique(given, return_inverse=True)[1], dtype=np.int64)


def lowest_far(impostors: int) -> float:
    """The smallest false accept rate that `impostors` pairs can support: ten accepted pairs."""
    return 10.0 / impostors if impostors else float("inf")


def least_impostors(far: float) -> int:
    """The fewest impostor pairs that support a false accept rate: ten of them are accepted."""
    return int(np.ceil(10.0 / far * (1.0 - 1e-9)))


def check_far(far: float, impostors: int) -> None:
    """Refuse a false accept rate outside (0, 1) or below ten accepted impostor pairs.

    Raises:
        InvalidInput: See above.
    """
    if not 0.0 < far < 1.0:
        raise InvalidInput(f"A false accept rate lies between 0 and 1; {far:g} was given.")
    if far * impostors < 10.0 - 1e-9:
        raise InvalidInput(
            f"A false accept rate of {far:g} needs at least {least_impostors(far):,} impostor pairs and there are "
            f"{impostors:,}: ask for {lowest_far(impostors):.2g} or more, or give photos of more people."
        )
