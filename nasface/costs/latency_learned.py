"""Latency learned from whole networks that were measured on the device."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from nasface.configs import existing
from nasface.costs._base import Cost, LayerCost, ReferenceCost, StageTables, Values
from nasface.devices.device import Device, find_lut
from nasface.devices.learned import MODELS, LayerGroups, learn
from nasface.devices.lut import LookupTable
from nasface.devices.lut_file import read_lut
from nasface.devices.margins import margin
from nasface.devices.measured import read_measured
from nasface.errors import LookupTableError, TableError, UnknownName
from nasface.registry import register
from nasface.spaces import Population, SearchSpace, layer_counts

_BATCH: Final = 8192


@dataclass
class LearnedConfig:
    """Parameters of `learned`.

    Attributes:
        measurements: File of networks measured on the device (task=measure_latency).
        table: Name or file of the latency table whose layers' times it starts from; None takes the device's.
        model: "linear" (a corrected table, a sum over layers), "boosted" (no sum), or "auto": whichever predicts
            networks left out better.
        engine: Rows of the file to learn from.
        file_threads: Rows of the file to learn from, by the threads they ran with; None if all have the same.
    """

    name: str = "learned"
    measurements: str | None = field(default=None, metadata=existing())
    table: str | None = None
    model: str = "auto"
    engine: str = "tflite"
    file_threads: int | None = None


@register("latency", "learned", config=LearnedConfig)
class LearnedLatency(Cost):
    """Regression on measured networks, with layer times as features: for threads, accelerators, where sums fail.

    Attributes:
        learned: The fitted model, with its cross-validated errors.
        measured: What it was fitted to.
    """

    name, unit, quantity = "latency_ms", "ms", "latency"

    def __init__(self, config: LearnedConfig, *, space: SearchSpace, device: Device | None) -> None:
        super().__init__(space)
        if config.model not in MODELS:
            raise UnknownName("model of latency=learned", config.model, MODELS)
        if config.measurements is None:
            raise TableError(
                "latency=learned needs latency.measurements=FILE: networks measured on the device with "
                "task=measure_latency."
            )
        self.device, self.table = device, _table(config.table, device)
        self.measured = read_measured(Path(config.measurements).expanduser(), space, config.engine, config.file_threads)
        prior = self.table.values(space.layers(), space.resolution)
        self.learned = learn(
            LayerGroups.of(space.layers(), prior),
            layer_counts(space, self.measured.genotypes),
            self.measured.ms,
            config.model,
        )
        self._sum = LayerCost(space, self.learned.values)
        self.estimated = self.table.estimated

    @property
    def place(self) -> str:
        """E.g. "on my_phone"."""
        return f"on {self.device.name}" if self.device else ""

    def predict(self, population: Population) -> Values:
        """By the fitted model."""
        if self.learned.trees is None:
            return self._sum.predict(population)
        parts = [population[i : i + _BATCH] for i in range(0, len(population), _BATCH)]
        counted = [self.learned.predict(layer_counts(self.space, part)) for part in parts]
        return np.concatenate([np.empty(0), *counted])

    def decompose(self) -> StageTables | None:
        """Exact where the linear model was taken; None for the boosted one."""
        return self._sum.decompose() if self.learned.trees is None else None

    def margin(self, confidence: float) -> float:
        """From the errors of networks left out of the fit."""
        return margin(self.learned.errors.tolist(), confidence, "measure {fewest} networks or more")

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """As measured if it stands in the file, else as the table says."""
        if network in self.measured.references:
            return ReferenceCost(self.measured.references[network], False)
        found = self.table.reference(network, self.space.resolution)
        return ReferenceCost(found.ms, found.kind == "estimated")


def _table(name: str | None, device: Device | None) -> LookupTable:
    if name is not None:
        return read_lut(find_lut(name))
    if device is None or device.lut is None:
        raise LookupTableError(
            "latency=learned starts from a latency table, and the device has none; add latency.table=i7_8700k."
        )
    return device.lut
