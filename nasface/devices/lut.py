"""Latency tables: milliseconds per layer and resolution, and where they come from. `lut_file` reads and writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast

import numpy as np
import numpy.typing as npt

from nasface.devices.margins import margin
from nasface.errors import LookupTableError, listing
from nasface.netspec import Layer

Kind = Literal["measured", "estimated"]
KINDS: Final = ("measured", "estimated")

FLOAT32: Final = "float32"
PRECISIONS: Final = (FLOAT32, "int8")
"""What files compute in; those whose weights alone are stored otherwise (float16, int8_weights) compute in float32."""

Lowering = Literal["", "whole", "split"]
LOWERINGS: Final = ("", "whole", "split")


@dataclass(frozen=True, slots=True)
class Row:
    """Time of one layer alone.

    Attributes:
        mean_ms: Mean over `runs` runs; positive, or 0 together with `contained_in`.
        std_ms: Standard deviation over the runs, where known.
        runs: Number of timed runs, where known.
        contained_in: Key of the row whose time includes this layer, for layers that were never timed alone.
        energy_mj: Energy of one run in millijoules, where it was measured; 0 only beside `contained_in`.
        fast_ms: The time made of the fastest 5 % of the runs instead of medians, where these are known; 0 as `mean_ms`.
    """

    mean_ms: float
    std_ms: float | None = None
    runs: int | None = None
    contained_in: str | None = None
    energy_mj: float | None = None
    fast_ms: float | None = None

    @property
    def valid(self) -> bool:
        """Whether the numbers can be times."""
        known = [self.mean_ms, *(given for given in (self.fast_ms, self.energy_mj) if given is not None)]
        spread = self.std_ms is None or (math.isfinite(self.std_ms) and self.std_ms >= 0)
        return spread and all(map(self._positive, known))

    def _positive(self, value: float) -> bool:
        return math.isfinite(value) and (value > 0 or (value == 0 and self.contained_in is not None))


@dataclass(frozen=True, slots=True)
class Reference:
    """Time of a whole reference network (a key of `nasface.devices.REFERENCES`) on the device.

    Attributes:
        ms: Mean time.
        std: Standard deviation, where known.
        kind: "measured" or "estimated".
        source: Who measured it, or how it was estimated.
        energy_mj: Energy of one run in millijoules, where known.
    """

    ms: float
    std: float | None
    kind: Kind
    source: str
    energy_mj: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Whole networks measured on the device against what the table says.

    Attributes:
        errors: Measured / predicted - 1 of every network, ascending.
        mape: Mean absolute error relative to the measured time.
        kendall_tau: Between predicted and measured.
        device: What they ran on, in words.
        engine: What ran them.
        threads: Number of threads; 0 if nobody noted it.
        created: What made the entry, and when.
    """

    errors: tuple[float, ...]
    mape: float
    kendall_tau: float
    device: str = ""
    engine: str = ""
    threads: int = 0
    created: str = ""


@dataclass(frozen=True)
class Provenance:
    """Where a table comes from.

    Attributes:
        kind: "measured", or "estimated" if any row rests on a model.
        device: The device in words.
        runtime: What ran the layers, e.g. "TFLite CPU".
        threads: Number of threads, where known.
        runs: Timed runs per row, where they are the same for all rows.
        method: How the numbers were made, in sentences.
        sources: Publications and files.
        created: What made the file.
        licence: Of the numbers.
        loo_errors: Relative error per published network when left out of the calibration; empty for measured tables.
        date: When it was measured, e.g. "2026-11-26".
        system: What the device said about itself and its clock and heat during the measurement.
        lowering: How a 7x7 depthwise convolution stood in the measured files: "whole", one operator; "split", the sum
            of three smaller ones; empty where the rows stand for neither.
        steps: Per resolution and step of building the table (see `nasface.timing.lut_builder`) the relative errors of
            its sums on whole networks that it was not fitted on: "mape", "bias", "max"; "kendall_tau" of their order;
            and "networks", their number. Steps called "fast_..." are of the fastest runs, rows against networks.
        precision: What the measured files compute in, one of `PRECISIONS`; float32 where nobody says it.
    """

    kind: Kind
    device: str
    runtime: str | None = None
    threads: int | None = None
    runs: int | None = None
    method: str = ""
    sources: tuple[str, ...] = ()
    created: str = ""
    licence: str | None = None
    loo_errors: Mapping[str, float] = field(default_factory=dict)
    date: str = ""
    lowering: Lowering = ""
    system: Mapping[str, str] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    precision: str = FLOAT32


