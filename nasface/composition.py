"""From settings to parts: space, supernet, devices, costs, constraints, accuracy table. Tasks and the API share it."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nasface.accuracy.table import AccuracyTable, read_table
from nasface.costs import Cost, EnergyMJ, Macs, ModelMB, Params, PeakMemoryMB
from nasface.devices import Device, load_device
from nasface.errors import CheckpointError, InvalidGenotype, InvalidInput, TableError
from nasface.registry import build
from nasface.settings import Constraints, Timing
from nasface.spaces import SearchSpace, join_stages
from nasface.strategies import Constraint
from nasface.strategies.constraints import build_constraints, check_reachable
from nasface.timing.protocol import TimingOptions

if TYPE_CHECKING:
    from nasface.supernets import Supernet

SMALLEST, LARGEST = "smallest", "largest"
"""Names of the extreme networks of a space."""

LEAST_SUBNETS = 30
"""Rows of an accuracy table below which nothing can be fitted and judged."""


def asset(*parts: str) -> Path:
    """Path of an embedded file."""
    return Path(str(resources.files("nasface.assets").joinpath(*parts)))


@dataclass(frozen=True)
class SupernetSource:
    """Where a supernet comes from; its weights, and torch, are loaded only when something needs them.

    Attributes:
        path: Checkpoint, or None for random weights.
        embedded: Whether it is the demo supernet that comes with nasface.
        given_resolution: What the user said, in pixels, or None.
        seed: Of random weights.
    """

    path: Path | None
    embedded: bool
    given_resolution: int | None
    seed: int = 0

    @classmethod
    def of(cls, settings: Mapping[str, Any], cwd: Path, seed: int = 0) -> SupernetSource:
        """From the group `supernet`."""
        if settings["name"] == "random":
            return cls(None, False, settings["resolution"], seed)
        given = settings.get("checkpoint")
        path = asset("supernets", "lfw112.safetensors") if given is None else cwd / Path(given).expanduser()
        return cls(path, given is None, settings.get("resolution"))

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What the file says about itself without loading it; empty for OFA's `.pth`."""
        return {} if self.path is None or self.path.suffix != ".safetensors" else _safetensors_metadata(self.path)

    @property
    def name(self) -> str:
        """For people."""
        if self.path is None:
            return "random weights"
        return str(self.metadata.get("name", self.path.stem))

    def resolution(self, space: Mapping[str, Any]) -> int:
        """The space's own, the user's for this supernet, or the file's, in this order.

        Raises:
            InvalidInput: None of them says it.
        """
        found = [space.get("resolution"), self.given_resolution, self.metadata.get("resolution")]
        if all(value is None for value in found):
            raise InvalidInput(
                f"{self.path} does not say at which resolution it was trained; add e.g. supernet.resolution=224."
            )
        return next(int(value) for value in found if value is not None)

    def load(self, space: SearchSpace) -> Supernet:
        """The supernet itself."""
        from nasface.supernets import RandomSupernet, load_supernet

        return RandomSupernet(space, self.seed) if self.path is None else load_supernet(self.path, space)

    def hash(self, space: SearchSpace) -> str:
        """Identity of the weights; loads them only if the file does not state it."""
        return str(self.metadata.get("hash") or self.load(space).hash)


def build_space(settings: Mapping[str, Any], source: SupernetSource) -> SearchSpace:
    """The space at the supernet's resolution unless the settings say another."""
    space: SearchSpace = build("space", dict(settings) | {"resolution": source.resolution(settings)})
    return space


@dataclass(frozen=True)
class DeviceCosts:
    """One device and the latency model bound to it."""

    device: Device
    latency: Cost


def build_devices(devices: Mapping[str, Any], latency: Mapping[str, Any], space: SearchSpace) -> list[DeviceCosts]:
    """A latency model for every chosen device."""
    chosen = [load_device(name, settings) for name, settings in devices.items()]
    return [DeviceCosts(device, build("latency", latency, space=space, device=device)) for device in chosen]


def counts(space: SearchSpace, precision: str = "float32") -> dict[str, Cost]:
    """The costs that need no device, by name; `precision` is that of the exported weights."""
    costs = (Params(space), Macs(space), ModelMB(space, precision), PeakMemoryMB(space))
    return {cost.name: cost for cost in costs}


