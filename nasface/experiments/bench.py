"""What experiments on one accuracy table share: the space, the table, the devices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nasface import composition
from nasface.accuracy.table import AccuracyTable
from nasface.composition import DeviceCosts, SupernetSource
from nasface.options import prepare
from nasface.predictors import Targets
from nasface.spaces import SearchSpace

if TYPE_CHECKING:
    from nasface.tasks import Run


@dataclass(frozen=True)
class Bench:
    """One supernet's accuracy table and the devices that a run names.

    Attributes:
        source: The supernet.
        space: At its resolution.
        table: Of its sub-networks.
        targets: float64[n], the metric that predictors learn from.
        devices: Latency models.
    """

    source: SupernetSource
    space: SearchSpace
    table: AccuracyTable
    targets: Targets
    devices: list[DeviceCosts]

    @classmethod
    def of(cls, run: Run, checkpoint: str | None = None, table: str | None = None) -> Bench:
        """From the settings of a run; `checkpoint` and `table` stand in for those of the settings.

        Raises:
            TableError: There is no such table, or it does not fit.
        """
        settings = run.settings
        given = (
            settings.supernet
            if checkpoint is None
            else dict(settings.supernet) | {"name": "lfw112", "checkpoint": checkpoint}
        )
        source = SupernetSource.of(given, run.cwd, settings.seed)
        space = composition.build_space(settings.space, source)
        accuracies, _ = composition.open_table(table or settings.accuracy.table, source, space, run.cwd)
        devices = composition.build_devices(settings.device, settings.latency, space)
        return cls(source, space, accuracies, accuracies.learnable(settings.accuracy.metric), devices)

    @classmethod
    def open(
        cls,
        *,
        supernet: str | Path | None = None,
        table: str | Path | None = None,
        metric: str = "auc",
        resolution: int | None = None,
        space: str = "ofa_mbv3_face",
        devices: Sequence[str] = ("sd865",),
    ) -> Bench:
        """From Python; arguments and defaults are those of `nasface.search`.

        Raises:
            NasfaceError: Something given does not exist or does not fit.
        """
        prepare()
        given = None if supernet is None else str(supernet)
        source = SupernetSource.of({"name": "lfw112", "checkpoint": given, "resolution": resolution}, Path.cwd())
        built = composition.build_space({"name": space}, source)
        accuracies, _ = composition.open_table(None if table is None else str(table), source, built, Path.cwd())
        models = composition.build_devices({name: {"lut": name} for name in devices}, {"name": "lut"}, built)
        return cls(source, built, accuracies, accuracies.learnable(metric), models)

    def device(self, name: str) -> DeviceCosts:
        """One of the devices by its name."""
        return next(entry for entry in self.devices if entry.device.name == name)

    def identity(self, *others: Any) -> str:
        """Short hash of the networks, their accuracies and whatever else results depend on (JSON values)."""
        digest = hashlib.sha256(self.table.genotypes.tobytes())
        for name in sorted(self.table.metrics):
            digest.update(np.asarray(self.table.metrics[name], np.float64).tobytes())
        digest.update(json.dumps(others, sort_keys=True, default=str).encode())
        return digest.hexdigest()[:12]
