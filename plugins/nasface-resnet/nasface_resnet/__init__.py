"""A nasface plug-in of every kind. Importing this module, which its entry point names, registers what it brings."""

from nasface_resnet.asking import Shares, census
from nasface_resnet.devices_and_photos import InProcess, MeanCosine, Middle, studio
from nasface_resnet.file_format import NnzExporter, nnz
from nasface_resnet.measuring import DepthCost, gini
from nasface_resnet.operations import LeakyRelu
from nasface_resnet.searching import Curious, TwoSteps
from nasface_resnet.space import Resnet, ResnetConfig
from nasface_resnet.supernet import ResnetSource, ResnetSupernetConfig
from nasface_resnet.training_parts import NormFace, uniform

__all__ = [
    "Curious",
    "DepthCost",
    "InProcess",
    "LeakyRelu",
    "MeanCosine",
    "Middle",
    "NnzExporter",
    "NormFace",
    "Resnet",
    "ResnetConfig",
    "ResnetSource",
    "ResnetSupernetConfig",
    "Shares",
    "TwoSteps",
    "census",
    "gini",
    "nnz",
    "studio",
    "uniform",
]
