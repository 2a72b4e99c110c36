"""Transports: how a device runs models that nasface times; `build_transport({"name": "host"})`."""

from __future__ import annotations

from collections.abc import Mapping

from nasface.devices.measurements import Sample
from nasface.registry import build
from nasface.timing.transports._base import Transport, checked_models, sent
from nasface.timing.transports.adb import AdbConfig, AdbTransport
from nasface.timing.transports.browser import BrowserConfig, BrowserTransport, PageTransport
from nasface.timing.transports.files import FilesConfig, FilesTransport
from nasface.timing.transports.host import HostConfig, HostTransport
from nasface.timing.transports.ssh import SshConfig, SshTransport

__all__ = [
    "AdbConfig",
    "AdbTransport",
    "BrowserConfig",
    "BrowserTransport",
    "FilesConfig",
    "FilesTransport",
    "HostConfig",
    "HostTransport",
    "PageTransport",
    "Sample",
    "SshConfig",
    "SshTransport",
    "Transport",
    "build_transport",
    "checked_models",
    "sent",
]


def build_transport(settings: Mapping[str, object]) -> Transport:
    """The transport that `settings["name"]` names, the other entries being its parameters; nothing is connected yet.

    Raises:
        UnknownName: The transport, or one of the parameters, does not exist.
        InvalidInput: A parameter is outside what is allowed.
    """
    transport: Transport = build("transport", settings)
    return transport
