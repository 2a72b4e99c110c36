"""Which networks to measure: those that tell most about a linear model of their times (greedy D-optimal design).

Measuring rows X of features leaves the coefficients of a linear model with the covariance (X'X)^-1. The greedy choice
takes the network whose time is least certain, again and again; this maximises det(X'X) step by step (Fedorov, Theory
of Optimal Experiments, 1972). Choices are nested: a longer one begins with the shorter one, so that a user who needs
more measurements keeps the old ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

PRIOR: Final = 1e-3
"""Prior precision of every coefficient, in units of one measured network of average features."""


def most_informative(
    pool: npt.NDArray[np.float64], n: int, measured: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.intp]:
    """Rows of the pool to measure next, in order, int[min(n, len(pool))].

    Args:
        pool: float64[m, k], features of networks that can be measured; a constant is added here, scales do not matter.
        n: How many are wanted.
        measured: float64[l, k], features of networks measured already.
    """
    known = pool[:0] if measured is None else measured
    mean, deviation = pool.mean(axis=0), pool.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    rows, old = (np.c_[np.ones(len(part)), (part - mean) / scale] for part in (pool, known))
    covariance = np.linalg.inv(old.T @ old + PRIOR * np.eye(rows.shape[1]))
    free, chosen = np.ones(len(pool), bool), []
    for _ in range(min(n, len(pool))):
        variance = np.einsum("ij,jk,ik->i", rows, covariance, rows)
        best = int(np.where(free, variance, -np.inf).argmax())
        free[best] = False
        chosen.append(best)
        step = covariance @ rows[best]
        covariance -= np.outer(step, step) / (1.0 + variance[best])
    return np.array(chosen, np.intp)
