"""nasface: the best face-recognition network for your phone, out of one Once-for-All supernet.

The public names load what they need on first use, so `import nasface` is instant::

    import nasface

    supernet = nasface.load_supernet("mine.pth", space="ofa_mbv3_face")
    found = nasface.search(supernet="mine.pth", table="mine.csv", device="sd865", resolution=224)
    network = supernet.extract(found.genotype)
    nasface.export(network, "model.tflite", images=training_photos)
    nasface.Recognizer("model.tflite", "family.gallery").identify("party.jpg")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasface.accuracy.table import AccuracyTable as AccuracyTable
    from nasface.accuracy.table import read_table as read_table
    from nasface.api import Found as Found
    from nasface.api import create_study as create_study
    from nasface.api import export as export
    from nasface.api import open_workbench as open_workbench
    from nasface.api import search as search
    from nasface.costs import Cost as Cost
    from nasface.costs import StageTables as StageTables
    from nasface.errors import NasfaceError as NasfaceError
    from nasface.exporters import Exporter as Exporter
    from nasface.netspec import NetBuilder as NetBuilder
    from nasface.netspec import NetSpec as NetSpec
    from nasface.predictors import Comparator as Comparator
    from nasface.predictors import Scorer as Scorer
    from nasface.recognition.recognizer import Recognizer as Recognizer
    from nasface.registry import register as register
    from nasface.selectors import Selector as Selector
    from nasface.spaces import SearchSpace as SearchSpace
    from nasface.strategies import SearchStrategy as SearchStrategy
    from nasface.strategies import Study as Study
    from nasface.supernets import Supernet as Supernet
    from nasface.supernets import calibrate as calibrate
    from nasface.supernets import load_network as load_network
    from nasface.supernets import load_supernet as load_supernet

_HOMES = {
    "AccuracyTable": "accuracy.table",
    "Comparator": "predictors",
    "Cost": "costs",
    "Exporter": "exporters",
    "Found": "api",
    "NasfaceError": "errors",
    "NetBuilder": "netspec",
    "NetSpec": "netspec",
    "Recognizer": "recognition.recognizer",
    "Scorer": "predictors",
    "SearchSpace": "spaces",
    "SearchStrategy": "strategies",
    "Selector": "selectors",
    "StageTables": "costs",
    "Study": "strategies",
    "Supernet": "supernets",
    "calibrate": "supernets",
    "create_study": "api",
    "export": "api",
    "load_network": "supernets",
    "load_supernet": "supernets",
    "open_workbench": "api",
    "read_table": "accuracy.table",
    "register": "registry",
    "search": "api",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nasface' has no attribute '{name}'")
    return getattr(importlib.import_module(f"nasface.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
