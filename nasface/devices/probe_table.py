"""A table for a device that was not measured layer by layer, from the times of a few probe networks on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from nasface.devices.lut import LookupTable, Provenance, Reference
from nasface.devices.probes import FEWEST, check_times
from nasface.devices.scaling import Base, Scaling
from nasface.devices.speed_fit import Observation
from nasface.errors import InvalidInput
from nasface.netspec import Layer
from nasface.spaces import Population, SearchSpace
from nasface.spaces.references import REFERENCES

PATIENCE: Final = 8
"""Probes from which on a large error is the model's fault, not the number's."""


@dataclass(frozen=True)
class ProbeTime:
    """The time of one network, as a user gives it.

    Attributes:
        name: What it is called in messages.
        resolution: In pixels.
        ms: Milliseconds of one image.
        genotype: int8[n_genes], or None for the reference network called `name`.
        std: Standard deviation in milliseconds, where known.
    """

    name: str
    resolution: int
    ms: float
    genotype: Population | None = None
    std: float | None = None


@dataclass(frozen=True)
class ScaledTable:
    """What the probes say.

    Attributes:
        table: Its rows are estimated.
        scaling: How they were made.
        errors: Relative error of each probe's time when it is left out.
        error: Their root mean square.
        tolerance: What was accepted.
    """

    table: LookupTable
    scaling: Scaling
    errors: Mapping[str, float]
    error: float
    tolerance: float

    @property
    def enough(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    @property
    def verdict(self) -> str:
        """For people: whether more probes are needed."""
        worst = max(self.errors, key=lambda net: abs(self.errors[net]))
        found = f"left out one by one, the {len(self.errors)} probes are predicted within {self.error:.1%}"
        found += f" (root mean square; worst {worst}, {self.errors[worst]:+.1%})"
        if self.enough:
            return f"{found}: no more probes are needed for {self.tolerance:.0%}"
        if len(self.errors) < PATIENCE:
            return f"{found}: more than {self.tolerance:.0%}, so more probes are needed"
        return (
            f"{found}: more than {self.tolerance:.0%}, and more probes will hardly help: the device is unlike that of "
            "the base table; measure its layers with task=build_lut"
        )


def scale_to_probes(
    base: Base, spaces: Sequence[SearchSpace], times: Sequence[ProbeTime], provenance: Provenance, tolerance: float
) -> ScaledTable:
    """Scale the base table to the times of probes on one device.

    Times of reference networks become references of the table and are not fitted to, because no network of the space
    need be like them; where there are none, the reference is estimated.

    Args:
        base: The table to scale.
        spaces: The space at every resolution the times are of.
        times: Of at least `FEWEST` networks of the space.
        provenance: What is known of the device; `method` and `loo_errors` are written here.
        tolerance: Largest error that counts as enough.

    Raises:
        InvalidInput: Too few times, or one twice.
        ImplausibleTimes: They cannot come from one device.
    """
    at = {space.resolution: space for space in spaces}
    device = provenance.device
    observed = [
        Observation(device, time.name, time.ms, base.features(_layers(time, at), time.resolution)) for time in times
    ]
    check_times(observed)
    probes = [o for o, time in zip(observed, times, strict=True) if time.genotype is not None]
    if len(probes) < FEWEST:
        raise InvalidInput(
            f"There are times of {len(probes)} networks of the space; give {FEWEST} at least (references do not count)."
        )
    scaling = Scaling.fit(probes)
    rows = {space.resolution: scaling.rows(device, base, space) for space in spaces}
    references = {size: _references(times, size, device, base, scaling) for size in at}
    table = LookupTable(device, _described(provenance, base, scaling, probes), rows, references)
    errors = {net: error for (_, net), error in scaling.left_out.one_out.items()}
    return ScaledTable(table, scaling, errors, scaling.left_out.rms, tolerance)


def _layers(time: ProbeTime, spaces: Mapping[int, SearchSpace]) -> Sequence[Layer]:
    if time.genotype is None:
        return REFERENCES[time.name](time.resolution).layers
    return spaces[time.resolution].build(time.genotype).layers


def _references(
    times: Sequence[ProbeTime], size: int, device: str, base: Base, scaling: Scaling
) -> dict[str, Reference]:
    """Measured where a time is given, estimated elsewhere."""
    measured = {time.name: time for time in times if time.genotype is None and time.resolution == size}
    found = {}
    for network in REFERENCES:
        if network in measured:
            found[network] = Reference(measured[network].ms, measured[network].std, "measured", "timed with the probes")
            continue
        ms = scaling.fitted.predict(device, base.reference(network, size))
        found[network] = Reference(ms, None, "estimated", "layer model of the base table, scaled to the probes")
    return found


def _described(provenance: Provenance, base: Base, scaling: Scaling, probes: Sequence[Observation]) -> Provenance:
    fitted = scaling.fitted
    extra = f" + {fitted.cost:.4g} x {fitted.extra}" if fitted.extra and fitted.cost else ""
    method = (
        f"Estimated, not measured layer by layer: {fitted.speed[provenance.device]:.4g} x ({fitted.base}{extra}) per "
        f"layer, fitted to the times of {len(probes)} probe networks (candidate '{scaling.candidate}', base table "
        f"{base.table.name}). loo_errors leave out one probe each."
    )
    return replace(
        provenance,
        kind="estimated",
        method=method,
        sources=(*provenance.sources, f"base table {base.table.name}: {base.table.provenance.device}"),
        loo_errors={net: round(error, 4) for (_, net), error in scaling.left_out.one_out.items()},
    )
