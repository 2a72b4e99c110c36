"""The nearest mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nasface.metrics import unit_rows
from nasface.recognition.classifiers._base import Classifier
from nasface.recognition.gallery import Descriptors, Gallery
from nasface.registry import register


@dataclass
class CentroidConfig:
    """`centroid` has no parameters."""

    name: str = "centroid"


@register("classifier", "centroid", config=CentroidConfig)
class Centroid(Classifier):
    """The person whose mean descriptor is nearest; steadier than one photo where people have several."""

    def __init__(self, config: CentroidConfig) -> None:
        self._means: Descriptors = np.zeros((0, 0), np.float32)

    def fit(self, gallery: Gallery) -> None:
        """Average the descriptors of every person."""
        gallery.check_enrolled()
        sums = np.zeros((len(gallery.people), gallery.descriptors.shape[1]), np.float32)
        for rows, block in gallery.blocks():
            np.add.at(sums, gallery.labels[rows], block)
        self._means = unit_rows(sums)

    def scores(self, probes: Descriptors, distances: Descriptors) -> Descriptors:
        """Cosines with the means."""
        return np.asarray(probes @ self._means.T, np.float32)
