"""From a genotype to a file: cut out of the supernet, calibrated, folded, exported, checked against torch, timed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from nasface.exporters import Exported, Exporter
from nasface.netspec import NetSpec
from nasface.runs import atomic_write, write_text
from nasface.runtimes.tflite import Parity, Timing, check_parity, time_tflite

if TYPE_CHECKING:
    from nasface.supernets import SpecModule, Supernet

PARITY_IMAGES = 4


@dataclass(frozen=True)
class Network:
    """A sub-network ready to be measured and exported.

    Attributes:
        spec: Its operations.
        module: In torch, with calibrated batch normalisations, for saving.
        weights: Deployable weights: what is measured is what is exported.
        calibration: How batch normalisation was calibrated, e.g. "photos:512"; "none" for random weights.
    """

    spec: NetSpec
    module: SpecModule
    weights: Mapping[str, npt.NDArray[np.float32]]
    calibration: str

    def folded(self) -> SpecModule:
        """The deployed form in torch."""
        from nasface.supernets import SpecModule

        return SpecModule.from_weights(self.spec, self.weights).eval()


@dataclass(frozen=True)
class CheckedExport:
    """A file that computes what the network does.

    Attributes:
        file: What was written; depends on the network alone.
        parity: How far the file differs from the network in torch, by the kind of images; empty for formats that
            cannot be run here.
    """

    file: Exported
    parity: Mapping[str, Parity]


def cut_out(
    supernet: Supernet, genotype: npt.NDArray[np.int8], images: npt.NDArray[np.uint8] | None, calibration: str
) -> Network:
    """Extract a sub-network and calibrate its batch normalisation on `images`, uint8[n, size, size, 3].

    `images` is None only for random weights, which have no batch normalisation.
    """
    from nasface.supernets import calibrate, deployed_weights

    module = supernet.extract(genotype)
    if images is None:
        return Network(module.spec, module, supernet.weights(genotype), "none")
    calibrate(module, images)
    return Network(module.spec, module, deployed_weights(module.state_dict(), module.spec), calibration)


def save_weights(network: Network, net_config: Mapping[str, Any], folder: Path) -> None:
    """Write `model.safetensors` (OFA's static keys, calibrated) and `net.config` (OFA's description)."""
    from safetensors.torch import save

    state = {name: tensor.contiguous() for name, tensor in network.module.state_dict().items()}
    content = save(state, {"calibration": network.calibration})  # one entry: the library writes several in random order
    with atomic_write(folder / "model.safetensors") as temporary:
        temporary.write_bytes(content)  # the library's own file writer turns a full disk into an error of its own
    write_text(folder / "net.config", json.dumps(net_config))


def export_checked(
    exporter: Exporter,
    network: Network,
    path: Path,
    metadata: Mapping[str, Any],
    rng: np.random.Generator,
    calibration: npt.NDArray[np.float32] | None = None,
) -> CheckedExport:
    """Export and compare with torch on random and, where given, calibration images.

    Args:
        exporter: Writes the file.
        network: What to export.
        path: The file.
        metadata: Goes into the file.
        rng: Draws random inputs.
        calibration: float32[n, height, width, 3], normalised calibration images.

    Raises:
        ExportError: The file computes something else.
    """
    exported = exporter.export(network.spec, network.weights, path, metadata)
    if path.suffix != ".tflite":
        return CheckedExport(exported, {})
    inputs = {"random": rng.standard_normal((PARITY_IMAGES, *network.spec.input_shape), np.float32)}
    if calibration is not None:
        inputs["calibration"] = calibration[:PARITY_IMAGES]
    compute = torch_descriptors(network)
    return CheckedExport(exported, {name: check_parity(compute(x), path, x) for name, x in inputs.items()})


def torch_descriptors(network: Network) -> Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]:
    """A function from normalised images float32[n, height, width, 3] to descriptors, in torch."""
    import torch

    module = network.folded()

    def compute(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
            return np.asarray(module(x).numpy()).reshape(len(images), -1)

    return compute


def time_on_host(path: Path, runs: int, threads: int) -> Timing | None:
    """The time of one image on this machine, or None if nothing is to be timed."""
    return time_tflite(path, threads=threads, runs=runs) if runs and path.suffix == ".tflite" else None
