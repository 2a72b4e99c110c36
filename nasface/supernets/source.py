"""Where a supernet comes from. Its weights, and torch, are loaded only when something needs them."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from nasface.assets import asset
from nasface.errors import CheckpointError, InvalidInput
from nasface.preprocessing import Template, read_template
from nasface.reading import check_shape, json_object, parse_json
from nasface.registry import build, register
from nasface.supernets.options import DEMO, METADATA, RandomConfig, TrainedConfig

if TYPE_CHECKING:
    from torch import nn

    from nasface.spaces import SearchSpace
    from nasface.supernets.supernet import Supernet

MOST_HEADER: Final = 1 << 24
"""Bytes of a safetensors header that are read at most."""


class SupernetSource(ABC):
    """A supernet that was chosen by its options and not loaded yet: what `@register("supernet", ...)` is put on.

    Protocol. Constructed as `cls(config, cwd=..., seed=...)`: the folder that relative paths are relative to, and the
    run's seed. Nothing is loaded, and torch is not imported, before `load`. `resolution` is asked first, because the
    space is made for it.

    Attributes:
        name: For people.
        trained: False for random weights, whose networks have no accuracy.
        embedded: Whether it is the demo supernet that comes with nasface.
        elastic: Whether `trainable` and `save` are there for `task=train_supernet`; supernets of ofa_mbv3 spaces are
            trained without them.
    """

    name: str
    trained: bool = True
    embedded: bool = False
    elastic: bool = False

    @abstractmethod
    def resolution(self, space: Mapping[str, Any]) -> int:
        """Side of the input in pixels, from the options of the space, of the supernet, or the weights' own statement.

        Raises:
            InvalidInput: None of them says it.
        """

    @abstractmethod
    def load(self, space: SearchSpace) -> Supernet:
        """The supernet itself.

        Raises:
            CheckpointError: Its weights cannot be read, or are of another space.
        """

    def fingerprint(self, space: SearchSpace) -> str:
        """Of the weights; loads them where it is not overridden."""
        return self.load(space).fingerprint

    @property
    def table(self) -> Path | None:
        """The accuracy table that comes with it; None: the user must name one."""
        return None

    @property
    def template(self) -> Template | None:
        """Where its training photos have eyes, nose and mouth; None if nobody says it."""
        return None

    @property
    def signature(self) -> Mapping[str, object] | None:
        """Of the space that it is of, as `SearchSpace.fingerprinted`; None if nobody says it."""
        return None

    def calibration_images(self) -> npt.NDArray[np.uint8] | None:
        """Images uint8[n, side, side, 3] that may calibrate its batch normalisations in place of photos; None: none."""
        return None

    def trainable(self, space: SearchSpace, classes: int) -> nn.Module:
        """A new supernet to be trained, a `nasface.training.sliced.SlicedSupernet`, with torch's random weights.

        Args:
            space: Its networks.
            classes: Training people.
        """
        raise InvalidInput(f"The supernet {self.name} cannot be trained here.")

    def save(self, network: nn.Module, path: Path) -> None:
        """Write a trained one to a file that this supernet's own options can name."""
        raise InvalidInput(f"The supernet {self.name} cannot be written here.")


@register("supernet", DEMO, config=TrainedConfig)
class CheckpointSource(SupernetSource):
    """A trained supernet: the embedded demo, or your own checkpoint (`.pth` of OFA, `.safetensors` of nasface)."""

    def __init__(self, config: TrainedConfig, *, cwd: Path, seed: int = 0) -> None:
        given = config.checkpoint
        self.path = asset("supernets", f"{DEMO}.safetensors") if given is None else cwd / Path(given).expanduser()
        self.embedded, self._resolution = given is None, config.resolution
        self._template = None if config.template is None else read_template(config.template, cwd)

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """What the file says about itself without loading it; empty for OFA's `.pth`."""
        return read_metadata(self.path) if self.path.suffix == ".safetensors" else {}

    @cached_property
    def name(self) -> str:  # type: ignore[override]
        """The file's own statement, or its name."""
        return str(self.metadata.get("name", self.path.stem))

    @property
    def signature(self) -> Mapping[str, object] | None:
        """What the file says."""
        return self.metadata.get("space")

    @property
    def template(self) -> Template | None:
        """The user's, or the file's own statement."""
        said = self.metadata.get("template")
        return self._template or (None if said is None else Template.from_dict(said))

    @property
    def table(self) -> Path | None:
        """That of the demo."""
        return asset("tables", f"{DEMO}.csv") if self.embedded else None

    def calibration_images(self) -> npt.NDArray[np.uint8] | None:
        """The synthetic images that come with nasface, which fit the demo alone."""
        if not self.embedded:
            return None
        from nasface.supernets.synthetic import synthetic_images

        return synthetic_images()

    def resolution(self, space: Mapping[str, Any]) -> int:
        """The space's own, the user's for this supernet, or the file's, in this order."""
        found = [space.get("resolution"), self._resolution, self.metadata.get("resolution")]
        if all(value is None for value in found):
            raise InvalidInput(
                f"{self.path} does not say at which resolution it was trained; add e.g. supernet.resolution=224."
            )
        return next(int(value) for value in found if value is not None)

    def load(self, space: SearchSpace) -> Supernet:
        """See `load_supernet`."""
        from nasface.supernets.supernet import load_supernet

        return load_supernet(self.path, space)

    def fingerprint(self, space: SearchSpace) -> str:
        """Of the weights; loads them only if the file does not state it."""
        return str(self.metadata.get("hash") or self.load(space).fingerprint)


@register("supernet", "random", config=RandomConfig)
class RandomSource(SupernetSource):
    """Random weights for any space: export and timing work, accuracy means nothing."""

    name = "random weights"
    trained = False

    def __init__(self, config: RandomConfig, *, cwd: Path, seed: int = 0) -> None:
        self._resolution, self._seed = config.resolution, seed

    def resolution(self, space: Mapping[str, Any]) -> int:
        """The space's own, or the user's."""
        given = space.get("resolution")
        return self._resolution if given is None else int(given)

    def load(self, space: SearchSpace) -> Supernet:
        """See `RandomSupernet`."""
        from nasface.supernets.supernet import RandomSupernet

        return RandomSupernet(space, self._seed)


def open_source(settings: Mapping[str, object], cwd: Path, seed: int = 0) -> SupernetSource:
    """The supernet that the group `supernet` names; nothing is loaded yet.

    Raises:
        UnknownName: The supernet, or one of its parameters, does not exist.
    """
    source: SupernetSource = build("supernet", settings, cwd=cwd, seed=seed)
    return source


def read_metadata(path: Path) -> Mapping[str, Any]:
    """Nasface's entry in a safetensors header: 8 bytes of length, then JSON.

    A damaged header gives nothing here and fails when it is loaded.

    Raises:
        CheckpointError: The file ends before its tensors do.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json_object(parse_json(file.read(min(length, MOST_HEADER))))
        metadata = json_object(parse_json(header.pop("__metadata__")["nasface"]))
        check_shape(metadata, METADATA)
        size = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (OSError, ValueError, KeyError, struct.error, TypeError, AttributeError):
        return {}
    if path.stat().st_size < size:
        raise CheckpointError(f"{path} is not an undamaged safetensors file (it ends early); make or fetch it again.")
    return metadata
