"""From a genotype to a file: cut out of the supernet, calibrated, folded, exported, checked against torch, timed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from nasface.exporters import Examples, Exported, Exporter, network_inputs
from nasface.netspec import NetSpec
from nasface.runs import Json, atomic_write, write_text
from nasface.runtimes import (
    TOLERANCES,
    Likeness,
    Model,
    Parity,
    Timing,
    check_likeness,
    check_parity,
    open_model,
    runtimes,
    time_model,
)

if TYPE_CHECKING:
    from nasface.supernets import SpecModule, Supernet

RANDOM_WEIGHTS: Final = "none"
"""How random weights were calibrated."""

PARITY_IMAGES: Final = 4

RANGE_IMAGES: Final = 256
"""Images from which an int8 file takes the ranges of its values."""

LIKENESS_IMAGES: Final = 64
"""Images whose descriptors by an int8 file are compared with those in float32: others where there are enough."""

LEAST_COSINE: Final = {"photos": 0.85, "synthetic": 0.80, RANDOM_WEIGHTS: 0.80}
"""What each of them has to reach, by what the images are."""

Describe = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""From network inputs to descriptors."""


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
    parity: Mapping[str, Parity | Likeness]


def cut_out(
    supernet: Supernet, genotype: npt.NDArray[np.int8], images: npt.NDArray[np.uint8] | None, calibration: str
) -> Network:
    """Extract a sub-network and calibrate its batch normalisation on `images`, uint8[n, size, size, 3].

    `images` is None only for random weights, which have no batch normalisation.
    """
    from nasface.supernets import calibrate, deployed_weights

    module = supernet.extract(genotype)
    if images is None:
        return Network(module.spec, module, supernet.weights(genotype), RANDOM_WEIGHTS)
    calibrate(module, images)
    return Network(module.spec, module, deployed_weights(module.state_dict(), module.spec), calibration)


def save_weights(network: Network, net_config: Mapping[str, Json], folder: Path) -> None:
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
    metadata: Mapping[str, Json],
    rng: np.random.Generator,
    images: npt.NDArray[np.uint8] | None = None,
) -> CheckedExport:
    """Export and compare with torch on random inputs and, where given, on images.

    Args:
        exporter: Writes the file.
        network: What to export.
        path: The file.
        metadata: Goes into the file.
        rng: Draws random inputs.
        images: uint8[n, height, width, 3], those that calibrated the network; an int8 file takes the ranges of its
            values from them. Random weights need none: theirs are those of random inputs.

    Raises:
        ExportError: The file computes something else.
    """
    random = rng.standard_normal((PARITY_IMAGES, *network.spec.input_shape), np.float32)
    examples = random if images is None and network.calibration == RANDOM_WEIGHTS else images
    ranges = None if examples is None else examples[:RANGE_IMAGES]
    exported = exporter.export(network.spec, network.weights, path, metadata, ranges)
    if path.suffix not in runtimes():
        return CheckedExport(exported, {})
    if exporter.precision == "int8":
        return CheckedExport(exported, {"calibration": _likeness(network, path, examples)})
    inputs, tolerance = {"random": random}, TOLERANCES[exporter.tolerated]
    if images is not None:
        inputs["calibration"] = network_inputs(network.spec, images[:PARITY_IMAGES])
    compute, model = torch_descriptors(network), _opened(network, path)
    checks = {name: check_parity(compute(x), model.embed(x), path, tolerance) for name, x in inputs.items()}
    return CheckedExport(exported, checks)


def _likeness(network: Network, path: Path, examples: Examples | None) -> Likeness:
    """Compare an int8 file with the network on the last images, which gave no ranges where there are enough."""
    seen = network_inputs(network.spec, None if examples is None else examples[-LIKENESS_IMAGES:])
    least = LEAST_COSINE.get(network.calibration.partition(":")[0], LEAST_COSINE["photos"])
    return check_likeness(torch_descriptors(network)(seen), _opened(network, path).embed(seen), path, least)


def _opened(network: Network, path: Path) -> Model:
    return open_model(path, network.spec.input_shape[0])


def torch_descriptors(network: Network) -> Describe:
    """A function from normalised images float32[n, height, width, 3] to descriptors, in torch."""
    import torch

    module = network.folded()

    def compute(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
            return np.asarray(module(x).numpy()).reshape(len(images), -1)

    return compute


def time_on_host(path: Path, size: int, runs: int, threads: int) -> Timing | None:
    """The time of one image of `size` pixels on this machine; None if nothing is to be timed, or it cannot be."""
    known = runtimes()
    if not runs or path.suffix not in known or known[path.suffix].stands_in:
        return None
    return time_model(open_model(path, size, threads), runs, threads)