def energies(space: SearchSpace, devices: Sequence[DeviceCosts]) -> list[Cost]:
    """Energy per device, of those whose latency tables know it at this resolution."""
    known = [entry.device for entry in devices if entry.device.lut and entry.device.lut.has_energy(space.resolution)]
    return [EnergyMJ(space, device) for device in known]


def build_bounds(
    bounds: Constraints, space: SearchSpace, devices: Sequence[DeviceCosts], precision: str = "float32"
) -> list[Constraint]:
    """All bounds as constraints, latency and energy per device; raises `InfeasibleConstraint` if one cannot be met."""
    costs = [*(entry.latency for entry in devices), *counts(space, precision).values()]
    if bounds.energy_mj.max is not None or bounds.energy_mj.ratio is not None:
        costs += [EnergyMJ(space, entry.device) for entry in devices]
    constraints = build_constraints(bounds.by_cost, costs, {"latency_ms": bounds.default_latency_ratio})
    check_reachable(constraints)
    return constraints


def open_table(path: str | None, source: SupernetSource, space: SearchSpace, cwd: Path) -> tuple[AccuracyTable, Path]:
    """The accuracy table, checked against the space, the supernet and the resolution.

    Raises:
        TableError: It does not fit, or there is none for this supernet.
    """
    if path is None and not source.embedded:
        raise TableError(
            f"There is no accuracy table for {source.name}: measure one with task=estimate_accuracy "
            "accuracy.table=mine.csv data=..., then add accuracy.table=mine.csv."
        )
    file = asset("tables", "lfw112.csv") if path is None else cwd / Path(path).expanduser()
    table = read_table(file, space).check(resolution=space.resolution)
    if len(table) < LEAST_SUBNETS:
        raise TableError(
            f"{file} holds {len(table)} sub-networks; predictors need {LEAST_SUBNETS} at the very least and some "
            "hundred to be worth something: continue it with task=estimate_accuracy."
        )
    return (table if source.path is None else table.check(supernet=source.hash(space))), file


def published_subnets() -> list[dict[str, Any]]:
    """The eight sub-networks that the paper's authors published: name, device, genotype, measured times."""
    content: list[dict[str, Any]] = json.loads(asset("published_subnets.json").read_text(encoding="utf-8"))
    return content


def published_genotypes(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """The published sub-networks that exist in this space, by name."""
    found = {}
    for net in published_subnets():
        try:
            found[net["name"]] = space.from_dict(net["genotype"])
        except InvalidGenotype:
            continue
    return found


def extreme_genotypes(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """Smallest and largest network by multiply-accumulates; empty for a space without stages."""
    tables, choices = Macs(space).decompose(), space.stage_choices()
    if tables is None or choices is None:
        return {}
    picked = {SMALLEST: tables.minimum()[1], LARGEST: tables.maximum()[1]}
    return {name: join_stages(choices, indices) for name, indices in picked.items()}


def named_genotypes(space: SearchSpace) -> dict[str, npt.NDArray[np.int8]]:
    """Networks that can be asked for by name."""
    return extreme_genotypes(space) | published_genotypes(space)


def timing_options(timing: Timing) -> TimingOptions:
    """The protocol of measurements; raises `InvalidInput`."""
    return TimingOptions(**{f.name: getattr(timing, f.name) for f in fields(TimingOptions)})


def describe_constraints(constraints: Sequence[Constraint]) -> list[dict[str, Any]]:
    """For `result.json`."""
    return [
        {"cost": c.cost.name, "unit": c.cost.unit, "bound": c.bound, "label": c.label, "basis": c.basis}
        for c in constraints
    ]


def _safetensors_metadata(path: Path) -> dict[str, Any]:
    """The header alone: 8 bytes of length, then JSON. A damaged header gives nothing here and fails when it is loaded.

    Raises:
        CheckpointError: The file ends before its tensors do.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, 1 << 24)))
        metadata: dict[str, Any] = json.loads(header.pop("__metadata__")["nasface"])
        size = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (OSError, ValueError, KeyError, struct.error, TypeError, AttributeError):
        return {}
    if path.stat().st_size < size:
        raise CheckpointError(f"{path} is not an undamaged safetensors file (it ends early); make or fetch it again.")
    return metadata
