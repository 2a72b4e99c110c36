"""Classifiers: which people of a gallery a face is most likely of."""

from nasface.recognition.classifiers._base import Classifier
from nasface.recognition.classifiers.centroid import Centroid, CentroidConfig
from nasface.recognition.classifiers.linear import Linear, LinearConfig
from nasface.recognition.classifiers.nearest import Nearest, NearestConfig

__all__ = ["Centroid", "CentroidConfig", "Classifier", "Linear", "LinearConfig", "Nearest", "NearestConfig"]
