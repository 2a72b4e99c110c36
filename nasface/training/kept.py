"""Weights that a training folder keeps, in the order in which they were trained, without going on with the training."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
from torch import Tensor

from nasface.errors import CheckpointError
from nasface.reading import Shape, check_shape
from nasface.spaces import OfaMbv3
from nasface.spaces.ofa_mbv3 import OfaMbv3Config
from nasface.supernets import ElasticNetwork, ElasticSupernet
from nasface.supernets.checkpoint import classes_of, load_into
from nasface.training.log import CsvLog
from nasface.training.state import FINGERPRINT, noted_options, read_state

SPACE: Final[Shape] = {
    "width?": float,
    "resolution?": int,
    "kernels?": [int],
    "expands?": [int],
    "depths?": [int],
    "descriptor?": (int, type(None)),
}
"""What is noted of a space, beside its name."""

_PATTERNS = ("weights-*.pt", "state-*.pt", "best-*.pt")
"""Files with weights; of two of one step the first kind is taken."""


@dataclass(frozen=True)
class Kept:
    """One file with weights.

    Attributes:
        path: The file.
        step: Steps of the whole training before it.
        cpu_hours: Processor time of the training before it, of its first process, without validations.
    """

    path: Path
    step: int
    cpu_hours: float


def space_of(folder: Path) -> OfaMbv3:
    """The space that is trained in a folder, at its resolution.

    Raises:
        CheckpointError: No training was begun there.
    """
    path = folder / FINGERPRINT
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no training; give the training.folder of task=train_supernet.")
    options = noted_options(folder)
    try:
        check_shape(options, {"space": {"space": str}})
        noted = dict(options["space"])
        name = noted.pop("space")
        if noted.keys() <= {field.name for field in fields(OfaMbv3Config)}:
            check_shape(noted, SPACE)
            return OfaMbv3(OfaMbv3Config(name=name, **noted))
    except ValueError as error:
        raise CheckpointError(f"{path} notes a space that cannot be ({error}); give another training.folder.") from None
    raise CheckpointError(
        f"{folder} holds a training of {name}, whose weights only its own supernet can read: leave out "
        "training.folder, and give the file that the training wrote among the options of supernet."
    )


def kept_weights(folder: Path) -> list[Kept]:
    """All weights that are kept, by step.

    Raises:
        CheckpointError: There are none yet, or a file is damaged.
    """
    found: dict[int, Path] = {}
    for path in (path for pattern in _PATTERNS for path in sorted(folder.glob(pattern))):
        found.setdefault(_step(path), path)
    if not found:
        raise CheckpointError(f"{folder} holds no weights yet; wait for the first checkpoint.")
    rows = CsvLog(folder / "progress.csv", []).rows()
    steps, seconds = ([0.0, *(float(row[column]) for row in rows)] for column in ("step", "cpu_seconds"))
    return [Kept(found[step], step, float(np.interp(step, steps, seconds)) / 3600) for step in sorted(found)]


def load_kept(kept: Kept, space: OfaMbv3) -> ElasticSupernet:
    """The supernet as it was then."""
    _, weights = _read(kept.path)
    network = ElasticNetwork(space, classes_of(weights))
    load_into(network, weights, str(kept.path))
    return ElasticSupernet(network, kept.path.stem)


def _step(path: Path) -> int:
    """Steps of the whole training before a file was written."""
    number = path.stem.rpartition("-")[2]
    return _read(path)[0] if path.name.startswith("best-") else int(number)


def _read(path: Path) -> tuple[int, dict[str, Tensor]]:
    """Steps and the network's weights; of a checkpoint the running average, which is what validations see."""
    state = read_state(path)
    if "position" not in state:
        return int(state["step"]), state["network"]
    own = {key.removeprefix("network."): value for key, value in state["student"].items() if key.startswith("network.")}
    return int(state["position"]["total"]), state.get("average", own)
