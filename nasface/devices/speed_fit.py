"""Fitting a device's speed to a handful of published network times, and judging the fit by leaving times out.

    time(layer) = speed(device) * (base(layer) + cost * extra(layer))

with one `speed` per device and one `cost` for all devices, by least squares on relative error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

CANDIDATES: Final[dict[str, tuple[str, str | None]]] = {
    "MACs": ("macs", None),
    "MACs + per convolution": ("macs", "convolutions"),
    "table": ("table", None),
    "table + MACs": ("table", "macs"),
    "table + per layer": ("table", "layers"),
    "table + per convolution": ("table", "convolutions"),
    "table + swish": ("table", "swish"),
}
"""Name -> (base, extra); `table` is a network's time by the table that is scaled."""

MOST_EXTRA: Final = 0.999
"""Largest share of the extra in the time of all networks together."""


@dataclass(frozen=True)
class Observation:
    """A published time of a network on a phone, and what candidates predict from.

    Attributes:
        features: Per feature name the sum over the network's layers.
    """

    device: str
    net: str
    ms: float
    features: Mapping[str, float]


@dataclass(frozen=True)
class FittedSpeeds:
    """Fitted parameters of one candidate."""

    base: str
    extra: str | None
    cost: float
    speed: Mapping[str, float]

    def predict(self, device: str, counts: Mapping[str, float]) -> float:
        """Milliseconds of a layer or network with these features."""
        return self.speed[device] * (counts[self.base] + (self.cost * counts[self.extra] if self.extra else 0.0))


def fit_speeds(observations: Sequence[Observation], base: str, extra: str | None) -> FittedSpeeds:
    """Least squares on relative error: for a given cost the speeds are known, and the cost is searched for.

    The search is over the share s of the extra in the whole, so that costs from 0 to (nearly) all are within reach.
    """
    first = _at(observations, base, extra, 0.0)
    if extra is None or not any(o.features[extra] for o in observations):
        return first
    from scipy.optimize import minimize_scalar

    scale = sum(o.features[base] for o in observations) / sum(o.features[extra] for o in observations)
    found = minimize_scalar(
        lambda share: _loss(observations, _at(observations, base, extra, share / (1.0 - share) * scale)),
        bounds=(0.0, MOST_EXTRA),
        method="bounded",
        options={"xatol": 1e-9},
    )
    best = _at(observations, base, extra, float(found.x / (1.0 - found.x) * scale))
    return min((first, best), key=lambda fitted: _loss(observations, fitted))


def _at(observations: Sequence[Observation], base: str, extra: str | None, cost: float) -> FittedSpeeds:
    """The best speeds for a cost."""
    trial, speed = FittedSpeeds(base, extra, cost, {o.device: 1.0 for o in observations}), {}
    for device in trial.speed:
        z = np.array([trial.predict(device, o.features) / o.ms for o in observations if o.device == device])
        speed[device] = float(z.sum() / (z @ z))
    return FittedSpeeds(base, extra, cost, speed)


def _loss(observations: Sequence[Observation], fitted: FittedSpeeds) -> float:
    return sum((fitted.predict(o.device, o.features) / o.ms - 1.0) ** 2 for o in observations)


def leave_one_out(
    observations: Sequence[Observation], base: str, extra: str | None, *, whole_net: bool
) -> dict[tuple[str, str], float]:
    """Relative error per (device, net) without that observation; `whole_net` leaves the net out on every device."""
    errors = {}
    for out in observations:
        kept = [o for o in observations if (o.net != out.net if whole_net else o is not out)]
        errors[out.device, out.net] = fit_speeds(kept, base, extra).predict(out.device, out.features) / out.ms - 1.0
    return errors


@dataclass(frozen=True)
class LeftOut:
    """Relative errors of a candidate on times it was not fitted to.

    Attributes:
        one_out: Per (device, net), when that time is left out.
        net_out: The same when the net is left out on all devices.
    """

    one_out: Mapping[tuple[str, str], float]
    net_out: Mapping[tuple[str, str], float]

    @property
    def rms(self) -> float:
        """Root mean square of `one_out`."""
        return float(np.sqrt(np.mean(np.square(list(self.one_out.values())))))


def compare_candidates(observations: Sequence[Observation]) -> dict[str, LeftOut]:
    """The errors of all `CANDIDATES`, by name."""
    return {
        name: LeftOut(
            leave_one_out(observations, base, extra, whole_net=False),
            leave_one_out(observations, base, extra, whole_net=True),
        )
        for name, (base, extra) in CANDIDATES.items()
    }
