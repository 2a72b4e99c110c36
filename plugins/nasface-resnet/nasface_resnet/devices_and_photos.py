"""A transport, a kind of photos, a detector, and a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from nasface import register
from nasface.data import FaceData, load_data
from nasface.errors import GalleryError, InvalidInput, ModelRefused, NasfaceError
from nasface.recognition.classifiers import Classifier
from nasface.recognition.detectors import Detector
from nasface.recognition.faces import Face, Photo, check_photo
from nasface.recognition.gallery import Descriptors, Gallery
from nasface.runtimes import open_model, time_model
from nasface.runtimes.tflite import open_tflite_model
from nasface.timing.transports import Sample, Transport, checked_models, sent


@dataclass
class InProcessConfig:
    """Parameters of the transport: there are none."""

    name: str = "in_process"


@register("transport", "in_process", config=InProcessConfig)
class InProcess(Transport):
    """This very process: the quickest start, and the least undisturbed times."""

    def __init__(self, config: InProcessConfig | None = None) -> None:
        self.config = config or InProcessConfig()
        self._models: dict[str, Path] = {}

    def describe(self) -> Mapping[str, str]:
        """This process."""
        return {"device": "this process", "runtime": "nasface.runtimes"}

    def send(self, models: Mapping[str, Path]) -> None:
        """Remember where the files are."""
        self._models |= checked_models(models)

    def time(self, model: str, *, runs: int, warmup: int, threads: int) -> Sample:
        """Open the file and time it."""
        path = sent(self._models, model)
        try:
            opened = open_model(path, threads=threads) if path.suffix else open_tflite_model(path, threads=threads)
            timing = time_model(opened, runs, threads, warmup)
        except NasfaceError as error:
            raise ModelRefused(f"{model} cannot be run: {error}") from error
        return Sample((timing.mean_ms,), runs, std_ms=timing.std_ms)


@dataclass
class StudioConfig:
    """Parameters of the photos.

    Attributes:
        people: Number of drawn people.
        photos: Of each.
    """

    name: str = "studio"
    people: int = 24
    photos: int = 4


@register("data", "studio", config=StudioConfig)
def studio(config: StudioConfig) -> FaceData:
    """Drawn people, few of them: quick to load and of nobody."""
    if config.people < 8 or config.photos < 2:
        raise InvalidInput(f"data.people is {config.people} and data.photos {config.photos}; give 8 and 2 or more.")
    return replace(load_data({"name": "procedural", "people": config.people, "photos": config.photos}), name="studio")


@dataclass
class MiddleConfig:
    """Parameters of the detector.

    Attributes:
        share: Side of the box in shorter sides of the photo.
    """

    name: str = "middle"
    share: float = 0.8


@register("detector", "middle", config=MiddleConfig)
class Middle(Detector):
    """Takes the middle of a photo for the face, as in photos that were cut by somebody already."""

    name = "middle"
    gives_points = False

    def __init__(self, config: MiddleConfig | None = None) -> None:
        self.config = config or MiddleConfig()

    def detect(self, photo: Photo, name: str = "") -> list[Face]:
        """One face, always."""
        check_photo(photo)
        height, width = photo.shape[:2]
        half = self.config.share * min(height, width) / 2
        return [Face((width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half))]


@dataclass
class MeanCosineConfig:
    """Parameters of the classifier: there are none."""

    name: str = "mean_cosine"


@register("classifier", "mean_cosine", config=MeanCosineConfig)
class MeanCosine(Classifier):
    """The person whose photos are alike on average, not the one of the nearest photo."""

    def __init__(self, config: MeanCosineConfig | None = None) -> None:
        self.config = config or MeanCosineConfig()

    def fit(self, gallery: Gallery) -> None:
        """The mean of everybody's descriptors."""
        if not len(gallery):
            raise GalleryError("The gallery is empty; put people into it with nasface enrol.")
        rows = gallery.descriptors.astype(np.float32)
        self._means = np.stack([rows[gallery.labels == person].mean(axis=0) for person in range(len(gallery.people))])

    def scores(self, probes: Descriptors, distances: Descriptors) -> Descriptors:
        """Mean cosine with everybody's photos."""
        found: Descriptors = probes @ self._means.T
        return found
