"""A trained supernet of `resnet_small`: weights of the largest network, of which every other one takes a part.

It is trained on drawn faces (`python -m nasface_resnet.training`), so that nobody's photograph is needed; its figures
say that the code works, nothing about people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from nasface import register
from nasface.data import load_data
from nasface.errors import CheckpointError
from nasface.spaces import SearchSpace
from nasface.supernets import SupernetSource

from nasface_resnet.space import HIGHEST, Resnet

if TYPE_CHECKING:
    from nasface import Supernet
    from torch import nn

FOLDER: Final = Path(__file__).parent
WEIGHTS: Final = FOLDER / "resnet_small.safetensors"
TABLE: Final = FOLDER / "resnet_small.csv"
RESOLUTION: Final = 32
IMAGES: Final = 128


@dataclass
class ResnetSupernetConfig:
    """Parameters of the supernet.

    Attributes:
        weights: File of weights; None takes those that come with the plug-in.
    """

    name: str = "resnet_small"
    weights: str | None = None


@register("supernet", "resnet_small", config=ResnetSupernetConfig)
class ResnetSource(SupernetSource):
    """A supernet of resnet_small, trained on drawn faces; comes with its accuracy table."""

    name = "resnet_small"
    elastic = True

    def __init__(self, config: ResnetSupernetConfig, *, cwd: Path, seed: int = 0) -> None:
        self._given = config.weights is not None
        self._path = WEIGHTS if config.weights is None else cwd / Path(config.weights).expanduser()

    def resolution(self, space: Mapping[str, Any]) -> int:
        """What it was trained at, unless the space says another."""
        given = space.get("resolution")
        return RESOLUTION if given is None else int(given)

    def load(self, space: SearchSpace) -> Supernet:
        """Read the weights."""
        from nasface_resnet.elastic import ResnetSupernet, read_weights

        if not isinstance(space, Resnet):
            raise CheckpointError(
                f"The weights are of resnet_small networks, not of {space.name}; add space=resnet_small."
            )
        return ResnetSupernet(space, read_weights(self._path), self.fingerprint(space))

    def fingerprint(self, space: SearchSpace) -> str:
        """Hash of the file."""
        try:
            return hashlib.sha256(self._path.read_bytes()).hexdigest()
        except OSError as error:
            raise CheckpointError(f"The weights {self._path} cannot be read ({error.strerror}).") from error

    @property
    def table(self) -> Path | None:
        """That of the weights that come with the plug-in."""
        return None if self._given else TABLE

    def trainable(self, space: SearchSpace, classes: int) -> nn.Module:
        """Random weights of the largest network."""
        from nasface.training.sliced import SlicedSupernet

        return SlicedSupernet(space, HIGHEST, np.ones_like(HIGHEST), classes)

    def save(self, network: nn.Module, path: Path) -> None:
        """What `supernet.weights` reads."""
        from nasface_resnet.elastic import write_weights

        write_weights(path, network.get_submodule("body").state_dict())

    def calibration_images(self) -> npt.NDArray[np.uint8] | None:
        """Drawn faces of training people."""
        faces = load_data({"name": "procedural"}).require("training")
        return faces.load(np.arange(min(IMAGES, len(faces))), size=RESOLUTION).images