@dataclass(frozen=True)
class LookupTable:
    """Milliseconds per layer, by resolution and `Layer.key`.

    Attributes:
        name: What users write: `device=NAME`.
        provenance: Where it comes from.
        rows: rows[resolution][key].
        references: references[resolution][network].
        checks: checks[resolution], the last one.
    """

    name: str
    provenance: Provenance
    rows: Mapping[int, Mapping[str, Row]]
    references: Mapping[int, Mapping[str, Reference]] = field(default_factory=dict)
    checks: Mapping[int, Check] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.provenance.kind not in KINDS:
            raise LookupTableError(
                f"Latency table {self.name} is of kind '{self.provenance.kind}'; use measured or estimated."
            )
        if self.provenance.lowering not in LOWERINGS:
            raise LookupTableError(
                f"Latency table {self.name} has the lowering '{self.provenance.lowering}'; use whole, split or none."
            )
        if self.provenance.precision not in PRECISIONS:
            raise LookupTableError(
                f"Latency table {self.name} has the precision '{self.provenance.precision}'; use "
                f"{' or '.join(PRECISIONS)}."
            )
        for resolution, rows in self.rows.items():
            _check_rows(self.name, resolution, rows)
        for resolution, references in self.references.items():
            _check_references(self.name, resolution, references)
        for resolution, check in self.checks.items():
            if not all(math.isfinite(error) and error > -1 for error in check.errors):
                raise LookupTableError(
                    f"Latency table {self.name}, {resolution} pixels: the check holds errors that cannot be; "
                    "run task=check_latency again."
                )

    def is_of(self, device: str) -> bool:
        """Whether times measured on a device belong to this table; one of which nobody said anything may be its."""
        checked = {check.device for check in self.checks.values()}
        return device in {"", self.provenance.device, self.provenance.system.get("device", ""), *checked}

    @property
    def estimated(self) -> bool:
        """Whether users are told "estimated" beside these numbers."""
        return self.provenance.kind == "estimated"

    def values(self, layers: Sequence[Layer], resolution: int) -> npt.NDArray[np.float64]:
        """Mean milliseconds of the given layers, float64[len(layers)].

        Raises:
            LookupTableError: The resolution, or rows at it, are absent.
        """
        return np.array([row.mean_ms for row in self._rows(layers, resolution)], np.float64)

    def fast_values(self, layers: Sequence[Layer], resolution: int) -> npt.NDArray[np.float64] | None:
        """The same made of the fastest 5 % of the runs; None where rows do not have it."""
        found = [row.fast_ms for row in self._rows(layers, resolution)]
        return None if None in found else np.array(found, np.float64)

    def energies(self, layers: Sequence[Layer], resolution: int) -> npt.NDArray[np.float64]:
        """Millijoules of the given layers, float64[len(layers)].

        Raises:
            LookupTableError: As `values`, or rows have no energy.
        """
        found = [row.energy_mj for row in self._rows(layers, resolution)]
        missing = [layer.key for layer, energy in zip(layers, found, strict=True) if energy is None]
        if missing:
            raise LookupTableError(
                f"Latency table {self.name} has no energy for {len(missing)} of the {len(layers)} rows that the space "
                f"needs at {resolution} pixels; leave out constraints.energy_mj, or import measurements with a column "
                "energy_mj (task=import_lut)."
            )
        return np.array(found, np.float64)

    def has_energy(self, resolution: int) -> bool:
        """Whether any row at this resolution has an energy."""
        return any(row.energy_mj is not None for row in self.rows.get(resolution, {}).values())

    def margin(self, confidence: float, resolution: int) -> float:
        """By how much predictions are to be raised so that measured times exceed them with chance 1 - confidence.

        Raises:
            LookupTableError: The table was not checked at this resolution.
            InvalidInput: Too few networks were, or the confidence is no such number.
        """
        if resolution not in self.checks:
            raise LookupTableError(
                f"Latency table {self.name} was not checked at {resolution} pixels, so nobody knows how far it is off; "
                f"run task=check_latency device={self.name}, or leave out constraints.latency_ms.confidence."
            )
        remedy = f"run task=check_latency device={self.name} check.nets={{fewest}} or more"
        return margin(self.checks[resolution].errors, confidence, remedy)

    def _rows(self, layers: Sequence[Layer], resolution: int) -> list[Row]:
        if resolution not in self.rows:
            known = ", ".join(str(size) for size in sorted(self.rows)) or "none"
            raise LookupTableError(
                f"Latency table {self.name} has no rows at {resolution} pixels, only at {known}; "
                "set space.resolution to one of these, give a table measured at this resolution, or measure one: "
                f"task=build_lut lut.resolutions=[{resolution}]."
            )
        rows = self.rows[resolution]
        missing = [layer.key for layer in layers if layer.key not in rows]
        if missing:
            raise LookupTableError(
                f"Latency table {self.name} lacks {len(missing)} of the {len(layers)} rows that the space needs at "
                f"{resolution} pixels: {listing(missing)}; measure them with task=build_lut, or use "
                "a table made for this space."
            )
        return [rows[layer.key] for layer in layers]

    def reference(self, network: str, resolution: int) -> Reference:
        """Time of a reference network.

        Raises:
            LookupTableError: The table has none, with the remedy.
        """
        found = self.references.get(resolution, {}).get(network)
        if found is None:
            raise LookupTableError(
                f"Latency table {self.name} has no time of {network} at {resolution} pixels, which a ratio needs; "
                f'give the bound as constraints.latency_ms.max in ms, or add the time to the file under "references": '
                f'{{"{resolution}": {{"{network}": {{"ms": ..., "kind": "measured"}}}}}}.'
            )
        return found


def _check_rows(name: str, resolution: int, rows: Mapping[str, Row]) -> None:
    wrong = [key for key, row in rows.items() if not row.valid]
    if wrong:
        raise LookupTableError(
            f"Latency table {name}, {resolution} pixels: {len(wrong)} rows are not positive numbers of milliseconds "
            f"({listing([f'{key} = {rows[key].mean_ms}' for key in wrong], 3)}); measure them again "
            '(0 is allowed only beside "contained_in").'
        )
    lost = [key for key, row in rows.items() if row.contained_in is not None and row.contained_in not in rows]
    if lost:
        raise LookupTableError(
            f"Latency table {name}, {resolution} pixels: {listing(lost)} is contained_in a row that is not there; "
            "name the row that was timed."
        )


def _check_references(name: str, resolution: int, references: Mapping[str, Reference]) -> None:
    for network, reference in references.items():
        if not (math.isfinite(reference.ms) and reference.ms > 0 and reference.kind in KINDS):
            raise LookupTableError(
                f"Latency table {name}, {resolution} pixels: the reference {network} is {reference.ms} ms, "
                f"kind '{cast(str, reference.kind)}'; give a positive time and the kind measured or estimated."
            )
