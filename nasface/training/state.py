"""Checkpoints of a training: whole states that a killed run goes on from, and the best weights of every phase."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch

from nasface import runs
from nasface.errors import CheckpointError, InvalidInput
from nasface.reading import check_archive, json_object, read_json
from nasface.runs import Json, atomic_write, write_json

logger = logging.getLogger(__name__)

FINGERPRINT = "fingerprint.json"
LOCK = ".lock"
_NAME = re.compile(r"state-(\d{8})\.pt")

State = dict[str, Any]


def held(folder: Path) -> AbstractContextManager[None]:
    """Keep other processes from training in a folder.

    Raises:
        CheckpointError: Another process trains there.
    """
    remedy = "stop it, or give another training.folder"
    return runs.held(folder / LOCK, f"{folder} is being trained in", remedy, CheckpointError)


class Checkpoints:
    """The files of one training folder.

    Args:
        folder: Made if it is absent.
        keep: Number of last states that are kept.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        if keep < 1:
            raise InvalidInput(f"training.keep is {keep}; give the number of last checkpoints to keep, 1 or more.")
        self.folder, self._keep = folder, keep
        folder.mkdir(parents=True, exist_ok=True)

    def claim(self, options: Mapping[str, Json]) -> None:
        """Note what this folder is the state of, or check it once there is a state.

        Raises:
            CheckpointError: The folder holds the state of another configuration.
        """
        for remains in self.folder.glob(".*.tmp"):  # of a run that was killed while it wrote
            remains.unlink(missing_ok=True)
        path = self.folder / FINGERPRINT
        if not path.exists() or not any(self.folder.rglob("state-*.pt")):
            write_json(path, options)
            return
        noted = noted_options(self.folder)
        differing = _differences(noted, json.loads(json.dumps(options)))
        if differing:
            raise CheckpointError(
                f"{self.folder} holds a training with other options ({'; '.join(differing[:3])}); "
                "give the options it was begun with, or another training.folder."
            )

    def save(self, step: int, state: State) -> Path:
        """Write the state after `step` steps of the whole training, and remove all but the last ones."""
        path = self.folder / f"state-{step:08d}.pt"
        self.write(path, state)
        for old in self.steps()[: -self._keep]:
            (self.folder / f"state-{old:08d}.pt").unlink(missing_ok=True)
        return path

    def write(self, path: Path, state: State) -> None:
        """Write one file atomically.

        Raises:
            CheckpointError: It cannot be written; what was there before is untouched.
        """
        try:
            with atomic_write(path) as temporary:
                torch.save(state, temporary)
        except (OSError, RuntimeError) as error:  # torch hides "no space left" in a RuntimeError
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "is the disk full?"
            last = self.steps()
            kept = f"the checkpoint of step {last[-1]} is kept" if last else "there was no checkpoint yet"
            raise CheckpointError(
                f"{path} cannot be written ({reason}); {kept}: make room and give the same command again."
            ) from error

    def steps(self) -> list[int]:
        """Steps of the states there are, ascending."""
        found = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def load(self) -> State | None:
        """The last state that can be read, or None if there is none."""
        for step in reversed(self.steps()):
            path = self.folder / f"state-{step:08d}.pt"
            try:
                return read_state(path)
            except CheckpointError as error:
                logger.warning("%s; the one before it is taken.", error)
        return None


def noted_options(folder: Path) -> dict[str, Any]:
    """What the training in a folder was begun with.

    Raises:
        CheckpointError: The note cannot be read.
    """
    path = folder / FINGERPRINT
    try:
        return json_object(read_json(path))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}, which notes the options of the training there, cannot be read ({error}); give another "
            "training.folder, or remove the file where you know that the options are the same."
        ) from None


def read_state(path: Path) -> State:
    """One file; nothing in it is executed.

    Raises:
        CheckpointError: It is damaged.
    """
    try:
        check_archive(path)
        state: State = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except Exception as error:  # torch raises whatever the broken part raises
        raise CheckpointError(f"{path} is not an undamaged training state ({type(error).__name__})") from error


def _differences(noted: Mapping[str, Json], given: Mapping[str, Json], prefix: str = "") -> list[str]:
    """Options that differ, as "name was X, is Y"."""
    found = []
    for key in sorted(noted.keys() | given.keys()):
        old, new = noted.get(key), given.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} was {old}, is {new}")
    return found
