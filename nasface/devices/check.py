"""Predicted against measured latency of whole networks: how far off, in which direction, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.metrics import Interval, kendall_tau, percentile_intervals, resamples

Values = npt.NDArray[np.float64]

RESAMPLES: Final = 1000
FEWEST: Final = 5
MEDIAN: Final = "median"
FASTEST: Final = "fastest 5 % of runs"
"""Of which runs predictions and measured times are."""

SIZES: Final = ("small", "middle", "large")
"""Thirds of the networks by predicted latency."""


@dataclass(frozen=True)
class LatencyCheck:
    """Predictions of n networks beside their measured times.

    Attributes:
        predicted: float64[n], milliseconds.
        measured: float64[n], milliseconds.
        figures: By name, with 95 % intervals by bootstrap over the networks: `mape`, mean absolute error relative to
            the measured time; `worst`, the largest; `kendall_tau`; `bias`, mean of predicted / measured - 1;
            `bias_small`, `bias_middle`, `bias_large`, of the thirds by prediction; `factor`, the geometric mean of
            measured / predicted; `mape_scaled`, what is left of `mape` after that factor.
    """

    predicted: Values
    measured: Values
    figures: dict[str, Interval]

    @classmethod
    def of(cls, predicted: Values, measured: Values, rng: np.random.Generator) -> LatencyCheck:
        """Compare.

        Args:
            predicted: float64[n], milliseconds, positive.
            measured: float64[n], milliseconds, positive.
            rng: Draws the resamples.

        Raises:
            InvalidInput: Fewer than five networks, or a number that is not positive.
        """
        if len(predicted) < FEWEST:
            raise InvalidInput(f"A check needs {FEWEST} networks at least; there are {len(predicted)}.")
        if not (np.isfinite([predicted, measured]).all() and (np.minimum(predicted, measured) > 0).all()):
            raise InvalidInput("A check needs positive times; measure the networks again.")
        return cls(predicted, measured, _figures(predicted, measured, rng))

    @property
    def errors(self) -> tuple[float, ...]:
        """Measured / predicted - 1, ascending: what margins are made of."""
        return tuple(np.sort(self.measured / self.predicted - 1.0).tolist())


def _figures(predicted: Values, measured: Values, rng: np.random.Generator) -> dict[str, Interval]:
    third = np.argsort(np.argsort(predicted, kind="stable"), kind="stable") * len(SIZES) // len(predicted)
    whole = _statistics(predicted, measured, third)
    draws = [rows for rows in resamples(len(predicted), RESAMPLES, rng) if len(np.unique(third[rows])) == len(SIZES)]
    drawn = [list(_statistics(predicted[rows], measured[rows], third[rows]).values()) for rows in draws]
    return percentile_intervals(whole, np.array(drawn))


def _statistics(predicted: Values, measured: Values, third: npt.NDArray[np.intp]) -> dict[str, float]:
    error = predicted / measured - 1.0
    factor = float(np.exp(np.log(measured / predicted).mean()))
    found = {"mape": float(np.abs(error).mean()), "worst": float(np.abs(error).max())}
    found |= {"kendall_tau": kendall_tau(measured, predicted), "bias": float(error.mean())}
    found |= {f"bias_{size}": float(error[third == i].mean()) for i, size in enumerate(SIZES)}
    return found | {"factor": factor, "mape_scaled": float(np.abs(predicted * factor / measured - 1.0).mean())}
