"""The paper's classifier: the nearest photo."""

from __future__ import annotations

from dataclasses import dataclass

from nasface.recognition.classifiers._base import Classifier
from nasface.recognition.gallery import Descriptors, Gallery
from nasface.registry import register


@dataclass
class NearestConfig:
    """`nearest` has no parameters."""

    name: str = "nearest"


@register("classifier", "nearest", config=NearestConfig)
class Nearest(Classifier):
    """The person of the nearest photo, as in the paper (1-NN)."""

    def __init__(self, config: NearestConfig) -> None:
        self._config = config

    def fit(self, gallery: Gallery) -> None:
        """Nothing is learnt."""
        gallery.check_enrolled()

    def scores(self, probes: Descriptors, distances: Descriptors) -> Descriptors:
        """Negative distances."""
        return -distances
