"""Supernets: shared weights, sub-networks cut from them, batch-normalisation re-calibration, checkpoints.

Names are loaded on first use, so that importing nasface loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nasface.supernets.options import RandomConfig as RandomConfig
from nasface.supernets.options import TrainedConfig as TrainedConfig
from nasface.supernets.source import SupernetSource as SupernetSource
from nasface.supernets.source import open_source as open_source

if TYPE_CHECKING:
    from nasface.supernets.calibration import calibrate as calibrate
    from nasface.supernets.calibration import normalise as normalise
    from nasface.supernets.elastic import ElasticNetwork as ElasticNetwork
    from nasface.supernets.module import SpecModule as SpecModule
    from nasface.supernets.module import deployed_weights as deployed_weights
    from nasface.supernets.network_folder import load_network as load_network
    from nasface.supernets.supernet import ElasticSupernet as ElasticSupernet
    from nasface.supernets.supernet import RandomSupernet as RandomSupernet
    from nasface.supernets.supernet import Supernet as Supernet
    from nasface.supernets.supernet import load_supernet as load_supernet

_HOMES = {
    "ElasticNetwork": "elastic",
    "ElasticSupernet": "supernet",
    "RandomSupernet": "supernet",
    "SpecModule": "module",
    "Supernet": "supernet",
    "calibrate": "calibration",
    "deployed_weights": "module",
    "load_network": "network_folder",
    "load_supernet": "supernet",
    "normalise": "calibration",
}

__all__ = sorted([*_HOMES, "RandomConfig", "SupernetSource", "TrainedConfig", "open_source"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise
        from nasface.errors import MissingDependency

        raise MissingDependency(error.name, "torch", "a supernet") from error
