"""Energy of one image: the sum of one value per layer from the device's latency table, where somebody measured it."""

from __future__ import annotations

from nasface.costs._base import LayerCost, ReferenceCost
from nasface.devices.device import Device
from nasface.errors import LookupTableError
from nasface.spaces import SearchSpace


class EnergyMJ(LayerCost):
    """Millijoules of one image on a device, by the column `energy_mj` of its latency table.

    Args:
        space: The space.
        device: The device.

    Raises:
        LookupTableError: The device has no table, or the table no energies.
    """

    name, unit, quantity = "energy_mj", "mJ", "energy"

    def __init__(self, space: SearchSpace, device: Device) -> None:
        if device.lut is None:
            raise LookupTableError(
                f"Device {device.name} has no latency table, so no column energy_mj; leave out constraints.energy_mj."
            )
        self.device, self.table = device, device.lut
        super().__init__(space, self.table.energies(space.layers(), space.resolution))
        self.estimated = self.table.estimated

    @staticmethod
    def known_on(device: Device, resolution: int) -> bool:
        """Whether the device's latency table has energies at a resolution in pixels."""
        return device.lut is not None and device.lut.has_energy(resolution)

    @property
    def place(self) -> str:
        """E.g. "on my_phone"."""
        return f"on {self.device.name}"

    def reference(self, network: str = "efficientnet_b0") -> ReferenceCost:
        """Energy of a reference network, and whether that is an estimate.

        Raises:
            LookupTableError: The table does not know it.
        """
        found = self.table.reference(network, self.space.resolution)
        if found.energy_mj is None:
            raise LookupTableError(
                f"Latency table {self.table.name} has no energy of {network} at {self.space.resolution} pixels; give "
                'constraints.energy_mj.max in mJ, or add "energy_mj" to the reference in the file.'
            )
        return ReferenceCost(found.energy_mj, found.kind == "estimated")
