"""Options of the group `supernet`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from nasface.configs import existing
from nasface.reading import Shape

DEMO: Final = "lfw112"
"""Name of the embedded supernet."""


METADATA: Final[Shape] = {
    "format?": str,
    "name?": str,
    "space?": dict,
    "resolution?": (int, type(None)),
    "hash?": str,
    "template?": dict,
}
"""What is read of the metadata in nasface's own checkpoints."""


@dataclass
class TrainedConfig:
    """A trained supernet: the embedded demo, or your own checkpoint (`.pth` of OFA, `.safetensors` of nasface).

    Attributes:
        checkpoint: Path; None takes the embedded demo supernet.
        resolution: Side in pixels it was trained at; None takes the file's own statement (a `.pth` has none).
        template: Where its training photos have eyes, nose and mouth: "arcface", or a JSON file; None takes the file's
            own statement. Exported models carry it, so that photos are aligned for them.
    """

    name: str = DEMO
    checkpoint: str | None = field(default=None, metadata=existing())
    resolution: int | None = None
    template: str | None = field(default=None, metadata=existing(words=("arcface",)))


@dataclass
class RandomConfig:
    """Random weights for any space: export and timing work, accuracy means nothing.

    Attributes:
        resolution: Side in pixels.
    """

    name: str = "random"
    resolution: int = 224
