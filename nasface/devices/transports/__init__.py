"""Transports: host, ssh, adb, files; how a device runs models that nasface times."""

from nasface.devices.transports._base import Sample, Transport

__all__ = ["Sample", "Transport"]
