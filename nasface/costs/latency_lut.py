"""Latency from a table: the sum of one measured or estimated time per layer."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from nasface.costs._base import LayerCost, ReferenceCost
from nasface.devices.device import Device
from nasface.devices.lut import LookupTable
from nasface.devices.plausibility import check_rows
from nasface.errors import LookupTableError
from nasface.registry import register
from nasface.spaces import SearchSpace

log = logging.getLogger(__name__)


@dataclass
class LutConfig:
    """No parameters: the table is the device's."""

    name: str = "lut"


@register("latency", "lut", config=LutConfig)
class LutLatency(LayerCost):
    """Adds up the rows of the device's latency table (OFA's and the paper's model of latency)."""

    name, unit, quantity = "latency_ms", "ms", "latency"

    def __init__(self, config: LutConfig, *, space: SearchSpace, device: Device | None) -> None:
        if device is None or device.lut is None:
            given = "no device" if device is None else f"device {device.name}, which has no latency table"
            raise LookupTableError(f"latency=lut was given {given}; set device=NAME or device.NAME.lut=FILE.json.")
        self.device = device
        self.table = device.lut
        super().__init__(space, self.table.values(space.layers(), space.resolution))
        rows = self.table.rows[space.resolution]
        for warning in check_rows(f"Latency table {self.table.name}", space.layers(), rows, unit_is_known=True):
            log.warning("%s", warning)
        self.estimated = self.table.estimated

    @property
    def place(self) -> str:
        """E.g. "on sd865"."""
        return f"on {self.device.name}"

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Milliseconds of a reference network on this device at this resolution, and whether that is an estimate.

        Raises:
            LookupTableError: The table has no such reference.
        """
        found = self.table.reference(network, self.space.resolution)
        return ReferenceCost(found.ms, found.kind == "estimated")

    def margin(self, confidence: float) -> float:
        """From the table's check at this resolution, see `LookupTable.margin`."""
        return self.table.margin(confidence, self.space.resolution)


def sum_of_rows(table: LookupTable, space: SearchSpace) -> LayerCost:
    """What networks of a space need by a table, without a device around it and without checks of the rows.

    Raises:
        LookupTableError: The table lacks rows of the space.
    """
    return LayerCost(space, table.values(space.layers(), space.resolution))
