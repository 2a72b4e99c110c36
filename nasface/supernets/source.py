"""Where a supernet comes from. Its weights, and torch, are loaded only when something needs them."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nasface.assets import asset
from nasface.errors import CheckpointError, InvalidInput
from nasface.preprocessing import Template, read_template

if TYPE_CHECKING:
    from nasface.spaces import SearchSpace
    from nasface.supernets.supernet import Supernet

DEMO: Final = "lfw112"
"""Name of the embedded supernet."""

MOST_HEADER: Final = 1 << 24
"""Bytes of a safetensors header that are read at most."""


@dataclass(frozen=True)
class SupernetSource:
    """A checkpoint, or random weights.

    Attributes:
        path: Checkpoint, or None for random weights.
        embedded: Whether it is the demo supernet that comes with nasface.
        given_resolution: What the user said, in pixels, or None.
        seed: Of random weights.
        given_template: What the user said, or None.
    """

    path: Path | None
    embedded: bool
    given_resolution: int | None
    seed: int = 0
    given_template: Template | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any], cwd: Path, seed: int = 0) -> SupernetSource:
        """From the group `supernet`."""
        if settings["name"] == "random":
            return cls(None, False, settings["resolution"], seed)
        given = settings.get("checkpoint")
        path = asset("supernets", f"{DEMO}.safetensors") if given is None else cwd / Path(given).expanduser()
        said = settings.get("template")
        template = None if said is None else read_template(said, cwd)
        return cls(path, given is None, settings.get("resolution"), given_template=template)

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """What the file says about itself without loading it; empty for OFA's `.pth`."""
        return {} if self.path is None or self.path.suffix != ".safetensors" else read_metadata(self.path)

    @property
    def name(self) -> str:
        """For people."""
        if self.path is None:
            return "random weights"
        return str(self.metadata.get("name", self.path.stem))

    @property
    def template(self) -> Template | None:
        """Where its training photos have eyes, nose and mouth; None if nobody says it."""
        said = self.metadata.get("template")
        return self.given_template or (None if said is None else Template.from_dict(said))

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
        from nasface.supernets.supernet import RandomSupernet, load_supernet

        return RandomSupernet(space, self.seed) if self.path is None else load_supernet(self.path, space)

    def fingerprint(self, space: SearchSpace) -> str:
        """Of the weights; loads them only if the file does not state it."""
        return str(self.metadata.get("hash") or self.load(space).fingerprint)


def read_metadata(path: Path) -> Mapping[str, Any]:
    """Nasface's entry in a safetensors header: 8 bytes of length, then JSON.

    A damaged header gives nothing here and fails when it is loaded.

    Raises:
        CheckpointError: The file ends before its tensors do.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, MOST_HEADER)))
        metadata: dict[str, Any] = json.loads(header.pop("__metadata__")["nasface"])
        size = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (OSError, ValueError, KeyError, struct.error, TypeError, AttributeError):
        return {}
    if path.stat().st_size < size:
        raise CheckpointError(f"{path} is not an undamaged safetensors file (it ends early); make or fetch it again.")
    return metadata
