"""Linear classifiers of scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasface.errors import InvalidInput, UnknownName, requires
from nasface.recognition.classifiers._base import Classifier
from nasface.recognition.gallery import Descriptors, Gallery
from nasface.registry import register

KINDS: Final = ("ridge", "svm")


@dataclass
class LinearConfig:
    """Parameters of `linear`.

    Attributes:
        kind: "ridge" (least squares, quick) or "svm" (largest margin).
        strength: Of the regularisation: the ridge's alpha, or 1 / C of the support vector machine.
    """

    name: str = "linear"
    kind: str = "ridge"
    strength: float = 1.0


@register("classifier", "linear", config=LinearConfig)
class Linear(Classifier):
    """A linear score per person, learnt from all photos of the gallery (scikit-learn; extra [classifiers])."""

    def __init__(self, config: LinearConfig) -> None:
        if config.kind not in KINDS:
            raise UnknownName("kind of linear classifier", config.kind, KINDS)
        if not config.strength > 0:
            raise InvalidInput(f"classifier.strength must be above 0, not {config.strength:g}.")
        self._config = config
        self._weights: Descriptors = np.zeros((0, 0), np.float32)
        self._bias: Descriptors = np.zeros(0, np.float32)

    def fit(self, gallery: Gallery) -> None:
        """Learn a score per person; two people at least."""
        gallery.check_enrolled()
        if len(gallery.people) < 2:
            raise InvalidInput("classifier=linear tells two people or more apart; enrol more, or take nearest.")
        with requires("scikit-learn", "classifiers", "classifier=linear"):
            from sklearn.linear_model import RidgeClassifier
            from sklearn.svm import LinearSVC
        if self._config.kind == "ridge":
            # photos weigh by how few their person has: else whoever has one is taken for whoever has several
            model = RidgeClassifier(self._config.strength, class_weight="balanced")
        else:
            model = LinearSVC(C=1 / self._config.strength, class_weight="balanced", random_state=0)
        with warnings.catch_warnings():  # scikit-learn wonders at many people with one photo each
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            model.fit(gallery.descriptors.astype(np.float32), gallery.labels)
        weights = np.atleast_2d(np.asarray(model.coef_, np.float32))
        bias = np.atleast_1d(np.asarray(model.intercept_, np.float32))
        if len(gallery.people) == 2:  # scikit-learn keeps one score then, of the second
            weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        self._weights, self._bias = weights, bias

    def scores(self, probes: Descriptors, distances: Descriptors) -> Descriptors:
        """The learnt scores."""
        return np.asarray(probes @ self._weights.T + self._bias, np.float32)
