"""Devices: latency tables, where they are found, how foreign ones are imported, and reference networks."""

from nasface.devices.device import (
    Device,
    device_name,
    embedded_luts,
    find_lut,
    load_device,
    measurements_folder,
    new_lut,
    replaceable_lut,
    user_folder,
    user_luts,
)
from nasface.devices.lut import FLOAT32, PRECISIONS, Check, LookupTable, Provenance, Reference, Row
from nasface.devices.lut_file import keep_check, read_lut, write_lut

__all__ = [
    "FLOAT32",
    "PRECISIONS",
    "Check",
    "Device",
    "LookupTable",
    "Provenance",
    "Reference",
    "Row",
    "device_name",
    "embedded_luts",
    "find_lut",
    "keep_check",
    "load_device",
    "measurements_folder",
    "new_lut",
    "read_lut",
    "replaceable_lut",
    "user_folder",
    "user_luts",
    "write_lut",
]
