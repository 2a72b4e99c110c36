"""A table of one device, scaled to times of whole networks on another: the embedded phones' tables, and any phone's.

    time(layer) = speed(device) * (base(layer) + cost * extra(layer))

`speed_fit` fits it; the leave-one-out error chooses what base and extra are. The base is a measured table's time, or
multiply-accumulates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from nasface.devices.layer_model import FEATURES, LayerModel, features, swish_outputs
from nasface.devices.lut import LookupTable, Row
from nasface.devices.speed_fit import (
    CANDIDATES,
    FittedSpeeds,
    LeftOut,
    Observation,
    compare_candidates,
    fit_speeds,
)
from nasface.errors import LookupTableError
from nasface.netspec import Conv, Layer, op_macs
from nasface.spaces import SearchSpace
from nasface.spaces.references import REFERENCES

COUNTS: Final = ("table", "macs", "layers", "convolutions", "swish")
"""What candidates predict from: ms by the base table, multiply-accumulates and swish outputs in millions, numbers."""


@dataclass(frozen=True)
class Base:
    """The table that is scaled.

    Attributes:
        table: The table.
        model: Fitted to its rows; stands in for networks it has no rows for, such as EfficientNet-B0.
    """

    table: LookupTable
    model: LayerModel

    @classmethod
    def of(cls, table: LookupTable, spaces: Sequence[SearchSpace]) -> Self:
        """Fit the layer model to the rows of the spaces, one per resolution."""
        return cls(table, layer_model(table, spaces))

    def ms(self, layers: Sequence[Layer], resolution: int) -> npt.NDArray[np.float64]:
        """float64[len(layers)]: the table's times if it has rows for all of them, else the layer model's."""
        rows = self.table.rows.get(resolution, {})
        known = all(layer.key in rows for layer in layers)
        return self.table.values(layers, resolution) if known else self.model.predict(layers)

    def features(self, layers: Sequence[Layer], resolution: int) -> dict[str, float]:
        """Of a network: `COUNTS`, and `layer_model.FEATURES`, which bound what its time can be."""
        parts = [counts(layer, ms) for layer, ms in zip(layers, self.ms(layers, resolution), strict=True)]
        work = np.sum([features(layer) for layer in layers], axis=0).tolist()
        return dict(zip(FEATURES, work, strict=True)) | {name: sum(part[name] for part in parts) for name in COUNTS}

    def reference(self, network: str, resolution: int) -> dict[str, float]:
        """The features of a reference network."""
        return self.features(REFERENCES[network](resolution).layers, resolution)


@dataclass(frozen=True)
class Scaling:
    """A fitted candidate and how it was chosen.

    Attributes:
        candidate: Its name.
        fitted: Its parameters.
        candidates: The errors of every candidate.
    """

    candidate: str
    fitted: FittedSpeeds
    candidates: Mapping[str, LeftOut]

    @classmethod
    def fit(cls, observations: Sequence[Observation]) -> Self:
        """Take the candidate of least leave-one-out error; the simpler one where two are equal."""
        candidates = compare_candidates(observations)
        best = min(candidates, key=lambda name: round(candidates[name].rms, 6))
        return cls(best, fit_speeds(observations, *CANDIDATES[best]), candidates)

    @property
    def left_out(self) -> LeftOut:
        """The errors of the candidate."""
        return self.candidates[self.candidate]

    def rows(self, device: str, base: Base, space: SearchSpace) -> dict[str, Row]:
        """Rows of the device at the space's resolution."""
        layers, found = space.layers(), {}
        for layer, ms in zip(layers, base.table.values(layers, space.resolution), strict=True):
            scaled = self.fitted.predict(device, counts(layer, ms)) if ms else 0.0
            found[layer.key] = Row(scaled, contained_in=base.table.rows[space.resolution][layer.key].contained_in)
        return found


def counts(layer: Layer, ms: float) -> dict[str, float]:
    """`COUNTS` of one layer, which takes `ms` by the base table."""
    return {
        "table": float(ms),
        "macs": sum(op_macs(op) for op in layer.ops) / 1e6,
        "layers": 1.0,
        "convolutions": float(sum(isinstance(op, Conv) for op in layer.ops)),
        "swish": swish_outputs(layer),
    }


def layer_model(table: LookupTable, spaces: Sequence[SearchSpace]) -> LayerModel:
    """The analytic model fitted to a table's rows of the given spaces, one per resolution."""
    layers = [layer for space in spaces for layer in space.layers()]
    return LayerModel.fit(layers, np.concatenate([table.values(space.layers(), space.resolution) for space in spaces]))


def measured_spaces(table: LookupTable, space: SearchSpace) -> list[SearchSpace]:
    """Spaces, one per resolution, whose layers all have a row: the given one, and the face space that tables come in.

    Raises:
        LookupTableError: There is none.
    """
    from nasface.spaces.ofa_mbv3 import OfaMbv3, OfaMbv3FaceConfig

    standard: list[SearchSpace] = [OfaMbv3(OfaMbv3FaceConfig(resolution=size)) for size in sorted(table.rows)]
    found: dict[int, SearchSpace] = {}
    for candidate in [space, *standard]:
        rows = table.rows.get(candidate.resolution, {})
        if candidate.resolution not in found and all(layer.key in rows for layer in candidate.layers()):
            found[candidate.resolution] = candidate
    if not found:
        raise LookupTableError(
            f"Latency table {table.name} has all layers of {space.name} at no resolution, and not those of the face "
            "space, so no layer model can be fitted to it; set latency.table to another one."
        )
    return list(found.values())
