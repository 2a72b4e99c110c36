"""`nasface.export(...)`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nasface.errors import InvalidInput
from nasface.runs import Json

if TYPE_CHECKING:
    from nasface.exporters import Exported
    from nasface.supernets import SpecModule


def export(
    network: SpecModule,
    path: str | Path,
    *,
    images: npt.NDArray[np.uint8] | None = None,
    exporter: str = "tflite",
    precision: str = "float32",
    metadata: Mapping[str, Json] | None = None,
    seed: int = 0,
) -> Exported:
    """Write a network that `Supernet.extract` or `load_network` gave, and check that the file computes the same.

    Args:
        network: Calibrated, or calibrated here with `images`.
        path: The file to write.
        images: uint8[n, size, size, 3], photos of training people: batch normalisation is calibrated on them where that
            has not been done, and an int8 file takes the ranges of its values from them.
        exporter: Name of the exporter.
        precision: "float32", "float16", "int8" or "int8_weights".
        metadata: JSON values that go into the file.
        seed: Of the random images that the file is checked with.

    Raises:
        InvalidInput: The network is not calibrated and no images are given.
        ExportError: The file cannot be written or computes something else.
    """
    from nasface.deploy import Network, export_checked
    from nasface.registry import build
    from nasface.supernets import calibrate, deployed_weights

    if images is not None and not network.calibrated:
        calibrate(network, images)
    if not network.calibrated:
        raise InvalidInput(
            "The network's batch normalisation is not calibrated: pass images=, or call nasface.calibrate first."
        )
    ready = Network(network.spec, network, deployed_weights(network.state_dict(), network.spec), "by the caller")
    writer = build("exporter", {"name": exporter, "precision": precision})
    return export_checked(writer, ready, Path(path), metadata or {}, np.random.default_rng(seed), images).file
