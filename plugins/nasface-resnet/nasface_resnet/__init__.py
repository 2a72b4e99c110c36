"""A nasface plug-in of every kind. Importing this module, which its entry point names, registers what it brings."""

from nasface_resnet.asking import Shares, census
from nasface_resnet.devices_and_photos import InProcess, Middle, studio
from nasface_resnet.file_format import NnzExporter, nnz
from nasface_resnet.measuring import DepthCost, gini
from nasface_resnet.space import Resnet, ResnetConfig
from nasface_resnet.supernet import ResnetSource, ResnetSupernetConfig
from nasface_resnet.training_parts import NormFace, uniform

__all__ = [
    "DepthCost",
    "InProcess",
    "Middle",
    "NnzExporter",
    "NormFace",
    "Resnet",
    "ResnetConfig",
    "ResnetSource",
    "ResnetSupernetConfig",
    "Shares",
    "census",
    "gini",
    "nnz",
    "studio",
    "uniform",
]
