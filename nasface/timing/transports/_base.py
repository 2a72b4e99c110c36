"""Transports: how model files reach a device and how their times come back.

The protocol, in order: `with transport:` opens the connection (a child process, a shell on a board, a phone); `send`
puts files on the device, as often as needed; `time` runs one of them and returns the single runs. Which model is run
when, how often and until when is decided by `nasface.timing.protocol`, the same for every transport. A transport keeps
no results.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from nasface.devices.measurements import Sample
from nasface.errors import InvalidInput, UnknownName

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Transport(ABC):
    """Runs model files on one device.

    Every error of the device is a `TransportError` that names the device and the remedy. A model that the runtime
    refuses is a `ModelRefused`: the others can still be measured. A lost connection is a `DeviceLost`: what was
    measured stays.

    Attributes:
        live: Whether a device is asked now. If not, somebody measures elsewhere, and `time` hands out the recorded
            blocks of a model one by one, from the first again after the transport was opened again; a journal of them
            would only repeat what the files say.
    """

    live: ClassVar[bool] = True

    def __enter__(self) -> Self:
        """Open the connection; raises `TransportError` where there is no device, or more than one."""
        return self

    def __exit__(self, *error: object) -> None:  # noqa: B027 - a transport may have nothing to close
        """Close the connection and remove what `send` put on the device."""

    @abstractmethod
    def describe(self) -> Mapping[str, str]:
        """What the device and its runtime are, for the provenance.

        Returns:
            Always "device" and "runtime", e.g. {"device": "Pixel 6", "runtime": "ai-edge-litert 2.1"}; more as known.
        """

    @abstractmethod
    def send(self, models: Mapping[str, Path]) -> None:
        """Put model files on the device under the given names (letters, digits, dots, dashes and underscores)."""

    @abstractmethod
    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """Run a model `warmup` times untimed and `runs` times timed, one image at a time.

        Raises:
            ModelRefused: The runtime does not run this file.
            DeviceLost: The connection broke.
            NotMeasuredYet: The transport is not live and has no block (or no further block) of this model, or none of
                any other model that was sent, so that nothing is imported by halves.
            TransportError: Anything else that the device does not do.
        """


def checked_models(models: Mapping[str, Path]) -> Mapping[str, Path]:
    """The models, if their names are safe in every shell and their files exist; raises `InvalidInput`."""
    for name, path in models.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"'{name}' cannot be a model's name; use letters, digits, dots, dashes and underscores.")
        if not path.is_file():
            raise InvalidInput(f"There is no model file {path}; write it before it is sent.")
    return models


def sent(models: Mapping[str, Path], name: str) -> Path:
    """The file that was sent under a name; raises `UnknownName`."""
    if name not in models:
        raise UnknownName("model on the device", name, models)
    return models[name]


def checked_timeout(seconds: float) -> float:
    """`transport.timeout`, if it is a time; raises `InvalidInput`."""
    if not seconds > 0:
        raise InvalidInput(f"transport.timeout={seconds:g} is not a positive number of seconds.")
    return seconds
