"""Detectors: where the faces are in a photo."""

from nasface.recognition.detectors._base import Detector
from nasface.recognition.detectors.boxes import Boxes, BoxesConfig
from nasface.recognition.detectors.mtcnn import Mtcnn, MtcnnConfig
from nasface.recognition.detectors.none import NoDetector, NoDetectorConfig
from nasface.recognition.detectors.yunet import YuNet, YuNetConfig

__all__ = [
    "Boxes",
    "BoxesConfig",
    "Detector",
    "Mtcnn",
    "MtcnnConfig",
    "NoDetector",
    "NoDetectorConfig",
    "YuNet",
    "YuNetConfig",
]
