"""Transports: how a device runs models that nasface times; `build_transport({"name": "host"})`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from nasface.devices.transports._base import Sample, Transport
from nasface.devices.transports.host import HostConfig, HostTransport
from nasface.errors import UnknownName

__all__ = ["TRANSPORTS", "HostConfig", "HostTransport", "Sample", "Transport", "build_transport"]

TRANSPORTS: Final[dict[str, tuple[type, Callable[[Any], Transport]]]] = {
    "host": (HostConfig, HostTransport),
}
"""Options of `transport=`: the dataclass of parameters and the class that takes one."""


def build_transport(settings: Mapping[str, Any]) -> Transport:
    """The transport that `settings["name"]` names, the other entries being its parameters; nothing is connected yet.

    Raises:
        UnknownName: The transport, or one of the parameters, does not exist.
        InvalidInput: A parameter is outside what is allowed.
    """
    parameters = dict(settings)
    name = str(parameters.pop("name", ""))
    if name not in TRANSPORTS:
        raise UnknownName("transport", name, TRANSPORTS)
    config, transport = TRANSPORTS[name]
    fields = {field.name for field in dataclasses.fields(config)} - {"name"}
    for key in parameters:
        if key not in fields:
            raise UnknownName(f"parameter of transport {name}", key, fields)
    return transport(config(**parameters))
