"""No detector: every photo is one face already."""

from __future__ import annotations

from dataclasses import dataclass

from nasface.recognition.detectors._base import Detector
from nasface.recognition.faces import Face, Photo, check_photo
from nasface.registry import register


@dataclass
class NoDetectorConfig:
    """`none` has no parameters."""

    name: str = "none"


@register("detector", "none", config=NoDetectorConfig)
class NoDetector(Detector):
    """Photos are faces already, cut out as the network wants them."""

    name = "none"
    gives_points = False

    def __init__(self, config: NoDetectorConfig) -> None:
        self._config = config

    def detect(self, photo: Photo, name: str = "") -> list[Face]:
        """One face, the whole photo."""
        check_photo(photo)
        height, width = photo.shape[:2]
        return [Face((0.0, 0.0, float(width), float(height)))]
