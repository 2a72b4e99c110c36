"""A nasface plug-in. Importing this module, which its entry point names, registers everything it brings."""

from pathlib import Path

from omegaconf import OmegaConf

from nasface_example.brood import Brood, BroodConfig
from nasface_example.knn_scorer import KnnScorer, KnnScorerConfig
from nasface_example.tiny_resnet import TinyResnet, TinyResnetConfig
from nasface_example.traffic import TrafficConfig, TrafficLatency

__all__ = [
    "Brood",
    "BroodConfig",
    "KnnScorer",
    "KnnScorerConfig",
    "TinyResnet",
    "TinyResnetConfig",
    "TrafficConfig",
    "TrafficLatency",
]


def _file(name: str) -> str:
    """Where the file `name` of this package lies, for `${nasface_example.file:NAME}` in YAML."""
    return str(Path(__file__).parent / name)


OmegaConf.register_new_resolver("nasface_example.file", _file, replace=True)
